"""min_price and max_price: each a bound before tax and one after tax, and both apply."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from ledger.tariff.compiled import CompiledTariff, tax_factor
from ledger.tariff.model import PriceLimit, Tariff, TaxIncluded
from ledger.tariff.report import Cost, LimitLine, Line, total_of
from ledger.values.exact import Exact

_NOTHING: Final = Fraction(0)


def bound_lines(compiled: CompiledTariff, lines: list[Line], total: Cost, start_us: Exact, end_us: Exact) -> list[Line]:
    """A line with the difference for each bound that binds (PRICE_BOUNDS): the minimum first, then the maximum.

    A side without a bound moves with the line, by the tax rate of the category with the greatest net.
    """
    tariff = compiled.tariff
    if tariff.price_min is None and tariff.price_max is None:
        return []
    vat_percent = _greatest_category(compiled, lines)
    added: list[Line] = []
    for name, limit in ((LimitLine.MIN_PRICE, tariff.price_min), (LimitLine.MAX_PRICE, tariff.price_max)):
        move = _move(name, _sides(limit, tariff), _plus(total, total_of(added)), tax_factor(vat_percent))
        if move.excl or move.incl:
            added.append(_line(name, move, vat_percent, start_us, end_us))
    return added


def _sides(limit: PriceLimit | None, tariff: Tariff) -> Cost:
    """The two bounds; where no tax applies, a bound after tax is one before tax."""
    if limit is None:
        return Cost(None, None)
    if tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
        before = limit.incl_vat if limit.excl_vat is None else limit.excl_vat
        return Cost(_exact(before), None)
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


def _greatest_category(compiled: CompiledTariff, lines: list[Line]) -> Decimal | None:
    """The tax rate with the greatest net among the lines; equal nets: the higher rate."""
    if compiled.tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
        return None
    if not lines:
        return compiled.first_vat_percent()
    nets: dict[Decimal | None, Fraction] = {}
    for line in lines:
        net = line.incl if line.excl is None else line.excl
        nets[line.vat_percent] = nets.get(line.vat_percent, _NOTHING) + (net or _NOTHING)
    return max(nets, key=lambda rate: (nets[rate], -1 if rate is None else rate))


def _plus(total: Cost, more: Cost) -> Cost:
    return Cost(_add(total.excl, more.excl), _add(total.incl, more.incl))


def _add(amount: Fraction | None, more: Fraction | None) -> Fraction | None:
    return None if amount is None or more is None else amount + more


def _line(name: LimitLine, move: Cost, vat_percent: Decimal | None, start_us: Exact, end_us: Exact) -> Line:
    because = "the minimum price" if name is LimitLine.MIN_PRICE else "the maximum price"
    return Line(name, None, start_us, end_us, 1, 1, None, vat_percent, move.excl, move.incl, f"{because} of the tariff")
