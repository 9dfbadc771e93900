"""The rating function: a compiled tariff and charging periods to a report. Pure, exact, without a clock."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Final

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.policy import DEFAULT, Policies
from ledger.tariff.report import Report
from ledger.tariff.running import run
from ledger.tariff.running_lines import RunningLines
from ledger.tariff.spot import Market, Slot
from ledger.tariff.totals import Extent, report_of
from ledger.values.exact import Exact

NO_SLOTS: Final[Mapping[str, Sequence[Slot]]] = {}

_NO_MARKET: Final = Market(NO_SLOTS)


def price(
    compiled: CompiledTariff,
    periods: Sequence[ChargingPeriod],
    policies: Policies = DEFAULT,
    slots: Mapping[str, Sequence[Slot]] = NO_SLOTS,
) -> Report:
    """The cost of a session whose charging periods follow each other without a gap.

    The session starts with the first period that is not a reservation; its energy counts from zero.
    Reservation alone is one that expired. `slots`: the spot prices of the series that the tariff follows
    (`compiled.series`), in order of time. ValueError without any period; PriceMissingError where energy
    flowed and no slot has its price.
    """
    if not periods:
        raise ValueError("a session without charging periods has no cost")
    market = Market(slots) if compiled.series else _NO_MARKET
    runs = _runs(compiled, periods, policies, market)
    return report_of(compiled, _extent(periods), runs, policies, market.used)


def _runs(
    compiled: CompiledTariff, periods: Sequence[ChargingPeriod], policies: Policies, market: Market
) -> list[RunningLines]:
    """The reservation, if there is one, and the session, if there is one: each a course of its own."""
    if periods[0].kind is not Kind.RESERVATION:
        return [run(compiled, compiled.session, periods, policies, market)]
    count = sum(1 for _ in takewhile(lambda period: period.kind is Kind.RESERVATION, periods))
    reserved, session = periods[:count], periods[count:]
    if not session:
        return [run(compiled, compiled.expired, reserved, policies, market)]
    return [
        run(compiled, compiled.reservation, reserved, policies, market),
        run(compiled, compiled.session, session, policies, market),
    ]


def _extent(periods: Sequence[ChargingPeriod]) -> Extent:
    first, last = periods[0], periods[-1]
    energy = last.end_energy_milliwh - first.start_energy_milliwh
    reserved_us: Exact = 0
    if first.kind is Kind.RESERVATION:
        reserved_us = next(period.end_us for period in reversed(periods) if period.kind is first.kind) - first.start_us
    return Extent(first.start_us, last.end_us, energy, reserved_us)
