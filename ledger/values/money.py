"""Money: exact rationals while it is computed, integer minor units once it is booked."""

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

from ledger.values.currencies import EXPONENTS

RoundingMode = Literal["HALF_UP", "HALF_EVEN"]

_DEFAULT_PLACES: Final = 12
_EXACT_PATTERN: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+|/[0-9]+)?", re.ASCII)
# A stored exact amount has a numerator and a denominator of tens of digits; more is not ours.
_EXACT_MAX_LENGTH: Final = 1_000

# Prices have few decimals, so amounts share a few dozen denominators; others come and go.
_DENOMINATORS_KEPT: Final = 1_000


class UnknownCurrencyError(ValueError):
    """A code that is no currency of ISO 4217."""


def exponent(currency: str) -> int:
    """Number of decimals of the currency's minor unit (ISO 4217): EUR 2, JPY 0, BHD 3."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrencyError(f"{currency!r} is no currency code of ISO 4217") from None


def round_half_up(value: Fraction) -> int:
    """The nearest integer; halves go away from zero."""
    return _round_ratio(value.numerator, value.denominator)


def _round_ratio(numerator: int, denominator: int) -> int:
    """Half up on integers: making a fraction only to round it would cost as much again."""
    whole, rest = divmod(abs(numerator), denominator)
    if 2 * rest >= denominator:
        whole += 1
    return -whole if numerator < 0 else whole


def round_to_minor(amount: Fraction, currency: str, mode: RoundingMode = "HALF_UP") -> int:
    """Integer minor units of an exact amount in major units."""
    scale: int = 10 ** exponent(currency)
    if mode == "HALF_UP":
        return _round_ratio(amount.numerator * scale, amount.denominator)
    return round(amount * scale)


def minor_to_text(amount_minor: int, currency: str) -> str:
    """Text in major units with all decimals of the currency: 500 EUR -> "5.00", 500 JPY -> "500"."""
    return _decimal_text(amount_minor, exponent(currency))


def minor_to_exact(amount_minor: int, currency: str) -> Fraction:
    """The exact amount in major units."""
    return Fraction(amount_minor, 10 ** exponent(currency))


def largest_remainder(total_minor: int, shares: Sequence[Fraction]) -> list[int]:
    """Divide a total in proportion to the shares, in whole minor units that add up to it exactly.

    Each part is rounded down; what is left goes, one unit each, to the largest remainders (ties: in order).
    Shares may be negative (a reduction beside the charges) as long as they do not cancel out.
    """
    weight = sum(shares, Fraction(0))
    if weight == 0:
        return _nothing_to_divide(total_minor, shares)
    return round_to_total(total_minor, [share * total_minor / weight for share in shares])


def round_to_total(total_minor: int, quotas: Sequence[Fraction]) -> list[int]:
    """Whole minor units next to exact quotas, which add up to a total that their exact sum was rounded to.

    Each is rounded down; what is left goes, one unit each, to the largest remainders (ties: in order).
    """
    parts = [quota.numerator // quota.denominator for quota in quotas]
    by_remainder = sorted(range(len(parts)), key=lambda place: parts[place] - quotas[place])
    for place in by_remainder[: total_minor - sum(parts)]:
        parts[place] += 1
    return parts


def _nothing_to_divide(total_minor: int, shares: Sequence[Fraction]) -> list[int]:
    if total_minor:
        raise ValueError(f"{total_minor} minor units cannot be divided: the shares add up to zero")
    return [0] * len(shares)


def fraction_to_text(value: Fraction, places: int = _DEFAULT_PLACES, min_places: int = 0) -> str:
    """Decimal text with at most `places` decimals, half up on the last; `min_places` zeros stay."""
    text = _decimal_text(_round_ratio(value.numerator * 10**places, value.denominator), places)
    whole, _, decimals = text.partition(".")
    kept = decimals[:min_places] + decimals[min_places:].rstrip("0")
    text = f"{whole}.{kept}" if kept else whole
    return "0" if text == "-0" else text


def exact_to_text(value: Fraction) -> str:
    """Lossless text: a finite decimal where there is one ("2.0125"), else a quotient ("61/60")."""
    places = _finite_places(value.denominator)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    return _decimal_text(value.numerator * 10**places // value.denominator, places)


def exact_from_text(text: str) -> Fraction:
    """The value of a text of `exact_to_text`. ValueError for any other text."""
    if len(text) > _EXACT_MAX_LENGTH or not _EXACT_PATTERN.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no exact amount")
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"{text[:40]!r} divides by zero") from None


@lru_cache(maxsize=_DENOMINATORS_KEPT)
def _finite_places(denominator: int) -> int | None:
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def _decimal_text(scaled: int, places: int) -> str:
    digits = str(abs(scaled)).rjust(places + 1, "0")
    sign = "-" if scaled < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits
