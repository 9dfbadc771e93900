"""What a meter and a charging station told about one session, as a curve of energy over time."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Final

import msgspec

from ledger.values.exact import Exact, proportion
from ledger.values.time import US_PER_HOUR

# When, register in milliwatt-hours, power in milliwatts and current (sum over phases) in microamperes or None.
Sample = tuple[int, int, int | None, int | None]
# When, and OCPP 2.0.1 chargingState.
StateChange = tuple[int, str]

# Energy above this is charging, whatever state was reported: 0.1 kWh.
TOLERANCE_MILLIWH: Final = 100_000


class Reservation(msgspec.Struct, frozen=True):
    """A reservation before a session, billed from its beginning to the session's start or its own end."""

    from_us: int
    until_us: int
    is_expired: bool = False


class Readings(msgspec.Struct, frozen=True):
    """Instants in microseconds since 1970; samples and state changes in the order of their instants.

    Registers are the meter's own and must not decrease. Samples before the start or after the end are no
    part of the session's energy and are left out. A reservation that expired is followed by a session without
    duration and energy, which is none.
    """

    start_us: int
    start_register_milliwh: int
    end_us: int
    end_register_milliwh: int
    samples: Sequence[Sample] = ()
    state_changes: Sequence[StateChange] = ()
    reservation: Reservation | None = None


class Curve:
    """The session's energy at any instant: linear between readings, exact.

    `instants_us` and `energies_milliwh` are columns that begin with the session's start and end with its end.
    The start is no sample, and the end record carries a register only.
    ValueError when the session ends before it starts or a register decreases.
    """

    def __init__(self, readings: Readings) -> None:
        self.samples = _within(readings)
        base_milliwh = readings.start_register_milliwh
        self.instants_us = [readings.start_us, *[sample[0] for sample in self.samples], readings.end_us]
        self.energies_milliwh = [0, *[sample[1] - base_milliwh for sample in self.samples]]
        self.energies_milliwh.append(readings.end_register_milliwh - base_milliwh)
        _refuse_decrease(self.instants_us, "the instants")
        _refuse_decrease(self.energies_milliwh, "the register")

    def energy_at(self, instant_us: int) -> Exact:
        """Energy since the start; what was read at the very instant counts as delivered from then on."""
        place = bisect_left(self.instants_us, instant_us)
        if self.instants_us[place] == instant_us:
            return self.energies_milliwh[place]
        before_us, before = self.instants_us[place - 1], self.energies_milliwh[place - 1]
        passed_us, interval_us = instant_us - before_us, self.instants_us[place] - before_us
        return before + proportion(self.energies_milliwh[place] - before, passed_us, interval_us)

    def instant_of(self, energy_milliwh: int) -> Exact:
        """The first instant at which so much energy was delivered."""
        place = bisect_left(self.energies_milliwh, energy_milliwh)
        if self.energies_milliwh[place] == energy_milliwh:
            return self.instants_us[place]
        before_us, before = self.instants_us[place - 1], self.energies_milliwh[place - 1]
        interval_us, rise = self.instants_us[place] - before_us, self.energies_milliwh[place] - before
        return before_us + proportion(interval_us, energy_milliwh - before, rise)

    @cached_property
    def powers_milliwatt(self) -> list[Exact | None]:
        """Power over the interval that ends at each column but the first: as sampled at its end, else the mean."""
        sampled = [*[sample[2] for sample in self.samples], None]
        return [
            mean_power_milliwatt(self.point(place - 1), self.point(place)) if power is None else power
            for place, power in enumerate(sampled, start=1)
        ]

    @cached_property
    def currents_microampere(self) -> list[Exact | None]:
        """Current over the interval that ends at each column but the first: as sampled at its end, else unknown."""
        return [*[sample[3] for sample in self.samples], None]

    def point(self, place: int) -> tuple[int, int]:
        """Instant and energy of a column."""
        return self.instants_us[place], self.energies_milliwh[place]


def mean_power_milliwatt(start: tuple[int, int], end: tuple[int, int]) -> Exact | None:
    """Energy over time between two points of instant and energy; unknown where no time passes."""
    duration_us = end[0] - start[0]
    return proportion(end[1] - start[1], US_PER_HOUR, duration_us) if duration_us else None


def _within(readings: Readings) -> Sequence[Sample]:
    samples = readings.samples
    if samples and (samples[0][0] < readings.start_us or samples[-1][0] > readings.end_us):
        return [sample for sample in samples if readings.start_us <= sample[0] <= readings.end_us]
    return samples


def _refuse_decrease(column: list[int], name: str) -> None:
    # Sorting an ordered list is the fastest test of its order.
    if column != sorted(column):
        before, after = next(pair for pair in pairwise(column) if pair[0] > pair[1])
        raise ValueError(f"{name} of a session must not decrease: {before} is followed by {after}")
