"""A CDR's own totals beside ours: which differ, how ours comes about, and which other reading explains the difference.

A total differs when it is not ours rounded to the decimals that were written.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import msgspec

from ledger.cdr.foreign import Claim, ForeignCdr
from ledger.cdr.other_readings import Reading, pairs_of_readings, rate_under, single_readings
from ledger.cdr.our_totals import derivation, our_total
from ledger.tariff.report import Report
from ledger.values.money import exponent, round_half_up


class Difference(msgspec.Struct, frozen=True):
    """A total that differs: as written, ours exact (None where it is not known), and how ours comes about."""

    name: str
    theirs: Decimal
    ours: Fraction | None
    because: str


class Coarse(NamedTuple):
    """A cost that agrees as written, but with so few decimals that it may hide a difference in minor units."""

    name: str
    theirs: Decimal
    ours: Fraction


class Comparison(msgspec.Struct, frozen=True):
    """What came of one CDR.

    `explanations` are the sets of other readings that each explain all differing costs to the cent: single ones, or,
    where no single one does, pairs. `costs_differ` is False where only quantities do. `is_below_minor_unit`: the
    costs differ, and rounded to the currency's minor unit they agree. `coarse` are no differences: JSON writers drop
    zeros at the end, so 4.1 may be 4.10 or a rounded 4.14.
    """

    cdr_id: str
    report: Report
    differences: tuple[Difference, ...]
    explanations: tuple[tuple[Reading, ...], ...]
    costs_differ: bool
    is_below_minor_unit: bool
    coarse: tuple[Coarse, ...]


def compare(cdr: ForeignCdr) -> Comparison:
    """Price a CDR and compare each total that it claims. CdrError names the JSON path of what cannot be priced."""
    report = rate_under(cdr, ())
    differing = [claim for claim in cdr.claims if not _agrees(claim, report, cdr)]
    costs = [claim for claim in differing if claim.is_cost]
    is_below = bool(costs) and _do_agree(costs, report, cdr, _agrees_to_the_cent)
    return Comparison(
        cdr_id=cdr.cdr_id,
        report=report,
        differences=tuple(_difference(claim, report, cdr) for claim in differing),
        explanations=tuple(_explanations(cdr, costs, is_below)) if costs else (),
        costs_differ=bool(costs),
        is_below_minor_unit=is_below,
        coarse=tuple(_coarse(cdr, report)),
    )


def _coarse(cdr: ForeignCdr, report: Report) -> Iterator[Coarse]:
    places = exponent(report.currency)
    for claim in cdr.claims:
        ours = our_total(claim, report, cdr.is_credit)
        if not claim.is_cost or ours is None or _places(claim.value) >= places:
            continue
        if _agrees(claim, report, cdr) and not _is_rounded(claim, report, cdr, places):
            yield Coarse(claim.name, claim.value, ours)


def _difference(claim: Claim, report: Report, cdr: ForeignCdr) -> Difference:
    return Difference(claim.name, claim.value, our_total(claim, report, cdr.is_credit), derivation(claim, report))


def _explanations(cdr: ForeignCdr, costs: Sequence[Claim], is_below: bool) -> Iterable[tuple[Reading, ...]]:
    """Readings under which all differing costs come out as written; to the cent where none does to the last digit."""
    singles, pairs = single_readings(), pairs_of_readings()
    found = list(_agreeing(cdr, costs, singles, _agrees)) or list(_agreeing(cdr, costs, pairs, _agrees))
    if found or is_below:
        return found
    return list(_agreeing(cdr, costs, singles, _agrees_to_the_cent)) or _agreeing(
        cdr, costs, pairs, _agrees_to_the_cent
    )


Agrees = Callable[[Claim, Report, ForeignCdr], bool]


def _agreeing(
    cdr: ForeignCdr, costs: Sequence[Claim], candidates: Iterable[tuple[Reading, ...]], agrees: Agrees
) -> Iterator[tuple[Reading, ...]]:
    for readings in candidates:
        if _do_agree(costs, rate_under(cdr, readings), cdr, agrees):
            yield readings


def _do_agree(costs: Iterable[Claim], report: Report, cdr: ForeignCdr, agrees: Agrees) -> bool:
    return all(agrees(claim, report, cdr) for claim in costs)


def _agrees(claim: Claim, report: Report, cdr: ForeignCdr) -> bool:
    return _is_rounded(claim, report, cdr, _places(claim.value))


def _agrees_to_the_cent(claim: Claim, report: Report, cdr: ForeignCdr) -> bool:
    return _is_rounded(claim, report, cdr, min(_places(claim.value), exponent(report.currency)))


def _is_rounded(claim: Claim, report: Report, cdr: ForeignCdr, places: int) -> bool:
    ours = our_total(claim, report, cdr.is_credit)
    if ours is None:
        return _claims_no_tax(claim, cdr)
    return round_half_up(ours * 10**places) == round_half_up(Fraction(claim.value) * 10**places)


def _claims_no_tax(claim: Claim, cdr: ForeignCdr) -> bool:
    """Where no price names a tax, the one amount after tax that can be right is the amount before tax."""
    others = [other for other in cdr.claims if other.total == claim.total and other is not claim]
    return any(other.value == claim.value for other in others)


def _places(value: Decimal) -> int:
    written = value.as_tuple().exponent
    return max(-written, 0) if isinstance(written, int) else 0
