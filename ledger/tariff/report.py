"""The answer of the pricer: amounts, and the lines that explain them."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import lcm
from typing import Final

import msgspec

from ledger.tariff.model import Dimension, PriceLimit, TaxIncluded
from ledger.tariff.policy import DEFAULT, Policies
from ledger.tariff.rate import VOLUME_PER_UNIT
from ledger.tariff.rounding import rounded_minor
from ledger.tariff.spot import SpotPrice
from ledger.values.exact import Exact, ratio


class LimitLine(StrEnum):
    """Lines on the cost of a whole session: bounds that bind, the mark-up, and the cap after it."""

    MIN_PRICE = "MIN_PRICE"
    MAX_PRICE = "MAX_PRICE"
    MARK_UP = "MARK_UP"
    SESSION_CAP = "SESSION_CAP"


class Unit(StrEnum):
    """What a quantity counts."""

    KWH = "KWH"
    HOUR = "HOUR"
    SESSION = "SESSION"


_UNITS: Final[dict[Dimension | LimitLine, Unit]] = {
    Dimension.ENERGY: Unit.KWH,
    Dimension.TIME: Unit.HOUR,
    Dimension.PARKING_TIME: Unit.HOUR,
    Dimension.RESERVATION_TIME: Unit.HOUR,
}


class Line(msgspec.Struct, frozen=True):
    """One component (or bound) over a stretch of the session; `excl` and `incl` are exact, in major units.

    Volumes are milliwatt-hours, microseconds, or 1 for a fee; the billed one includes the surplus of
    `step_size` (Wh or seconds), which is there only where it added one. `element` counts from 1 and is None
    for a line on the whole session, whose price is None too. An amount is None where it is not known: `incl`
    where no tax is named, `excl` where prices include a tax whose rate is not named.
    """

    dimension: Dimension | LimitLine
    element: int | None
    from_us: Exact
    until_us: Exact
    volume: Exact
    billed_volume: Exact
    unit_price: Decimal | None
    vat_percent: Decimal | None
    excl: Fraction | None
    incl: Fraction | None
    because: str
    step_size: int | None = None

    @property
    def unit(self) -> Unit:
        """What the quantities and the unit price are of."""
        return _UNITS.get(self.dimension, Unit.SESSION)

    @property
    def quantity(self) -> Fraction:
        """kWh, hours or sessions, exact."""
        return ratio(self.volume, self._volume_per_unit)

    @property
    def billed_quantity(self) -> Fraction:
        """kWh, hours or sessions after rounding up to the step, exact."""
        return ratio(self.billed_volume, self._volume_per_unit)

    @property
    def _volume_per_unit(self) -> int:
        return VOLUME_PER_UNIT[self.dimension] if isinstance(self.dimension, Dimension) else 1


class Cost(msgspec.Struct, frozen=True):
    """An exact amount before and after tax, in major units; None where it is not known."""

    excl: Fraction | None
    incl: Fraction | None


class Report(msgspec.Struct, frozen=True):
    """A priced session. `excl` and `incl` are the exact sums of the lines, in major units of the currency.

    `lines_without_vat` counts the lines (from 0) of components that name no tax rate, where one is needed.
    It begins with the reservation, if there is one, which lasts for `reservation_us`. `policies` are what
    the result was made by, `spot_prices` the values under which energy flowed.
    """

    currency: str
    tax_included: TaxIncluded
    time_zone: str
    start_us: Exact
    end_us: Exact
    energy_milliwh: Exact
    parking_us: Exact
    lines: tuple[Line, ...]
    excl: Fraction | None
    incl: Fraction | None
    price_min: PriceLimit | None
    price_max: PriceLimit | None
    lines_without_vat: tuple[int, ...]
    reservation_us: Exact = 0
    policies: Policies = DEFAULT
    spot_prices: tuple[SpotPrice, ...] = ()

    @property
    def duration_us(self) -> Exact:
        """Charging, parking and what is neither, together, without the reservation (OCPI total_time)."""
        return self.end_us - self.start_us - self.reservation_us

    @property
    def excl_minor(self) -> int | None:
        """Before tax, in minor units (ROUNDING)."""
        if self.excl is None:
            return None
        amounts = ((line.dimension, line.excl) for line in self.lines)
        return rounded_minor(self.excl, amounts, self.currency, self.policies.rounding)

    @property
    def incl_minor(self) -> int | None:
        """After tax, in minor units (ROUNDING)."""
        if self.incl is None:
            return None
        amounts = ((line.dimension, line.incl) for line in self.lines)
        return rounded_minor(self.incl, amounts, self.currency, self.policies.rounding)

    def cost_of(self, *dimensions: Dimension | LimitLine) -> Cost:
        """The exact sum of the lines of some dimensions."""
        return total_of(line for line in self.lines if line.dimension in dimensions)


def total_of(lines: Iterable[Line]) -> Cost:
    """The exact sum of lines; a side that one of them does not know is unknown."""
    lines = tuple(lines)
    if len(lines) == 1:
        return Cost(lines[0].excl, lines[0].incl)
    return Cost(_sum([line.excl for line in lines]), _sum([line.incl for line in lines]))


def _sum(amounts: list[Fraction | None]) -> Fraction | None:
    """One reduction at the end: adding fractions one by one would reduce each time."""
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        return None
    ratios = [amount.as_integer_ratio() for amount in known]
    denominator = lcm(*[ratio[1] for ratio in ratios])
    return Fraction(sum([numerator * (denominator // part) for numerator, part in ratios]), denominator)
