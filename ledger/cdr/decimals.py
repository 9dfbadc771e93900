"""OCPI's precision: numbers of four decimals, instants of 25 characters.

Energy, power and current have six decimals here and instants microseconds, so writing rounds. Cumulative values are
rounded, never their parts: what lies between two of them then still adds up.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from ledger.values.exact import Exact, ratio
from ledger.values.money import fraction_to_text, round_half_up
from ledger.values.time import from_us

# OCPI 2.2.1, types, number: "at least 4 decimals"; partners keep no more.
PLACES: Final = 4
# Four decimals of kWh, kW and A are hundreds of our millionths.
_MILLIONTHS_STEP: Final = 100
# `2026-11-02T08:00:00.000Z` has 24 of the 25 characters of an OCPI DateTime.
_US_PER_MS: Final = 1_000


def to_written(millionths: Exact) -> int:
    """Milliwatt-hours, milliwatts or microamperes, half up to the four decimals that are written."""
    return round_half_up(ratio(millionths, _MILLIONTHS_STEP)) * _MILLIONTHS_STEP


def to_written_instant(instant_us: Exact) -> int:
    """Microseconds since 1970, half up to the milliseconds that are written."""
    return round_half_up(ratio(instant_us, _US_PER_MS)) * _US_PER_MS


def number(value: Fraction, places: int = PLACES) -> Decimal:
    """A number for JSON with exactly so many decimals, half up."""
    return Decimal(fraction_to_text(value, places, places))


def instant_text(instant_us: int) -> str:
    """An OCPI DateTime in UTC; the milliseconds only where they are not zero."""
    text = from_us(instant_us).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return f"{text.removesuffix('.000')}Z"
