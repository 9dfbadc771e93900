"""What runs through a session: for each dimension the lines that its matching components build up."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import CompiledTariff, Rate, Rates
from ledger.tariff.model import Dimension
from ledger.tariff.spans import spans
from ledger.values.exact import Exact

# Places of the dimensions, in the order in which lines of one instant are shown.
_FLAT: Final = 0
_ENERGY: Final = 1
_TIME: Final = 2
_PARKING_TIME: Final = 3


class RunningLine:
    """A stretch under one component; `start` and `end` are marks on the energy or the time scale."""

    __slots__ = ("end", "end_us", "order", "rate", "start", "start_us", "surplus")

    def __init__(self, rate: Rate, place: int, start_us: Exact, start: Exact) -> None:
        self.rate = rate
        self.order = (start_us, place)
        self.start_us = self.end_us = start_us
        self.start = self.end = start
        self.surplus: Exact = 0

    @property
    def volume(self) -> Exact:
        """Milliwatt-hours or microseconds."""
        return self.end - self.start


class Running:
    """Lines as they get their first volume, and the last one of each family that rounds its step once."""

    def __init__(self) -> None:
        self.lines: list[RunningLine] = []
        self.last_energy: RunningLine | None = None
        self.last_time: RunningLine | None = None
        self.parking_us: Exact = 0
        self._has_flat = False
        self._open: list[RunningLine | None] = [None, None, None, None]

    def add(self, span: ChargingPeriod, rates: Rates) -> None:
        """A span in which nothing switches, after all earlier ones."""
        if rates.flat is not None and not self._has_flat:
            self.add_flat(rates.flat, span.start_us)
        energy = self._extend(_ENERGY, rates.energy, span, span.start_energy_milliwh, span.end_energy_milliwh)
        self.last_energy = energy or self.last_energy
        # Both are asked in every span: a line ends where its kind of time does.
        time = rates.time if span.kind is Kind.CHARGING else None
        charged = self._extend(_TIME, time, span, span.start_us, span.end_us)
        parking_time = rates.parking_time if span.kind is Kind.PARKING else None
        parked = self._extend(_PARKING_TIME, parking_time, span, span.start_us, span.end_us)
        self.last_time = charged or parked or self.last_time
        if span.kind is Kind.PARKING:
            self.parking_us += span.end_us - span.start_us

    def add_flat(self, rate: Rate, start_us: Exact) -> None:
        """The fee of the first component of its kind that becomes active; there is one in a session."""
        self._has_flat = True
        line = RunningLine(rate, _FLAT, start_us, 0)
        line.end = 1
        self.lines.append(line)

    def lines_of(self, dimension: Dimension) -> Iterable[RunningLine]:
        """The lines of one dimension."""
        return (line for line in self.lines if line.rate.dimension is dimension)

    def _extend(
        self, place: int, rate: Rate | None, span: ChargingPeriod, start: Exact, end: Exact
    ) -> RunningLine | None:
        """The line that grew, None if nothing did.

        A line lasts as long as its component keeps matching, also while nothing flows; it counts from the
        first volume on.
        """
        if rate is None:
            self._open[place] = None
            return None
        line = self._open[place]
        if line is None or line.rate is not rate:
            line = self._open[place] = RunningLine(rate, place, span.start_us, start)
        line.end_us = span.end_us
        if start == end:
            return None
        if line.start == line.end:
            self.lines.append(line)
        line.end = end
        return line


def run(compiled: CompiledTariff, periods: Sequence[ChargingPeriod]) -> Running:
    """The lines of a session in the order in which they begin, before any step size.

    Restrictions are judged at the start of every span, where nothing switches until its end. What would
    switch only at the session's last instant does not count.
    """
    start_us, end_us = periods[0].start_us, periods[-1].end_us
    last_us = max(start_us, end_us - 1)
    cells = compiled.calendar.cells(int(start_us), int(end_us))
    running, place = Running(), 0
    for span in spans(periods, cut_instants(compiled, cells, start_us), compiled.energy.bounds):
        if span.start_us == span.end_us and span.start_energy_milliwh == span.end_energy_milliwh:
            continue
        at_us = min(span.start_us, last_us)
        while place + 1 < len(cells) and cells[place + 1][0] <= at_us:
            place += 1
        running.add(span, compiled.rates(cells[place][1], at_us - start_us, span))
    if start_us == end_us and not running.lines:
        _add_flat_of_an_instant(compiled, running, periods[0], cells[0][1])
    running.lines.sort(key=attrgetter("order"))
    return running


def cut_instants(compiled: CompiledTariff, cells: list[tuple[int, int]], start_us: Exact) -> list[Exact]:
    """Instants at which a restriction on local time or duration can switch."""
    instants: list[Exact] = [cell[0] for cell in cells[1:]]
    if compiled.duration.bounds:
        instants = sorted([*instants, *(start_us + bound for bound in compiled.duration.bounds)])
    return instants


def _add_flat_of_an_instant(compiled: CompiledTariff, running: Running, period: ChargingPeriod, cell_mask: int) -> None:
    """A session without duration and energy still has its fee."""
    flat = compiled.rates(cell_mask, 0, period).flat
    if flat is not None:
        running.add_flat(flat, period.start_us)
