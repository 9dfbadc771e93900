"""A CDR's own totals beside ours: which differ, how ours comes about, and which other reading explains the difference.

A total differs when it is not ours rounded to the decimals that were written.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from ledger.cdr.foreign import EXCL, INCL, Claim, ForeignCdr
from ledger.cdr.other_readings import Reading, other_readings, rate_under
from ledger.tariff.model import Dimension
from ledger.tariff.report import Line, Report
from ledger.values.canonical import decimal_text
from ledger.values.energy import MILLIWH_PER_KWH
from ledger.values.exact import ratio
from ledger.values.money import exponent, fraction_to_text, round_half_up
from ledger.values.time import US_PER_HOUR

_SHOWN_LINES: Final = 5  # of a total's lines; all of them are in the report
_DIMENSION_OF: Final = {
    "total_fixed_cost": Dimension.FLAT,
    "total_energy_cost": Dimension.ENERGY,
    "total_time_cost": Dimension.TIME,
    "total_parking_cost": Dimension.PARKING_TIME,
}


class Difference(msgspec.Struct, frozen=True):
    """A total that differs: as written, ours exact (None where it is not known), and how ours comes about."""

    name: str
    theirs: Decimal
    ours: Fraction | None
    because: str


class Comparison(msgspec.Struct, frozen=True):
    """What came of one CDR.

    `explanations` are the sets of other readings that each explain all differing costs to the cent: single ones, or,
    where no single one does, pairs. `is_below_minor_unit`: rounded to the currency's minor unit the costs agree.
    """

    cdr_id: str
    report: Report
    differences: tuple[Difference, ...]
    explanations: tuple[tuple[Reading, ...], ...]
    is_below_minor_unit: bool


def compare(cdr: ForeignCdr) -> Comparison:
    """Price a CDR and compare each total that it claims. CdrError names the JSON path of what cannot be priced."""
    report = rate_under(cdr, ())
    differing = [claim for claim in cdr.claims if not _agrees(claim, report, cdr)]
    costs = [claim for claim in differing if claim.side]
    is_below = bool(costs) and all(_agrees_to_the_cent(claim, report, cdr) for claim in costs)
    return Comparison(
        cdr.cdr_id,
        report,
        tuple(Difference(c.name, c.value, _ours(c, report, cdr), _because(c, report)) for c in differing),
        tuple(_explanations(cdr, costs, is_below)) if costs else (),
        is_below,
    )


def _explanations(cdr: ForeignCdr, costs: Sequence[Claim], is_below: bool) -> Iterator[tuple[Reading, ...]]:
    """Readings under which all differing costs come out as written; to the cent where none does to the last digit."""
    rated = [(readings, _reports(cdr, readings)) for readings in other_readings()]
    for agrees in (_agrees,) if is_below else (_agrees, _agrees_to_the_cent):
        for count in (1, 2):
            found = [r for r, report in rated if len(r) == count and _do_agree(costs, report, cdr, agrees)]
            if found:
                yield from found
                return


def _reports(cdr: ForeignCdr, readings: tuple[Reading, ...]) -> Report | None:
    """None where the CDR says too little for a reading, such as no volume of time."""
    try:
        return rate_under(cdr, readings)
    except ValueError:
        return None


Agrees = Callable[[Claim, Report, ForeignCdr], bool]


def _do_agree(costs: Sequence[Claim], report: Report | None, cdr: ForeignCdr, agrees: Agrees) -> bool:
    return report is not None and all(agrees(claim, report, cdr) for claim in costs)


def _agrees(claim: Claim, report: Report, cdr: ForeignCdr) -> bool:
    return _is_rounded(claim, report, cdr, _places(claim.value))


def _agrees_to_the_cent(claim: Claim, report: Report, cdr: ForeignCdr) -> bool:
    return _is_rounded(claim, report, cdr, min(_places(claim.value), exponent(report.currency)))


def _is_rounded(claim: Claim, report: Report, cdr: ForeignCdr, places: int) -> bool:
    ours = _ours(claim, report, cdr)
    if ours is None:
        return _claims_no_tax(claim, cdr)
    return round_half_up(ours * 10**places) == round_half_up(Fraction(claim.value) * 10**places)


def _claims_no_tax(claim: Claim, cdr: ForeignCdr) -> bool:
    """Where no price names a tax, the only amount after tax that can be right is the one before tax."""
    return any(other.value == claim.value for other in cdr.claims if (other.total, other.side) == (claim.total, EXCL))


def _places(value: Decimal) -> int:
    exponent_written = value.as_tuple().exponent
    return max(-exponent_written, 0) if isinstance(exponent_written, int) else 0


def _ours(claim: Claim, report: Report, cdr: ForeignCdr) -> Fraction | None:
    if not claim.side:
        return _quantity(claim.total, report)
    if claim.total != "total_cost":
        cost = report.cost_of(_DIMENSION_OF[claim.total])
        return cost.incl if claim.side == INCL else cost.excl
    total = _total_cost(report, claim)
    return -total if total is not None and cdr.is_credit else total


def _total_cost(report: Report, claim: Claim) -> Fraction | None:
    return report.incl if claim.side == INCL else report.excl


def _quantity(total: str, report: Report) -> Fraction:
    if total == "total_energy":
        return ratio(report.energy_milliwh, MILLIWH_PER_KWH)
    return ratio(report.duration_us if total == "total_time" else report.parking_us, US_PER_HOUR)


def _because(claim: Claim, report: Report) -> str:
    if claim.total == "total_energy":
        return "the ENERGY volumes of the charging periods added up"
    if claim.total == "total_time":
        return "from the first charging period's start to end_date_time"
    if claim.total == "total_parking_time":
        return "the periods with PARKING_TIME, from their starts to the next ones'"
    lines = [
        line for line in report.lines if claim.total == "total_cost" or line.dimension == _DIMENSION_OF[claim.total]
    ]
    more = f"; and {len(lines) - _SHOWN_LINES} lines more" if len(lines) > _SHOWN_LINES else ""
    return "; ".join(_line(line, claim.side) for line in lines[:_SHOWN_LINES]) + more or "no price applied"


def _line(line: Line, side: str) -> str:
    amount = line.incl if side == INCL else line.excl
    shown = "unknown, as no VAT rate is named" if amount is None else fraction_to_text(amount)
    if line.unit_price is None:
        return f"{line.dimension} {shown} ({line.because})"
    product = f"{fraction_to_text(line.billed_quantity)} {line.unit} × {decimal_text(line.unit_price)}"
    vat = f" + {decimal_text(line.vat_percent)} %" if side == INCL and line.vat_percent is not None else ""
    return f"{line.dimension} {product}{vat} = {shown} ({line.because})"
