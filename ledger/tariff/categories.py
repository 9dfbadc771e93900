"""Lines by tax rate: which category a line on the whole session belongs to."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.model import TaxIncluded
from ledger.tariff.report import Cost, Line, total_of

_NOTHING: Final = Fraction(0)


def greatest_category(compiled: CompiledTariff, lines: Sequence[Line]) -> Decimal | None:
    """The tax rate with the greatest net among the lines; equal nets: the higher rate.

    Without any line it is the rate of the tariff's first component that names one.
    """
    if compiled.tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
        return None
    if not lines:
        return compiled.first_vat_percent
    nets = {rate: _net(cost) for rate, cost in costs_by_category(lines).items()}
    return max(nets, key=lambda rate: (nets[rate], -1 if rate is None else rate))


def costs_by_category(lines: Sequence[Line]) -> dict[Decimal | None, Cost]:
    """The exact sums of the lines of each tax rate, in the order in which the rates first appear."""
    rates = dict.fromkeys(line.vat_percent for line in lines)
    return {rate: total_of(line for line in lines if line.vat_percent == rate) for rate in rates}


def _net(cost: Cost) -> Fraction:
    net = cost.incl if cost.excl is None else cost.excl
    return _NOTHING if net is None else net
