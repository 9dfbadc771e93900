"""Energy as integer milliwatt-hours: six decimals of a kilowatt-hour, exactly."""

from typing import Final

MILLIWH_PER_WH: Final = 1_000
MILLIWH_PER_KWH: Final = 1_000_000

# What the last digit counts, by the number of decimals.
_PER_DIGIT: Final = (1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)
_MIN_DECIMALS: Final = 3


def to_milliwh(kwh: str) -> int:
    """Milliwatt-hours of a text in kWh with at most six decimals.

    The text already matches the quantity pattern of the message contract (ASCII digits, no sign).
    """
    whole, _, decimals = kwh.partition(".")
    return int(whole + decimals) * _PER_DIGIT[len(decimals)]


def from_milliwh(energy_milliwh: int) -> str:
    """Text in kWh with three to six decimals, for example "21.500"; a negative amount keeps its sign."""
    whole, rest = divmod(abs(energy_milliwh), MILLIWH_PER_KWH)
    decimals = f"{rest:06d}"
    kept = decimals[:_MIN_DECIMALS] + decimals[_MIN_DECIMALS:].rstrip("0")
    return f"{'-' if energy_milliwh < 0 else ''}{whole}.{kept}"
