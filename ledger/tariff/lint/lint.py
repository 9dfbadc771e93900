"""All checks of a tariff in one list."""

from collections.abc import Iterator
from typing import Any

from ledger.tariff.lint.afir import against_afir
from ledger.tariff.lint.finding import Finding
from ledger.tariff.lint.hours import missing, overlapping
from ledger.tariff.lint.prices import (
    bounds_of_another_vat,
    crossed_bounds,
    inexact_per_minute,
    missing_vat,
    steps_of_zero,
)
from ledger.tariff.lint.reach import elements_of, never_matching, never_priced, shadowed
from ledger.tariff.parse import parse_tariff


def lint(content: object) -> list[Finding]:
    """What is wrong with an OCPI Tariff object whose numbers were parsed as int or Decimal, in reading order.

    TariffError names the JSON path where it is no tariff that can be read.
    """
    return list(_findings(content))


def _findings(content: Any) -> Iterator[Finding]:
    tariff = parse_tariff(content)
    elements = elements_of(tariff)
    yield from never_matching(elements)
    yield from shadowed(elements)
    yield from never_priced(elements)
    yield from overlapping(elements)
    yield from missing(elements)
    yield from inexact_per_minute(tariff)
    yield from steps_of_zero(content)
    yield from missing_vat(tariff)
    yield from bounds_of_another_vat(tariff)
    yield from crossed_bounds(tariff)
    yield from against_afir(content, tariff)
