"""Readings folded into running lines one by one, as they are taken."""

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from ledger.tariff.charges import charges_of, taxation_of, total_of_charges
from ledger.tariff.charging_period import ChargingPeriod
from ledger.tariff.charging_state import ASSUMED_STATE, CHARGING_STATE, kind_of_interval
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.periods import reserved_period
from ledger.tariff.policy import Policies
from ledger.tariff.readings import Readings, Sample, mean_power_milliwatt
from ledger.tariff.report import Cost, Report
from ledger.tariff.running import Course, run
from ledger.tariff.running_lines import RunningLines
from ledger.tariff.spans import Point
from ledger.tariff.spot import Market, PriceMissingError, Slot
from ledger.tariff.totals import Extent, report_of
from ledger.values.exact import Exact, proportion
from ledger.values.time import US_PER_HOUR

# How far ahead of the last reading switches of local time are looked up at once.
_AHEAD_US: Final = 24 * US_PER_HOUR


class Fold:
    """A session folded up to its last reading; readings and states come in the order of their instants.

    What cannot be folded (two registers at one instant, a register that fell, a price that is missing) ends
    the fold: it is then not exact, and the session is to be priced as a whole.
    """

    def __init__(
        self, compiled: CompiledTariff, readings: Readings, policies: Policies, slots: Mapping[str, Sequence[Slot]]
    ) -> None:
        self._compiled = compiled
        self._policies = policies
        self._readings = readings
        self._market = Market(slots)
        # Intervals between readings are cut wherever a price can switch, as charging periods from readings are.
        splitting = msgspec.structs.replace(policies, restriction_scope="split")
        self._course = Course(compiled, compiled.session, readings.start_us, splitting, self._market)
        self._reserved = reserved_period(readings, is_empty=False)
        self._runs = self._runs_of(self._reserved)
        self._reached_us = readings.start_us
        self._point: tuple[int, int] = (readings.start_us, 0)
        self._states = list(readings.state_changes)
        self._next_state = 0
        self._state, self._has_charged = ASSUMED_STATE, False
        self._is_whole = True
        for sample in readings.samples:
            self.add_reading(sample)

    @property
    def is_exact(self) -> bool:
        """Whether the report is that of the session up to its last reading. At its first instant it is not."""
        return self._is_whole and self._point[0] > self._readings.start_us

    def add_state_change(self, at_us: int, state: str) -> None:
        """A state from an instant on that is not before the last reading, nor before the last state."""
        self._states.append((at_us, state))

    def add_reading(self, sample: Sample) -> None:
        """A sample that is not before the last one."""
        point = (sample[0], sample[1] - self._readings.start_register_milliwh)
        # Of samples at one instant with one register the first counts.
        if not self._is_whole or point == self._point:
            return
        if point[0] <= self._point[0] or point[1] < self._point[1]:
            self._is_whole = False
            return
        if point[0] > self._reached_us:
            self._reached_us = point[0] + _AHEAD_US
            self._course.reach(self._reached_us)
        try:
            self._course.add(self._periods(point, sample))
        except PriceMissingError:
            self._is_whole = False
        self._point = point

    def cost(self) -> Cost:
        """What the report says in all, without the report where it can."""
        if self._compiled.has_whole_lines:
            report = self.report()
            return Cost(report.excl, report.incl)
        taxation = taxation_of(self._compiled.tariff, self._runs)
        return total_of_charges(charges_of(self._runs, self._policies), taxation)

    def report(self) -> Report:
        """The cost up to the last reading, where the fold is exact."""
        readings, reserved, (end_us, energy) = self._readings, self._reserved, self._point
        self._course.running.lines.sort(key=attrgetter("order"))
        start_us = readings.start_us if reserved is None else reserved.start_us
        extent = Extent(start_us, end_us, energy, 0 if reserved is None else reserved.duration_us)
        return report_of(self._compiled, extent, self._runs, self._policies, self._market.used)

    def _runs_of(self, reserved: ChargingPeriod | None) -> list[RunningLines]:
        session = self._course.running
        if reserved is None:
            return [session]
        return [run(self._compiled, self._compiled.reservation, [reserved], self._policies, self._market), session]

    def _periods(self, end: tuple[int, int], sample: Sample) -> list[ChargingPeriod]:
        """The interval that a reading closes, cut where the state changed."""
        power = mean_power_milliwatt(self._point, end) if sample[2] is None else sample[2]
        if self._next_state == len(self._states):
            return [self._period(self._point, end, power, sample[3])]
        periods: list[ChargingPeriod] = []
        start: Point = self._point
        for point in self._changes(end):
            if start < point:
                periods.append(self._period(start, point, power, sample[3]))
                start = point
        return periods

    def _period(self, start: Point, end: Point, power: Exact | None, current: int | None) -> ChargingPeriod:
        kind = kind_of_interval(self._state, self._has_charged, start[1], end[1])
        return ChargingPeriod(start[0], end[0], kind, start[1], end[1], power, power, current, current)

    def _changes(self, end: tuple[int, int]) -> Iterator[Point]:
        """Where a state ends in the interval, and the interval's end; after each the next state is in force."""
        (start_us, start_milliwh), (end_us, end_milliwh) = self._point, end
        while self._next_state < len(self._states) and self._states[self._next_state][0] < end_us:
            at_us, state = self._states[self._next_state]
            if at_us > start_us:
                passed = proportion(end_milliwh - start_milliwh, at_us - start_us, end_us - start_us)
                yield at_us, start_milliwh + passed
            self._next_state += 1
            self._state, self._has_charged = state, self._has_charged or state == CHARGING_STATE
        yield end
