"""A session's charging periods as OCPI ChargingPeriod objects."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any, Final, NamedTuple

from ledger.cdr.decimals import instant_text, number, to_written, to_written_instant
from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.running import cut_instants
from ledger.tariff.spans import spans
from ledger.values.energy import MILLIWH_PER_KWH
from ledger.values.exact import Exact, ratio
from ledger.values.time import US_PER_HOUR

_TIME_OF: Final = {
    Kind.CHARGING: "TIME",
    Kind.PARKING: "PARKING_TIME",
    Kind.RESERVATION: "RESERVATION_TIME",
}
_SESSION: Final = (Kind.CHARGING, Kind.PARKING, Kind.NEITHER)
_MILLIONTHS: Final = 1_000_000


class Written(NamedTuple):
    """Periods at OCPI's precision, and the objects that say so."""

    periods: list[ChargingPeriod]
    objects: list[dict[str, Any]]

    @property
    def energy(self) -> Decimal:
        """total_energy in kWh: the sum of the ENERGY volumes."""
        return number(ratio(self.periods[-1].end_energy_milliwh, MILLIWH_PER_KWH))

    @property
    def start_us(self) -> int:
        """start_date_time: of the session, or of the reservation before it."""
        return int(self.periods[0].start_us)

    @property
    def total_time(self) -> Decimal:
        """Hours of the session, without a reservation."""
        return _hours(self.periods, _SESSION)

    @property
    def total_parking_time(self) -> Decimal:
        """Hours in which the vehicle did not ask for power."""
        return _hours(self.periods, (Kind.PARKING,))


def written(periods: Sequence[ChargingPeriod], compiled: CompiledTariff, tariff_id: str) -> Written:
    """The periods cut where a price can switch (OCPI: a new period for each such moment), and rounded."""
    rounded = _without_empty([_rounded(period) for period in _cut(periods, compiled)])
    return Written(rounded, list(_objects(rounded, tariff_id)))


def _cut(periods: Sequence[ChargingPeriod], compiled: CompiledTariff) -> Iterator[ChargingPeriod]:
    """A reservation and its session are cut apart: the session's duration and energy count from its own start."""
    for _, part in groupby(periods, key=lambda period: period.kind is Kind.RESERVATION):
        stretch = list(part)
        start_us, end_us = stretch[0].start_us, stretch[-1].end_us
        cells = compiled.calendar.cells(int(start_us), int(end_us))
        yield from spans(stretch, cut_instants(compiled, cells, start_us), compiled.energy.bounds)


def _rounded(period: ChargingPeriod) -> ChargingPeriod:
    return ChargingPeriod(
        to_written_instant(period.start_us),
        to_written_instant(period.end_us),
        period.kind,
        to_written(period.start_energy_milliwh),
        to_written(period.end_energy_milliwh),
        _written_or_none(period.power_milliwatt_min),
        _written_or_none(period.power_milliwatt_max),
        _written_or_none(period.current_microampere_min),
        _written_or_none(period.current_microampere_max),
    )


def _written_or_none(millionths: Exact | None) -> int | None:
    return None if millionths is None else to_written(millionths)


def _without_empty(periods: list[ChargingPeriod]) -> list[ChargingPeriod]:
    """Without periods in which, at this precision, no time passes and no energy flows; one is left at least."""
    return [period for period in periods if period.duration_us or period.energy_milliwh] or periods[:1]


def _objects(periods: Iterable[ChargingPeriod], tariff_id: str) -> Iterator[dict[str, Any]]:
    passed_us: dict[Kind, Exact] = dict.fromkeys(Kind, 0)
    for period in periods:
        before_us = passed_us[period.kind]
        passed_us[period.kind] = before_us + period.duration_us
        yield {
            "start_date_time": instant_text(int(period.start_us)),
            "dimensions": list(_dimensions(period, before_us, passed_us[period.kind])),
            "tariff_id": tariff_id,
        }


def _dimensions(period: ChargingPeriod, before_us: Exact, after_us: Exact) -> Iterator[dict[str, Any]]:
    """ENERGY; the time that runs, rounded as a total of its kind so that volumes add up; power and current."""
    if period.kind is not Kind.RESERVATION:
        yield _dimension("ENERGY", number(ratio(period.energy_milliwh, MILLIWH_PER_KWH)))
    if period.kind in _TIME_OF:
        volume = number(ratio(after_us, US_PER_HOUR)) - number(ratio(before_us, US_PER_HOUR))
        yield _dimension(_TIME_OF[period.kind], volume)
    for name, millionths in (
        ("MIN_POWER", period.power_milliwatt_min),
        ("MAX_POWER", period.power_milliwatt_max),
        ("MIN_CURRENT", period.current_microampere_min),
        ("MAX_CURRENT", period.current_microampere_max),
    ):
        if millionths is not None:
            yield _dimension(name, number(Fraction(millionths) / _MILLIONTHS))


def _dimension(name: str, volume: Decimal) -> dict[str, Any]:
    return {"type": name, "volume": volume}


def _hours(periods: Iterable[ChargingPeriod], kinds: Collection[Kind]) -> Decimal:
    duration_us: Exact = 0
    for period in periods:
        if period.kind in kinds:
            duration_us += period.duration_us
    return number(ratio(duration_us, US_PER_HOUR))
