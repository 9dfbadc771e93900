"""Stretches of a session over which the meter and the vehicle do one thing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from tests.second_rater.session import Reservation, Sample, Session, StateChange

# Energy in a state of rest up to which the vehicle is taken at its word: 0.1 kWh.
REST_MILLIWH_MAX = 100_000
HOUR_US = 3_600_000_000
UNTIL_TOLD = "Charging"


class Kind(Enum):
    """What the driver's time is: charging, parking, waiting for the station, or reserved."""

    CHARGING = auto()
    PARKING = auto()
    WAITING = auto()
    RESERVED = auto()


class Span(NamedTuple):
    """The least and the greatest of what flowed, in millionths; None where nobody knows."""

    least: Fraction | None
    greatest: Fraction | None


UNKNOWN = Span(None, None)


@dataclass(frozen=True)
class Stretch:
    """Energy rises evenly from `energy` to `energy_end` (milliwatt-hours since the session's start)."""

    start: Fraction
    end: Fraction
    energy: Fraction
    energy_end: Fraction
    kind: Kind = Kind.CHARGING
    power: Span = UNKNOWN
    current: Span = UNKNOWN

    @property
    def length(self) -> Fraction:
        return self.end - self.start

    @property
    def volume(self) -> Fraction:
        return self.energy_end - self.energy

    def energy_at(self, instant: Fraction) -> Fraction:
        return self.energy + self.volume * (instant - self.start) / self.length

    def between(self, start: Fraction, end: Fraction) -> "Stretch":
        """A part of it; a jump has none."""
        if not self.length:
            return self
        return replace(self, start=start, end=end, energy=self.energy_at(start), energy_end=self.energy_at(end))


def stretches(session: Session) -> list[Stretch]:
    """The reservation, then the session cut at every reading and every change of state, each part judged by itself."""
    if session.reservation and session.reservation.expired:
        return _reserved(session, session.reservation)
    cut = _cut_at_states(list(_between_readings(session)), session.states)
    charged = [replace(stretch, kind=_kind(stretch, session.states)) for stretch in cut]
    return [*_reserved(session, session.reservation), *charged]


def _reserved(session: Session, reservation: Reservation | None) -> list[Stretch]:
    """Until the session's start or the reservation's end, whichever is first."""
    if reservation is None:
        return []
    end = reservation.until_us if reservation.expired else min(reservation.until_us, session.start_us)
    return [Stretch(Fraction(reservation.from_us), Fraction(end), Fraction(0), Fraction(0), Kind.RESERVED)]


def _between_readings(session: Session) -> Iterator[Stretch]:
    known = [Sample(session.start_us, session.start_register_milliwh, None, None)]
    known += [sample for sample in session.samples if session.start_us <= sample.at_us <= session.end_us]
    known += [Sample(session.end_us, session.end_register_milliwh, None, None)]
    for before, sample in pairwise(known):
        energy, energy_end = (Fraction(each.register_milliwh - known[0].register_milliwh) for each in (before, sample))
        stretch = Stretch(Fraction(before.at_us), Fraction(sample.at_us), energy, energy_end)
        yield replace(stretch, power=_power(stretch, sample), current=_exactly(sample.current_microampere))


def _power(stretch: Stretch, sample: Sample) -> Span:
    if sample.power_milliwatt is None and stretch.length:
        return _exactly(stretch.volume * HOUR_US / stretch.length)
    return _exactly(sample.power_milliwatt)


def _exactly(value: Fraction | int | None) -> Span:
    return UNKNOWN if value is None else Span(Fraction(value), Fraction(value))


def _cut_at_states(metered: list[Stretch], states: tuple[StateChange, ...]) -> Iterator[Stretch]:
    for stretch in metered:
        inside = {Fraction(change.at_us) for change in states if stretch.start < change.at_us < stretch.end}
        marks = [stretch.start, *sorted(inside), stretch.end]
        yield from (stretch.between(start, end) for start, end in pairwise(marks))


def _kind(stretch: Stretch, states: tuple[StateChange, ...]) -> Kind:
    """By what was told last; energy above the tolerance is charging, whatever the station says."""
    told = [change.charging_state for change in states if change.at_us <= stretch.start]
    state = told[-1] if told else UNTIL_TOLD
    charged = "Charging" in told or stretch.energy > REST_MILLIWH_MAX
    if state == "SuspendedEVSE":
        return Kind.WAITING
    if state == "Charging" or stretch.volume > REST_MILLIWH_MAX:
        return Kind.CHARGING
    return Kind.PARKING if state == "SuspendedEV" or charged else Kind.WAITING
