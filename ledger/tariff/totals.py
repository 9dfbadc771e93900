"""From running lines to a report: step sizes, amounts, bounds, mark-up, cap, in this order."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from ledger.tariff.bounds import Bounded
from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.mark_up import mark_up_lines
from ledger.tariff.model import Tariff, TaxIncluded
from ledger.tariff.policy import Policies
from ledger.tariff.priced_lines import priced_line
from ledger.tariff.report import Cost, LimitLine, Line, Report, total_of
from ledger.tariff.running_lines import RunningLines
from ledger.tariff.spot import SpotPrice
from ledger.tariff.steps import surpluses
from ledger.values.exact import Exact

_NOTHING: Final = Fraction(0)


def report_of(
    compiled: CompiledTariff,
    periods: Sequence[ChargingPeriod],
    runs: Sequence[RunningLines],
    policies: Policies,
    spot_prices: tuple[SpotPrice, ...],
) -> Report:
    """The report of the runs of a reservation and a session over these periods."""
    tariff, first, last = compiled.tariff, periods[0], periods[-1]
    lines = _lines(tariff, runs, policies)
    total = total_of(lines) if lines else _nothing(tariff, runs)
    added = _added_lines(compiled, lines, total, (first.start_us, last.end_us), policies)
    total = total_of([*lines, *added]) if added else total
    return Report(
        currency=tariff.currency,
        tax_included=tariff.tax_included,
        time_zone=compiled.time_zone,
        start_us=first.start_us,
        end_us=last.end_us,
        energy_milliwh=last.end_energy_milliwh - first.start_energy_milliwh,
        parking_us=runs[-1].parking_us,
        lines=(*lines, *added),
        excl=total.excl,
        incl=total.incl,
        price_min=tariff.price_min,
        price_max=tariff.price_max,
        lines_without_vat=_lines_without_vat(tariff, lines),
        reservation_us=_reservation_us(periods) if first.kind is Kind.RESERVATION else 0,
        policies=policies,
        spot_prices=spot_prices,
    )


def _lines(tariff: Tariff, runs: Sequence[RunningLines], policies: Policies) -> list[Line]:
    names_tax = _names_tax(tariff, runs)
    lines: list[Line] = []
    for running in runs:
        surplus = surpluses(running, policies)
        lines += [priced_line(line, surplus, tariff.tax_included, names_tax) for line in running.lines]
    return lines


def _nothing(tariff: Tariff, runs: Sequence[RunningLines]) -> Cost:
    return Cost(_NOTHING, _NOTHING if _names_tax(tariff, runs) else None)


def _names_tax(tariff: Tariff, runs: Sequence[RunningLines]) -> bool:
    """Whether there is an amount after tax: a used component or a bound names a tax, or prices include it."""
    if tariff.tax_included is not TaxIncluded.NO:
        return tariff.tax_included is TaxIncluded.YES
    limits = (tariff.price_min, tariff.price_max, tariff.extensions.session_cap)
    if any(limit is not None and limit.incl_vat is not None for limit in limits):
        return True
    return any(line.rate.tax_factor is not None for running in runs for line in running.lines)


def _added_lines(
    compiled: CompiledTariff, lines: list[Line], total: Cost, interval: tuple[Exact, Exact], policies: Policies
) -> list[Line]:
    """What is added to or taken from the whole: bounds (PRICE_BOUNDS), then the mark-up, then the cap."""
    tariff = compiled.tariff
    bounded = Bounded(compiled, lines, total, *interval)
    if policies.price_bounds == "apply":
        bounded.bound(LimitLine.MIN_PRICE, tariff.price_min)
        bounded.bound(LimitLine.MAX_PRICE, tariff.price_max)
    added = [*bounded.added, *mark_up_lines(compiled, [*lines, *bounded.added], bounded.total, *interval)]
    if tariff.extensions.session_cap is not None:
        everything = [*lines, *added]
        capped = Bounded(compiled, everything, total_of(everything) if everything else total, *interval)
        capped.bound(LimitLine.SESSION_CAP, tariff.extensions.session_cap)
        added += capped.added
    return added


def _lines_without_vat(tariff: Tariff, lines: list[Line]) -> tuple[int, ...]:
    if tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
        return ()
    return tuple(place for place, line in enumerate(lines) if line.vat_percent is None)


def _reservation_us(periods: Sequence[ChargingPeriod]) -> Exact:
    reserved = [period for period in periods if period.kind is Kind.RESERVATION]
    return reserved[-1].end_us - reserved[0].start_us
