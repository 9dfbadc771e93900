"""Exact numbers: integers as long as they suffice, fractions where a division leaves a rest."""

from fractions import Fraction

Exact = int | Fraction


def simplified(value: Fraction) -> Exact:
    """The integer where the fraction is whole: integers cost a tenth in the sums that follow."""
    return value.numerator if value.denominator == 1 else value


def proportion(total: Exact, part: Exact, whole: Exact) -> Exact:
    """`total` times `part` / `whole`, exactly. ZeroDivisionError when the whole is zero."""
    product = total * part
    if isinstance(product, int) and isinstance(whole, int):
        quotient, rest = divmod(product, whole)
        return Fraction(product, whole) if rest else quotient
    return simplified(Fraction(product) / whole)


def ratio(numerator: Exact, denominator: int) -> Fraction:
    """The fraction of two exact numbers with one reduction."""
    if isinstance(numerator, int):
        return Fraction(numerator, denominator)
    return Fraction(numerator.numerator, numerator.denominator * denominator)


def round_up_to(value: Exact, step: int) -> Exact:
    """The least multiple of the step that is not below the value."""
    return -(-value // step) * step
