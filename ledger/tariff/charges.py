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


class Taxation(NamedTuple):
    """How the two sides of an amount follow from the side that prices are on."""

    # Prices include tax; the other side is before it.
    is_included: bool
    # There is an amount after tax.
    is_named: bool

    def sides(self, amount: _Ratio, factor: _Ratio | None) -> tuple[_Ratio | None, _Ratio | None]:
        """Before and after tax. Without a factor no tax is added, and what a price includes is unknown."""
        numerator, denominator = amount
        if self.is_included:
            return (None if factor is None else (numerator * factor[1], denominator * factor[0])), amount
        if factor is None or not self.is_named:
            return amount, amount if self.is_named else None
        return amount, (numerator * factor[0], denominator * factor[1])


def taxation_of(tariff: Tariff, runs: Sequence[RunningLines]) -> Taxation:
    """There is an amount after tax where a used component or a bound names a tax, or prices include it."""
    if tariff.tax_included is not TaxIncluded.NO:
        is_included = tariff.tax_included is TaxIncluded.YES
        return Taxation(is_included, is_included)
    for running in runs:
        for line in running.lines:
            if line.rate.tax_factor is not None:
                return Taxation(False, True)
    limits = (tariff.price_min, tariff.price_max, tariff.extensions.session_cap)
    return Taxation(False, any(limit is not None and limit.incl_vat is not None for limit in limits))


class Charge(NamedTuple):
    """A line, what rounding up its step adds to it, and its amount on the side that prices are on."""

    line: RunningLine
    surplus: Exact
    amount: _Ratio

    def to_line(self, taxation: Taxation) -> Line:
        """The line as the report shows it."""
        line, surplus, amount = self
        rate, volume = line.rate, line.volume
        excl, incl = taxation.sides(amount, rate.tax_factor)
        return Line(
            rate.dimension,
            rate.element,
            line.start_us,
            line.end_us,
            volume,
            volume + surplus if surplus else volume,
            rate.price,
            rate.vat_percent,
            _exact(excl),
            _exact(incl),
            rate.because + rate.because_step if surplus else rate.because,
            rate.step_size if surplus else None,
        )


def charges_of(runs: Sequence[RunningLines], policies: Policies) -> list[Charge]:
    """The charges of a reservation and a session, in their order, after step sizes."""
    found: list[Charge] = []
    for running in runs:
        more = surpluses(running, policies)
        for line in running.lines:
            surplus, rate = more.get(line, 0), line.rate
            volume = line.volume + surplus if surplus else line.volume
            amount = (rate.price_numerator * volume.numerator, rate.price_denominator * volume.denominator)
            found.append(Charge(line, surplus, amount))
    return found


def total_of_charges(charges: Sequence[Charge], taxation: Taxation) -> Cost:
    """Their exact sum; a side that one of them does not know is unknown."""
    if not charges:
        return Cost(Fraction(0), Fraction(0) if taxation.is_named else None)
    alike: dict[_Ratio | None, list[_Ratio]] = {}
    for charge in charges:
        alike.setdefault(charge.line.rate.tax_factor, []).append(charge.amount)
    sides = [taxation.sides(_sum(amounts), factor) for factor, amounts in alike.items()]
    if len(sides) == 1:
        return Cost(_exact(sides[0][0]), _exact(sides[0][1]))
    return Cost(_exact_sum([excl for excl, _ in sides]), _exact_sum([incl for _, incl in sides]))


def _exact(amount: _Ratio | None) -> Fraction | None:
    return None if amount is None else Fraction(*amount)


def _exact_sum(amounts: Sequence[_Ratio | None]) -> Fraction | None:
    known = [amount for amount in amounts if amount is not None]
    return Fraction(*_sum(known)) if len(known) == len(amounts) else None


def _sum(amounts: Sequence[_Ratio]) -> _Ratio:
    """Nothing is reduced before the end: adding fractions one by one would reduce each time."""
    if len(amounts) == 1:
        return amounts[0]
    denominator = lcm(*[part for _, part in amounts])
    numerator = 0
    for amount, part in amounts:
        numerator += amount * (denominator // part)
    return numerator, denominator
