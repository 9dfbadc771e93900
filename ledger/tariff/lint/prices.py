"""Prices: what cannot be shown per minute, steps of zero, taxes that are missing or contradict each other."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from ledger.tariff.lint.finding import Code, Finding, component_path
from ledger.tariff.model import Dimension, PriceComponent, PriceLimit, Tariff, TaxIncluded
from ledger.values.canonical import decimal_text
from ledger.values.money import exponent, fraction_to_text, round_half_up

_MINUTES_PER_HOUR: Final = 60
_SHOWN_PLACES: Final = 6
_TIMES: Final = (Dimension.TIME, Dimension.PARKING_TIME)


def components_of(tariff: Tariff) -> Iterator[tuple[str, PriceComponent]]:
    """All price components with their JSON paths."""
    for place, element in enumerate(tariff.elements):
        for number, component in enumerate(element.components):
            yield component_path(place, number), component


def inexact_per_minute(tariff: Tariff) -> Iterator[Finding]:
    """Prices per hour whose sixtieth has no end: what is shown per minute is not what is billed."""
    for path, component in components_of(tariff):
        per_minute = Fraction(component.price) / _MINUTES_PER_HOUR
        if component.dimension in _TIMES and not _is_finite(per_minute):
            shown = fraction_to_text(per_minute, _SHOWN_PLACES)
            text = f"{decimal_text(component.price)} per hour is {shown}… per minute, which has no last digit"
            yield Finding(f"{path}.price", Code.MINUTE_PRICE_INEXACT, text)


def steps_of_zero(content: Any) -> Iterator[Finding]:
    """`step_size` 0, which OCPI does not define; it rounds as 1 does."""
    for place, element in enumerate(content["elements"]):
        for number, component in enumerate(element["price_components"]):
            if component.get("step_size") == 0:
                path = f"{component_path(place, number)}.step_size"
                yield Finding(path, Code.STEP_SIZE_ZERO, "is 0, which rounds to no step; say 1")


def missing_vat(tariff: Tariff) -> Iterator[Finding]:
    """Prices without a tax rate where one is needed; what costs nothing needs none."""
    if tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
        return
    for path, component in components_of(tariff):
        if (component.price or component.spot) and component.vat_percent is None:
            text = f"{component.dimension} names no VAT rate: the price after tax is not known"
            if tariff.tax_included is TaxIncluded.YES:
                text = f"{component.dimension} names no VAT rate: the price before tax is not known"
            yield Finding(f"{path}.vat", Code.VAT_MISSING, text)


def bounds_of_another_vat(tariff: Tariff) -> Iterator[Finding]:
    """Bounds whose two sides imply a tax rate that no component names."""
    rates = {component.vat_percent or Decimal(0) for _, component in components_of(tariff)}
    for name, limit in (("min_price", tariff.price_min), ("max_price", tariff.price_max)):
        if limit is None or limit.excl_vat is None or limit.incl_vat is None:
            continue
        if tariff.tax_included is not TaxIncluded.NOT_APPLICABLE and not any(
            _agrees(limit.excl_vat, limit.incl_vat, rate, tariff.currency) for rate in rates
        ):
            yield Finding(f"$.{name}", Code.BOUND_VAT, _implied(limit.excl_vat, limit.incl_vat, rates))


def crossed_bounds(tariff: Tariff) -> Iterator[Finding]:
    """A minimum above the maximum: the maximum wins."""
    nothing = PriceLimit(None, None)
    low, high = tariff.price_min or nothing, tariff.price_max or nothing
    sides = (("before", low.excl_vat, high.excl_vat), ("after", low.incl_vat, high.incl_vat))
    for side, least, most in sides:
        if least is not None and most is not None and least > most:
            text = f"{decimal_text(least)} {side} tax is above max_price {decimal_text(most)}, which wins"
            yield Finding("$.min_price", Code.BOUNDS_CROSSED, text)


def _is_finite(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _agrees(excl: Decimal, incl: Decimal, rate: Decimal, currency: str) -> bool:
    """Whether the rate leads from one amount to the other, rounded to the decimals that both are written with."""
    places = max(exponent(currency), _places(excl), _places(incl))
    after = Fraction(excl) * (100 + Fraction(rate)) / 100
    before = Fraction(incl) * 100 / (100 + Fraction(rate))
    return _rounded(after, places) == _rounded(Fraction(incl), places) or _rounded(before, places) == _rounded(
        Fraction(excl), places
    )


def _rounded(value: Fraction, places: int) -> int:
    return round_half_up(value * 10**places)


def _places(number: Decimal) -> int:
    return len(decimal_text(number).partition(".")[2])


def _implied(excl: Decimal, incl: Decimal, rates: set[Decimal]) -> str:
    named = ", ".join(f"{decimal_text(rate)} %" for rate in sorted(rates))
    if not excl:
        return f"0 before tax and {decimal_text(incl)} after tax imply no VAT rate; the prices name {named}"
    implied = fraction_to_text((Fraction(incl) / Fraction(excl) - 1) * 100, 2)
    return f"{decimal_text(excl)} before and {decimal_text(incl)} after tax imply {implied} % VAT, the prices {named}"
