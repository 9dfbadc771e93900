"""The mark-up of a tariff: a percentage of what a session costs, and a fee for each session."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from ledger.tariff.categories import costs_by_category, greatest_category
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.model import MarkUp, TaxIncluded
from ledger.tariff.rate import tax_factor
from ledger.tariff.report import Cost, LimitLine, Line
from ledger.values.exact import Exact


def mark_up_lines(
    compiled: CompiledTariff, lines: Sequence[Line], total: Cost, start_us: Exact, end_us: Exact
) -> Iterator[Line]:
    """A line for each tax category, which keeps its share, and one for the fee in the category with the greatest net.

    A category that costs nothing, or less, is not marked up by a percentage.
    """
    mark_up = compiled.mark_up
    if mark_up is None:
        return
    share = Fraction(mark_up.percent) / 100
    for vat_percent, cost in costs_by_category(lines).items() if share else ():
        if max(cost.excl or 0, cost.incl or 0) > 0:
            because = f"mark-up of {mark_up.percent:f} % on what is taxed alike"
            yield _line(
                Cost(_times(cost.excl, share), _times(cost.incl, share)), vat_percent, start_us, end_us, because
            )
    if mark_up.per_session:
        vat_percent = greatest_category(compiled, lines)
        fee = _fee(mark_up, compiled, vat_percent, total)
        yield _line(fee, vat_percent, start_us, end_us, f"mark-up of {mark_up.per_session:f} a session")


def _times(amount: Fraction | None, share: Fraction) -> Fraction | None:
    return None if amount is None else amount * share


def _fee(mark_up: MarkUp, compiled: CompiledTariff, vat_percent: Decimal | None, total: Cost) -> Cost:
    """The fee includes tax where the tariff's prices do; a side that the total does not know is not known."""
    fee, factor = Fraction(mark_up.per_session), tax_factor(vat_percent)
    if compiled.tariff.tax_included is TaxIncluded.YES:
        return Cost(None if total.excl is None else fee / factor, fee)
    return Cost(fee, None if total.incl is None else fee * factor)


def _line(cost: Cost, vat_percent: Decimal | None, start_us: Exact, end_us: Exact, because: str) -> Line:
    return Line(LimitLine.MARK_UP, None, start_us, end_us, 1, 1, None, vat_percent, cost.excl, cost.incl, because)
