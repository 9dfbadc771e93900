"""The one rounding: exact amounts to minor units of the currency (ROUNDING)."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Final

from ledger.tariff.model import Dimension
from ledger.values.money import round_to_minor

# OCPI has one total for a reservation, total_reservation_cost, whatever it is made of.
_TOTAL_OF: Final[Mapping[str, str]] = {Dimension.RESERVATION_FLAT: Dimension.RESERVATION_TIME}


def rounded_minor(total: Fraction, amounts: Iterable[tuple[str, Fraction | None]], currency: str, rounding: str) -> int:
    """Minor units of a total whose parts are amounts with their dimensions, none of them unknown."""
    if rounding == "half_up_total":
        return round_to_minor(total, currency)
    if rounding == "half_even_total":
        return round_to_minor(total, currency, "HALF_EVEN")
    known = [(dimension, amount or Fraction(0)) for dimension, amount in amounts]
    if rounding == "half_up_line":
        return sum(round_to_minor(amount, currency) for _, amount in known)
    sums: dict[str, Fraction] = {}
    for dimension, amount in known:
        name = _TOTAL_OF.get(dimension, dimension)
        sums[name] = sums.get(name, Fraction(0)) + amount
    return sum(round_to_minor(amount, currency) for amount in sums.values())
