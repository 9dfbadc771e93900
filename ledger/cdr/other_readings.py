"""The readings that the OCPI text leaves open, tried on a CDR singly and in pairs."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

from ledger.cdr.foreign import ForeignCdr
from ledger.tariff.cdr import cdr_periods
from ledger.tariff.policy import OPTIONS, policies_of
from ledger.tariff.pricer import price
from ledger.tariff.report import Report


class Reading(NamedTuple):
    """A policy and one of its values, such as `time_source=volumes`."""

    policy: str
    value: str

    def __str__(self) -> str:
        return f"{self.policy}={self.value}"


_OTHERS: Final = tuple(Reading(policy, value) for policy, values in OPTIONS.items() for value in values[1:])


def single_readings() -> list[tuple[Reading, ...]]:
    """Each reading other than the default, alone."""
    return [(reading,) for reading in _OTHERS]


def pairs_of_readings() -> list[tuple[Reading, ...]]:
    """Each two other readings of two policies."""
    return [pair for pair in combinations(_OTHERS, 2) if pair[0].policy != pair[1].policy]


def rate_under(cdr: ForeignCdr, readings: Sequence[Reading]) -> Report:
    """The CDR's cost under the default readings but for those given. CdrError names what cannot be priced."""
    policies = policies_of(dict(readings))
    return price(cdr.compiled, cdr_periods(cdr.content, cdr.compiled.tariff, policies), policies)
