"""The readings that the OCPI text leaves open, tried on a CDR singly and in pairs."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

from ledger.cdr.foreign import ForeignCdr
from ledger.tariff.cdr import cdr_periods
from ledger.tariff.pricer import price
from ledger.tariff.report import Report


class Reading(NamedTuple):
    """A policy and one of its values, such as `time_source=volumes`."""

    policy: str
    value: str

    def __str__(self) -> str:
        return f"{self.policy}={self.value}"


_OTHERS: Final = (
    Reading("step_size_after_parking", "parking"),
    Reading("power_unknown", "match"),
    Reading("restriction_scope", "period_start"),
    Reading("time_source", "volumes"),
    Reading("price_bounds", "ignore"),
    Reading("rounding", "half_even_total"),
    Reading("rounding", "half_up_line"),
    Reading("rounding", "half_up_dimension"),
)


def other_readings() -> list[tuple[Reading, ...]]:
    """Each reading other than the default alone, then each pair of two policies."""
    pairs = [pair for pair in combinations(_OTHERS, 2) if pair[0].policy != pair[1].policy]
    return [*((reading,) for reading in _OTHERS), *pairs]


def rate_under(cdr: ForeignCdr, readings: Sequence[Reading]) -> Report:
    """The CDR's cost under the default readings but for those given. CdrError where it says too little for them."""
    if readings:
        raise ValueError("not yet")
    return price(cdr.compiled, cdr_periods(cdr.content, cdr.compiled.tariff))
