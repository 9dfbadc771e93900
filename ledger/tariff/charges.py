"""What running lines cost: exact, before and after tax, as ratios of integers until the very end."""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from ledger.tariff.model import Tariff, TaxIncluded
from ledger.tariff.policy import Policies
from ledger.tariff.report import Cost, Line
from ledger.tariff.running_lines import RunningLine, RunningLines
from ledger.tariff.steps import surpluses
from ledger.values.exact import Exact

# Numerator and denominator, not reduced.
_Ratio = tuple[int, int]
# Before and after tax.
_Amounts = tuple[_Ratio | None, _Ratio | None]


class Charge(NamedTuple):
    """A line with what rounding up its step adds, and its amounts; one that is not known is None."""

    line: RunningLine
    volume: Exact
    surplus: Exact
    excl: _Ratio | None
    incl: _Ratio | None

    def to_line(self) -> Line:
        """The line as the report shows it."""
        line, volume, surplus, excl, incl = self
        rate = line.rate
        return Line(
            rate.dimension,
            rate.element,
            line.start_us,
            line.end_us,
            volume,
            volume + surplus if surplus else volume,
            rate.price,
            rate.vat_percent,
            None if excl is None else Fraction(*excl),
            None if incl is None else Fraction(*incl),
            rate.because + rate.because_step if surplus else rate.because,
            rate.step_size if surplus else None,
        )


def charges_of(tariff: Tariff, runs: Sequence[RunningLines], policies: Policies, names_tax: bool) -> list[Charge]:
    """The charges of a reservation and a session, in their order, after step sizes."""
    found: list[Charge] = []
    for running in runs:
        more = surpluses(running, policies)
        for line in running.lines:
            surplus = more.get(line, 0)
            found.append(Charge(line, line.volume, surplus, *_amounts(line, surplus, tariff, names_tax)))
    return found


def total_of_charges(charges: Sequence[Charge], names_tax: bool) -> Cost:
    """Their exact sum; a side that one of them does not know is unknown."""
    return _total([(charge.excl, charge.incl) for charge in charges], names_tax)


def total_of_running(tariff: Tariff, runs: Sequence[RunningLines], policies: Policies) -> Cost:
    """The total of the charges, without making them."""
    names_tax = is_taxed(tariff, runs)
    amounts: list[_Amounts] = []
    for running in runs:
        more = surpluses(running, policies)
        amounts += [_amounts(line, more.get(line, 0), tariff, names_tax) for line in running.lines]
    return _total(amounts, names_tax)


def is_taxed(tariff: Tariff, runs: Sequence[RunningLines]) -> bool:
    """Whether there is an amount after tax: a used component or a bound names a tax, or prices include it."""
    if tariff.tax_included is not TaxIncluded.NO:
        return tariff.tax_included is TaxIncluded.YES
    if any(line.rate.tax_factor is not None for running in runs for line in running.lines):
        return True
    limits = (tariff.price_min, tariff.price_max, tariff.extensions.session_cap)
    return any(limit is not None and limit.incl_vat is not None for limit in limits)


def _amounts(line: RunningLine, surplus: Exact, tariff: Tariff, names_tax: bool) -> _Amounts:
    """Before and after tax. A component that names no rate adds no tax, and what its price includes is unknown."""
    rate, volume = line.rate, line.volume + surplus if surplus else line.volume
    numerator, denominator = rate.price_numerator * volume.numerator, rate.price_denominator * volume.denominator
    amount, factor = (numerator, denominator), rate.tax_factor
    if tariff.tax_included is TaxIncluded.YES:
        return (None if factor is None else (numerator * factor[1], denominator * factor[0])), amount
    if factor is None or not names_tax:
        return amount, amount if names_tax else None
    return amount, (numerator * factor[0], denominator * factor[1])


def _total(amounts: Sequence[_Amounts], names_tax: bool) -> Cost:
    if not amounts:
        return Cost(Fraction(0), Fraction(0) if names_tax else None)
    return Cost(_sum([excl for excl, _ in amounts]), _sum([incl for _, incl in amounts]))


def _sum(amounts: Sequence[_Ratio | None]) -> Fraction | None:
    """One reduction at the end: adding fractions one by one would reduce each time."""
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        return None
    denominator = lcm(*[part for _, part in known])
    numerator = 0
    for amount, part in known:
        numerator += amount * (denominator // part)
    return Fraction(numerator, denominator)
