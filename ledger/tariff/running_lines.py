"""What runs through a session: for each dimension the lines that its matching components build up."""

from typing import Final

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.rate import Rate
from ledger.tariff.selection import Rates
from ledger.values.exact import Exact

# Places of the dimensions, in the order in which lines of one instant are shown.
_FLAT: Final = 0
_ENERGY: Final = 1
_TIME: Final = 2
_PARKING_TIME: Final = 3


class RunningLine:
    """A stretch under one component; `start` is a mark on the energy or the time scale.

    `volume`: milliwatt-hours or microseconds so far, `before`: those of earlier lines of its dimension.
    `correction` is what volumes of time say beyond the instants.
    """

    __slots__ = ("before", "correction", "end_us", "is_counted", "order", "rate", "start", "start_us", "volume")

    def __init__(self, rate: Rate, place: int, start_us: Exact, start: Exact, before: Exact = 0) -> None:
        self.rate = rate
        self.order = (start_us, place)
        self.start_us = self.end_us = start_us
        self.start = start
        self.before = before
        self.volume: Exact = 0
        self.correction: Exact = 0
        self.is_counted = False

    @property
    def total(self) -> Exact:
        """The volume of its dimension up to and with this line."""
        return self.before + self.volume if self.before else self.volume


class RunningLines:
    """Lines as they get their first volume, and the last one of each family that rounds its step once."""

    def __init__(self) -> None:
        self.lines: list[RunningLine] = []
        self.last_energy: RunningLine | None = None
        self.last_time: RunningLine | None = None
        self.last_parking_time: RunningLine | None = None
        self.parking_us: Exact = 0
        self._has_flat = False
        self._open: list[RunningLine | None] = [None, None, None, None]
        self._latest: list[RunningLine | None] = [None, None, None, None]

    def add(self, span: ChargingPeriod, rates: Rates) -> None:
        """A span in which nothing switches, after all earlier ones."""
        if rates.flat is not None and not self._has_flat:
            self.add_flat(rates.flat, span.start_us)
        if rates.energy is None:
            self._open[_ENERGY] = None
        else:
            self._add_energy(span, rates.energy)
        self._add_time(span, rates)

    def add_flat(self, rate: Rate, start_us: Exact) -> None:
        """The fee of the first component of its kind that becomes active; there is one in a session."""
        self._has_flat = True
        line = RunningLine(rate, _FLAT, start_us, 0)
        line.volume = 1
        self.lines.append(line)

    def _add_energy(self, span: ChargingPeriod, rate: Rate) -> None:
        line = self._line(_ENERGY, rate, span, span.start_energy_milliwh)
        if span.start_energy_milliwh != span.end_energy_milliwh:
            self._count(line)
            line.volume = span.end_energy_milliwh - line.start
            self.last_energy = line

    def _add_time(self, span: ChargingPeriod, rates: Rates) -> None:
        """A line of one kind of time ends where that kind does."""
        if span.kind is Kind.PARKING:
            self._open[_TIME] = None
            self._add_time_of(_PARKING_TIME, span, self._past_grace(rates.parking_time))
            self.parking_us += span.end_us - span.start_us
        else:
            self._open[_PARKING_TIME] = None
            self._add_time_of(_TIME, span, None if span.kind is Kind.NEITHER else rates.time)

    def _past_grace(self, rate: Rate | None) -> Rate | None:
        """Nothing is charged, and no step counts, before the grace time of the component has passed."""
        return None if rate is None or rate.grace_us > self.parking_us else rate

    def _add_time_of(self, place: int, span: ChargingPeriod, rate: Rate | None) -> None:
        if rate is None:
            self._open[place] = None
            return
        line = self._line(place, rate, span, span.start_us)
        if span.start_us != span.end_us or span.time_correction_us:
            self._count(line)
            line.volume = span.end_us - line.start
            if span.time_correction_us:
                line.correction += span.time_correction_us
            if line.correction:
                line.volume += line.correction
            self.last_time = line
            if place == _PARKING_TIME:
                self.last_parking_time = line

    def _line(self, place: int, rate: Rate, span: ChargingPeriod, start: Exact) -> RunningLine:
        """The open line of a dimension: it lasts as long as its component keeps matching, also while nothing flows."""
        line = self._open[place]
        if line is None or line.rate is not rate:
            latest = self._latest[place]
            line = RunningLine(rate, place, span.start_us, start, 0 if latest is None else latest.total)
            self._open[place] = self._latest[place] = line
        line.end_us = span.end_us
        return line

    def _count(self, line: RunningLine) -> None:
        """A line is one of the result's from its first volume on."""
        if not line.is_counted:
            line.is_counted = True
            self.lines.append(line)
