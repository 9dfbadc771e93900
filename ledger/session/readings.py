"""A session's facts to the readings and states that are priced and judged. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter

from ledger.session.events import SessionEnded, SessionStarted
from ledger.session.state import Session
from ledger.tariff.charging_state import CHARGING_STATE, PARKING_STATE
from ledger.tariff.readings import TOLERANCE_MILLIWH, Readings, Reservation, Sample, StateChange
from ledger.values.time import to_us

Point = tuple[int, int]  # instant in microseconds, register in milliwatt-hours


def readings_of(session: Session, started: SessionStarted, ended: SessionEnded) -> Readings:
    """The session's readings and states as the pricer wants them."""
    start_us, end_us = to_us(started.occurred_at), to_us(ended.occurred_at)
    samples: list[Sample] = [
        (to_us(reading.occurred_at), reading.register_milliwh, reading.power_milliw, reading.current_microa)
        for reading in session.readings_within(started.occurred_at, ended.occurred_at)
    ]
    changes: list[StateChange] = [(to_us(change.occurred_at), change.charging_state) for change in session.states]
    if changes and _says_parking_first(changes):
        start, end = (start_us, started.register_milliwh), (end_us, ended.register_milliwh)
        changes = _credible(changes, [start, *[sample[:2] for sample in samples], end])
    return Readings(
        start_us=start_us,
        start_register_milliwh=started.register_milliwh,
        end_us=end_us,
        end_register_milliwh=ended.register_milliwh,
        samples=samples,
        state_changes=changes,
        reservation=_reservation(started),
    )


def _reservation(started: SessionStarted) -> Reservation | None:
    reserved = started.reservation
    if reserved is None:
        return None
    return Reservation(to_us(reserved.from_), to_us(reserved.until), reserved.expired)


def _says_parking_first(changes: Sequence[StateChange]) -> bool:
    """Whether the station states parking before it states charging, or never states charging."""
    first = next((state for _, state in changes if state in (PARKING_STATE, CHARGING_STATE)), None)
    return first == PARKING_STATE


def _credible(changes: list[StateChange], points: Sequence[Point]) -> list[StateChange]:
    """The changes, with a parking state that the meter refutes put off to where energy begins to flow.

    A station may say that the vehicle wants no power, and say nothing else while it takes its fill. Until then nothing
    shows that it was full, so that was no parking.
    """
    for first, until in _runs(changes):
        since_us, state = changes[first]
        if state == CHARGING_STATE:
            break
        until_us = changes[until][0] if until < len(changes) else points[-1][0]
        flows_us = _first_flow(points, since_us, until_us) if state == PARKING_STATE else None
        if flows_us is not None:
            counts_us = max(flows_us, since_us)
            later = [change for change in changes[first:until] if change[0] > counts_us]
            return [*changes[:first], (counts_us, state), *later, *changes[until:]]
    return changes


def _runs(changes: Sequence[StateChange]) -> Iterator[tuple[int, int]]:
    """The bounds of the changes that follow each other and state the same."""
    first = 0
    for _, run in groupby(changes, key=itemgetter(1)):
        until = first + len(list(run))
        yield first, until
        first = until


def _first_flow(points: Sequence[Point], since_us: int, until_us: int) -> int | None:
    """Where the first interval begins in which more than the tolerance flows while a state holds.

    None where none does, or where the vehicle had charged already.
    """
    first = max(bisect_right(points, since_us, key=itemgetter(0)) - 1, 0)
    if points[first][1] - points[0][1] > TOLERANCE_MILLIWH:
        return None
    for (from_us, before), (to_us_, after) in pairwise(points[first:]):
        held_us = min(to_us_, until_us) - max(from_us, since_us)
        if (after - before) * held_us > TOLERANCE_MILLIWH * (to_us_ - from_us):
            return from_us
    return None
