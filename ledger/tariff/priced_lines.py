"""Lines with their amounts: exact, before and after tax."""

from collections.abc import Mapping
from fractions import Fraction

from ledger.tariff.model import TaxIncluded
from ledger.tariff.report import Cost, Line
from ledger.tariff.running_lines import RunningLine
from ledger.values.exact import Exact


def priced_line(
    line: RunningLine, surplus: Mapping[RunningLine, Exact], tax_included: TaxIncluded, names_tax: bool
) -> Line:
    """A line with what rounding up its step adds to it.

    `names_tax`: whether there is an amount after tax where prices are before it.
    """
    rate, volume = line.rate, line.volume
    more = surplus.get(line, 0)
    billed_volume = volume + more
    amount = _amount(rate.price_numerator, rate.price_denominator, billed_volume)
    cost = _cost(amount, rate.tax_factor, tax_included, names_tax)
    return Line(
        rate.dimension,
        rate.element,
        line.start_us,
        line.end_us,
        volume,
        billed_volume,
        rate.price,
        rate.vat_percent,
        cost.excl,
        cost.incl,
        rate.because + rate.because_step if more else rate.because,
        rate.step_size if more else None,
    )


def _cost(amount: Fraction, factor: tuple[int, int] | None, tax_included: TaxIncluded, names_tax: bool) -> Cost:
    if tax_included is TaxIncluded.YES:
        return Cost(_before_tax(amount, factor), amount)
    return Cost(amount, _after_tax(amount, factor) if names_tax else None)


def _amount(numerator: int, denominator: int, volume: Exact) -> Fraction:
    return Fraction(numerator * volume.numerator, denominator * volume.denominator)


def _after_tax(amount: Fraction, factor: tuple[int, int] | None) -> Fraction:
    """A component that names no rate adds no tax."""
    if factor is None:
        return amount
    return Fraction(amount.numerator * factor[0], amount.denominator * factor[1])


def _before_tax(amount: Fraction, factor: tuple[int, int] | None) -> Fraction | None:
    """What a price that includes tax is without it; unknown where the component names no rate."""
    if factor is None:
        return None
    return Fraction(amount.numerator * factor[1], amount.denominator * factor[0])
