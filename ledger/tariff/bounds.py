"""min_price and max_price, and the cap of a session: each a bound before tax and one after tax, and both apply."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from ledger.tariff.categories import greatest_category
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.model import PriceLimit, Tariff, TaxIncluded
from ledger.tariff.rate import tax_factor
from ledger.tariff.report import Cost, LimitLine, Line
from ledger.values.exact import Exact

_NOTHING: Final = Fraction(0)
_BECAUSE: Final = {
    LimitLine.MIN_PRICE: "the minimum price of the tariff",
    LimitLine.MAX_PRICE: "the maximum price of the tariff",
    LimitLine.SESSION_CAP: "the tariff's cap of a session",
}


class Bounded:
    """Lines with their total, and the lines that bounds add to it.

    A bound that binds becomes a line with the difference. A side without a bound moves with the line, by the
    tax rate of the category with the greatest net.
    """

    def __init__(
        self, compiled: CompiledTariff, lines: Sequence[Line], total: Cost, start_us: Exact, end_us: Exact
    ) -> None:
        self._compiled = compiled
        self._lines = lines
        self._interval = (start_us, end_us)
        self.total = total
        self.added: list[Line] = []

    def bound(self, name: LimitLine, limit: PriceLimit | None) -> None:
        """Bind the total from below (MIN_PRICE) or from above."""
        if limit is None:
            return
        vat_percent = greatest_category(self._compiled, self._lines)
        move = _move(name, _sides(name, limit, self._compiled.tariff), self.total, tax_factor(vat_percent))
        if move.excl or move.incl:
            self.added.append(self._line(name, vat_percent, move))
            self.total = Cost(_add(self.total.excl, move.excl), _add(self.total.incl, move.incl))

    def _line(self, name: LimitLine, vat_percent: Decimal | None, move: Cost) -> Line:
        return Line(name, None, *self._interval, 1, 1, None, vat_percent, move.excl, move.incl, _BECAUSE[name])


def _sides(name: LimitLine, limit: PriceLimit, tariff: Tariff) -> Cost:
    """The two bounds; where no tax applies, a bound after tax is one before tax, and the stricter of both holds."""
    if tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
        given = [amount for amount in (limit.excl_vat, limit.incl_vat) if amount is not None]
        stricter = max if name is LimitLine.MIN_PRICE else min
        return Cost(_exact(stricter(given, default=None)), None)
    return Cost(_exact(limit.excl_vat), _exact(limit.incl_vat))


def _exact(amount: Decimal | None) -> Fraction | None:
    return None if amount is None else Fraction(amount)


def _move(name: LimitLine, limit: Cost, total: Cost, factor: Fraction) -> Cost:
    """What a bound adds to each side, negative where it takes."""
    excl = _difference(name, limit.excl, total.excl)
    incl = _difference(name, limit.incl, total.incl)
    if excl is None:
        excl = incl / factor if incl is not None else _NOTHING
    if incl is None:
        incl = excl * factor
    return Cost(
        None if total.excl is None else excl,
        None if total.incl is None else incl,
    )


def _difference(name: LimitLine, limit: Fraction | None, total: Fraction | None) -> Fraction | None:
    """What is missing to the minimum or too much over the maximum; None where there is nothing to compare."""
    if limit is None or total is None:
        return None
    difference = limit - total
    return max(difference, _NOTHING) if name is LimitLine.MIN_PRICE else min(difference, _NOTHING)


def _add(amount: Fraction | None, more: Fraction | None) -> Fraction | None:
    return None if amount is None or more is None else amount + more
