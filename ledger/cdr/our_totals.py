"""Our value of each total of a CDR, and how it comes about in one line."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from ledger.cdr.foreign import Claim
from ledger.cdr.totals import Side, lines_of_total
from ledger.tariff.policy import DEFAULT
from ledger.tariff.report import Line, Report, total_of
from ledger.tariff.rounding import rounded_minor
from ledger.values.canonical import decimal_text
from ledger.values.energy import MILLIWH_PER_KWH
from ledger.values.exact import ratio
from ledger.values.money import fraction_to_text, minor_to_exact
from ledger.values.time import US_PER_HOUR

_SHOWN_LINES: Final = 5  # of a total's lines; all of them are in `evledger rate`
_DERIVATIONS: Final = {
    "total_energy": "the ENERGY volumes of the charging periods added up",
    "total_time": "from the first charging period that is no reservation to end_date_time",
    "total_parking_time": "the periods with PARKING_TIME, each from its start to the next one's",
}


def our_total(claim: Claim, report: Report, is_credit: bool) -> Fraction | None:
    """What we have for a total that somebody else claims; None where it is not known.

    Exact, unless the report was made by a policy that rounds elsewhere than once at the end.
    """
    if claim.side is None:
        return _quantity(claim.total, report)
    amount = _cost(lines_of_total(claim.total, report.lines), claim, report)
    # Of a Credit CDR only total_cost is negated.
    return -amount if amount is not None and is_credit and claim.total == "total_cost" else amount


def derivation(claim: Claim, report: Report) -> str:
    """How ours comes about: quantities, prices, and the element that applied."""
    if claim.side is None:
        return _DERIVATIONS[claim.total]
    lines = lines_of_total(claim.total, report.lines)
    more = f"; and {len(lines) - _SHOWN_LINES} lines more" if len(lines) > _SHOWN_LINES else ""
    return "; ".join(_line(line, claim.side) for line in lines[:_SHOWN_LINES]) + more or "no price applied"


def _quantity(total: str, report: Report) -> Fraction:
    if total == "total_energy":
        return ratio(report.energy_milliwh, MILLIWH_PER_KWH)
    return ratio(report.duration_us if total == "total_time" else report.parking_us, US_PER_HOUR)


def _cost(lines: Sequence[Line], claim: Claim, report: Report) -> Fraction | None:
    if claim.total == "total_cost":
        exact = report.incl if claim.side is Side.INCL else report.excl
    else:
        cost = total_of(lines)
        exact = cost.incl if claim.side is Side.INCL else cost.excl
    rounding = report.policies.rounding
    if exact is None or rounding == DEFAULT.rounding:
        return exact
    amounts = [(line.dimension, line.incl if claim.side is Side.INCL else line.excl) for line in lines]
    return minor_to_exact(rounded_minor(exact, amounts, report.currency, rounding), report.currency)


def _line(line: Line, side: Side) -> str:
    amount = line.incl if side is Side.INCL else line.excl
    shown = "unknown, as no VAT rate is named" if amount is None else fraction_to_text(amount)
    if line.unit_price is None:
        return f"{line.dimension} {shown} ({line.because})"
    product = f"{fraction_to_text(line.billed_quantity)} {line.unit} × {decimal_text(line.unit_price)}"
    vat = f" + {decimal_text(line.vat_percent)} %" if side is Side.INCL and line.vat_percent is not None else ""
    return f"{line.dimension} {product}{vat} = {shown} ({line.because})"
