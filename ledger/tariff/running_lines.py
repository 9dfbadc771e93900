"""What runs through a session: for each dimension the lines that its matching components build up."""

from collections.abc import Iterable
from typing import Final

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.model import Dimension
from ledger.tariff.rate import Rate
from ledger.tariff.selection import Rates
from ledger.values.exact import Exact

# Places of the dimensions, in the order in which lines of one instant are shown.
_FLAT: Final = 0
_ENERGY: Final = 1
_TIME: Final = 2
_PARKING_TIME: Final = 3


class RunningLine:
    """A stretch under one component; `start` and `end` are marks on the energy or the time scale.

    `correction` is what volumes of time say beyond the instants.
    """

    __slots__ = ("correction", "end", "end_us", "is_counted", "order", "rate", "start", "start_us")

    def __init__(self, rate: Rate, place: int, start_us: Exact, start: Exact) -> None:
        self.rate = rate
        self.order = (start_us, place)
        self.start_us = self.end_us = start_us
        self.start = self.end = start
        self.correction: Exact = 0
        self.is_counted = False

    @property
    def volume(self) -> Exact:
        """Milliwatt-hours or microseconds."""
        return self.end - self.start + self.correction


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

    def add(self, span: ChargingPeriod, rates: Rates) -> None:
        """A span in which nothing switches, after all earlier ones."""
        if rates.flat is not None and not self._has_flat:
            self.add_flat(rates.flat, span.start_us)
        kind = span.kind
        energy = self._extend(_ENERGY, rates.energy, span, span.start_energy_milliwh, span.end_energy_milliwh)
        self.last_energy = energy or self.last_energy
        # Both are asked in every span: a line ends where its kind of time does.
        time = rates.time if kind is Kind.CHARGING or kind is Kind.RESERVATION else None
        self.last_time = self._extend(_TIME, time, span, span.start_us, span.end_us) or self.last_time
        parking_time = self._past_grace(rates.parking_time) if kind is Kind.PARKING else None
        parked = self._extend(_PARKING_TIME, parking_time, span, span.start_us, span.end_us)
        if parked is not None:
            self.last_time = self.last_parking_time = parked
        if kind is Kind.PARKING:
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

    def _past_grace(self, rate: Rate | None) -> Rate | None:
        """Nothing is charged, and no step counts, before the grace time of the component has passed."""
        return None if rate is None or rate.grace_us > self.parking_us else rate

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
        correction = span.time_correction_us if place != _ENERGY else 0
        if start == end and not correction:
            return None
        if not line.is_counted:
            line.is_counted = True
            self.lines.append(line)
        line.end = end
        line.correction += correction
        return line
