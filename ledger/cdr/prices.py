"""Amounts as OCPI Price objects (2.2.1: `excl_vat`, `incl_vat`; 2.3.0: `before_taxes`, `taxes`)."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from ledger.cdr.decimals import PLACES
from ledger.cdr.version import OcpiVersion
from ledger.tariff.report import Line, Report, total_of
from ledger.values.canonical import decimal_text
from ledger.values.money import exponent, largest_remainder, round_half_up

TAX_NAME: Final = "VAT"


def total_cost(report: Report, version: OcpiVersion) -> dict[str, Any]:
    """The session's cost, rounded to the currency's minor unit."""
    return _price(report.lines, report.excl_minor, report.incl_minor, exponent(report.currency), version)


def cost_of_lines(lines: Iterable[Line], version: OcpiVersion) -> dict[str, Any]:
    """The cost of one kind of line, with four decimals: parts are not rounded to cents, or they would not add up."""
    lines = tuple(lines)
    total = total_of(lines)
    return _price(lines, _scaled(total.excl), _scaled(total.incl), PLACES, version)


def _scaled(amount: Fraction | None) -> int | None:
    return None if amount is None else round_half_up(amount * 10**PLACES)


def _price(
    lines: Iterable[Line], excl: int | None, incl: int | None, places: int, version: OcpiVersion
) -> dict[str, Any]:
    """Amounts are integers of the last decimal; an amount that is not known is left out."""
    if version is OcpiVersion.V2_2_1:
        amounts = {"excl_vat": _decimal(excl, places), "incl_vat": _decimal(incl, places)}
        return {name: amount for name, amount in amounts.items() if amount is not None}
    if excl is None:
        return {}
    taxes = [] if incl is None else list(_taxes(tuple(lines), incl - excl, places))
    return {"before_taxes": _decimal(excl, places)} | ({"taxes": taxes} if taxes else {})


def _taxes(lines: tuple[Line, ...], total: int, places: int) -> Iterable[dict[str, Any]]:
    """The tax of each rate, in parts that add up to the whole (largest remainder)."""
    exact: dict[Decimal, Fraction] = {}
    for line in lines:
        if line.vat_percent is not None and line.excl is not None and line.incl is not None:
            exact[line.vat_percent] = exact.get(line.vat_percent, Fraction(0)) + line.incl - line.excl
    shares = largest_remainder(total, list(exact.values())) if sum(exact.values()) else [0] * len(exact)
    for rate, amount in zip(exact, shares, strict=True):
        yield {"name": TAX_NAME, "percentage": Decimal(decimal_text(rate)), "amount": _decimal(amount, places)}


def _decimal(amount: int | None, places: int) -> Decimal | None:
    return None if amount is None else Decimal(amount).scaleb(-places)
