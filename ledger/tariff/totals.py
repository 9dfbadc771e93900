"""From running lines to a report: step sizes, amounts, bounds, mark-up, cap, in this order."""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.tariff.bounds import Bounded
from ledger.tariff.charges import charges_of, taxation_of, total_of_charges
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.mark_up import mark_up_lines
from ledger.tariff.model import Tariff, TaxIncluded
from ledger.tariff.policy import Policies
from ledger.tariff.report import Cost, LimitLine, Line, Report, total_of
from ledger.tariff.running_lines import RunningLines
from ledger.tariff.spot import SpotPrice
from ledger.values.exact import Exact


class Extent(NamedTuple):
    """From when to when, with which energy, and how much of the time is a reservation's."""

    start_us: Exact
    end_us: Exact
    energy_milliwh: Exact
    reservation_us: Exact


def report_of(
    compiled: CompiledTariff,
    extent: Extent,
    runs: Sequence[RunningLines],
    policies: Policies,
    spot_prices: tuple[SpotPrice, ...],
) -> Report:
    """The report of the runs of a reservation and a session over this extent."""
    tariff = compiled.tariff
    charges, taxation = charges_of(runs, policies), taxation_of(tariff, runs)
    lines = [charge.to_line(taxation) for charge in charges]
    total = total_of_charges(charges, taxation)
    interval = (extent.start_us, extent.end_us)
    added = _added_lines(compiled, lines, total, interval, policies) if compiled.has_whole_lines else []
    total = total_of([*lines, *added]) if added else total
    return Report(
        currency=tariff.currency,
        tax_included=tariff.tax_included,
        time_zone=compiled.time_zone,
        start_us=extent.start_us,
        end_us=extent.end_us,
        energy_milliwh=extent.energy_milliwh,
        parking_us=runs[-1].parking_us,
        lines=(*lines, *added),
        excl=total.excl,
        incl=total.incl,
        price_min=tariff.price_min,
        price_max=tariff.price_max,
        lines_without_vat=_lines_without_vat(tariff, lines),
        reservation_us=extent.reservation_us,
        policies=policies,
        spot_prices=spot_prices,
    )


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
