"""A session's periods under a tariff: cut where a price can switch, each part under what applies in it."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.policy import Policies
from ledger.tariff.running_lines import RunningLines
from ledger.tariff.selection import Rates, Selection
from ledger.tariff.spans import Point, cut_at, point_at, spans
from ledger.tariff.spot import Market
from ledger.values.exact import Exact

_FAR: Final = 1 << 63


class Course:
    """Charging periods, one after the other, under the components that a selection gives them.

    Restrictions are judged at the start of every span, where nothing switches until its end.
    """

    def __init__(
        self, compiled: CompiledTariff, selection: Selection, start_us: Exact, policies: Policies, market: Market
    ) -> None:
        self.running = RunningLines()
        self._compiled = compiled
        self._selection = selection
        self._start_us = start_us
        self._splits = policies.restriction_scope == "split"
        self._unknown_matches = policies.power_unknown == "match"
        self._market = market
        self._graces_us = compiled.graces_us
        self._duration = compiled.duration if compiled.duration.bounds else None
        self._energy = compiled.energy if compiled.energy.bounds else None
        self._cells: list[tuple[int, int]] = []
        self._place = 0
        self._cuts: list[Exact] = []

    def reach(self, until_us: Exact) -> None:
        """Get ready for periods that end by an instant (RESTRICTION_SCOPE: what switches inside a period cuts it).

        A new spot price is no restriction: it always does.
        """
        compiled = self._compiled
        self._cells = compiled.calendar.cells(int(self._start_us), int(until_us))
        self._cuts = cut_instants(compiled, self._cells, self._start_us) if self._splits else []
        if compiled.series:
            slots = self._market.instants(compiled.series, self._start_us, until_us)
            self._cuts = sorted([*self._cuts, *slots])

    def add(self, periods: Iterable[ChargingPeriod], last_us: Exact = _FAR) -> None:
        """The next periods. What would switch only after `last_us`, the session's last instant, does not count."""
        energies = self._compiled.energy.bounds if self._splits else ()
        for span in spans(periods, self._cuts, energies):
            start_us = span.start_us
            if start_us == span.end_us and span.is_empty:
                continue
            rates = self._rates(span, start_us if start_us < last_us else last_us)
            if self._graces_us and span.kind is Kind.PARKING:
                self._add_parking(span, rates)
            else:
                self.running.add(span, rates)

    def add_flat_of_an_instant(self, period: ChargingPeriod) -> None:
        """A session, or a reservation, without duration and energy still has its fee."""
        flat = self._rates(period, period.start_us).flat
        if flat is not None:
            self.running.add_flat(flat, period.start_us)

    def _add_parking(self, span: ChargingPeriod, rates: Rates) -> None:
        for part in cut_at(span, self._ends_of_grace(span)):
            self.running.add(part, rates)

    def _rates(self, span: ChargingPeriod, at_us: Exact) -> Rates:
        cells, place = self._cells, self._place
        while place + 1 < len(cells) and cells[place + 1][0] <= at_us:
            place += 1
        self._place = place
        mask = cells[place][1]
        if self._duration is not None:
            mask &= self._duration.mask(at_us - self._start_us)
        if self._energy is not None:
            mask &= self._energy.mask(span.start_energy_milliwh)
        for quantity_of, axis, _ in self._compiled.instant_axes:
            mask &= axis.mask(quantity_of(span), self._unknown_matches)
        rates = self._selection.rates(mask)
        if not self._compiled.series or rates.energy is None:
            return rates
        return rates._replace(energy=self._market.rate(rates.energy, at_us, has_energy=span.has_energy))

    def _ends_of_grace(self, span: ChargingPeriod) -> list[Point]:
        """The points inside a parking span at which the grace time of a component is over."""
        passed_us = self.running.parking_us
        ends_us = [span.start_us + grace_us - passed_us for grace_us in self._graces_us]
        return [point_at(span, end_us) for end_us in ends_us if span.start_us < end_us < span.end_us]


def run(
    compiled: CompiledTariff,
    selection: Selection,
    periods: Sequence[ChargingPeriod],
    policies: Policies,
    market: Market,
) -> RunningLines:
    """The lines of a session, or of a reservation, in the order in which they begin, before any step size.

    What would switch only at its last instant does not count.
    """
    start_us, end_us = periods[0].start_us, periods[-1].end_us
    course = Course(compiled, selection, start_us, policies, market)
    course.reach(end_us)
    course.add(periods, max(start_us, end_us - 1))
    if start_us == end_us and not course.running.lines:
        course.add_flat_of_an_instant(periods[0])
    course.running.lines.sort(key=attrgetter("order"))
    return course.running


def cut_instants(compiled: CompiledTariff, cells: list[tuple[int, int]], start_us: Exact) -> list[Exact]:
    """Instants at which a restriction on local time or duration can switch."""
    instants: list[Exact] = [cell[0] for cell in cells[1:]]
    if compiled.duration.bounds:
        instants = sorted([*instants, *(start_us + bound for bound in compiled.duration.bounds)])
    return instants
