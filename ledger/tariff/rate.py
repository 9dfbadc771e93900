"""A price component ready for use: its price per volume as integers, and why it applies."""

from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

import msgspec

from ledger.tariff.because import because_of, because_of_discount
from ledger.tariff.model import Dimension, Discount, PriceComponent, SpotFormula, Tariff, TaxIncluded
from ledger.values.energy import MILLIWH_PER_KWH, MILLIWH_PER_WH
from ledger.values.time import US_PER_HOUR, US_PER_S

# Volumes: milliwatt-hours, microseconds, or times. How many of them the price is for.
VOLUME_PER_UNIT: Final = {
    Dimension.ENERGY: MILLIWH_PER_KWH,
    Dimension.TIME: US_PER_HOUR,
    Dimension.PARKING_TIME: US_PER_HOUR,
    Dimension.FLAT: 1,
    Dimension.RESERVATION_TIME: US_PER_HOUR,
    Dimension.RESERVATION_FLAT: 1,
}
_TIME_STEP: Final = (US_PER_S, "s")
_STEPS: Final = {
    Dimension.ENERGY: (MILLIWH_PER_WH, "Wh"),
    Dimension.TIME: _TIME_STEP,
    Dimension.PARKING_TIME: _TIME_STEP,
    Dimension.RESERVATION_TIME: _TIME_STEP,
}
_NO_STEP: Final = (1, "")
# A spot price of 12 + 6 digits, its factor and the discount of it have at most 60 digits: the product is exact.
_EXACT: Final = Context(prec=120)


class Rate(msgspec.Struct, frozen=True):
    """A price component with its place in the tariff, its price after discount and what it says."""

    dimension: Dimension
    element: int
    price: Decimal
    vat_percent: Decimal | None
    step_size: int
    step_volume: int
    price_numerator: int
    price_denominator: int
    tax_factor: tuple[int, int] | None
    because: str
    because_step: str
    grace_us: int = 0
    spot: SpotFormula | None = None
    discount: Discount | None = None


def rate_of(
    tariff: Tariff, place: int, component: PriceComponent, dimension: Dimension, discount: Discount | None
) -> Rate:
    """The component of the element at a place (from 0), charged as a dimension."""
    volume, unit = _STEPS.get(dimension, _NO_STEP)
    # Where no tax applies a rate means nothing, even if it is written.
    has_tax = tariff.tax_included is not TaxIncluded.NOT_APPLICABLE
    vat_percent = component.vat_percent if has_tax else None
    rate = Rate(
        dimension=dimension,
        element=place + 1,
        price=component.price,
        vat_percent=vat_percent,
        step_size=component.step_size,
        step_volume=component.step_size * volume,
        price_numerator=0,
        price_denominator=1,
        tax_factor=None if vat_percent is None else tax_factor(vat_percent).as_integer_ratio(),
        because=because_of(place + 1, tariff.elements[place].restrictions),
        because_step=f"; rounded up to a multiple of {component.step_size} {unit}",
        grace_us=component.grace_s * US_PER_S,
        spot=component.spot,
        discount=discount,
    )
    return _with_price(rate, component.price, "")


def rate_at_spot(rate: Rate, formula: SpotFormula, per_kwh: Decimal) -> Rate:
    """The rate while the spot price of its series has a value."""
    price = _EXACT.add(_EXACT.multiply(per_kwh, formula.factor), formula.add)
    return _with_price(rate, price, f"; spot {formula.series} {per_kwh:f} × {formula.factor:f} + {formula.add:f}")


def _with_price(rate: Rate, price: Decimal, because: str) -> Rate:
    """The rate at a price before discount. A discount never makes a negative price dearer."""
    discount = rate.discount if price > 0 else None
    if discount is not None:
        because += because_of_discount(discount, price)
        price = _EXACT.multiply(price, _EXACT.subtract(1, discount.percent.scaleb(-2)))
    exact = Fraction(price) / VOLUME_PER_UNIT[rate.dimension]
    return msgspec.structs.replace(
        rate,
        price=price,
        price_numerator=exact.numerator,
        price_denominator=exact.denominator,
        because=rate.because + because,
    )


def tax_factor(vat_percent: Decimal | None) -> Fraction:
    """What an amount before tax is multiplied with to have it after tax; 1 where no rate is known."""
    return 1 + Fraction(vat_percent or 0) / 100
