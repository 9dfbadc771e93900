"""A session's charging periods as OCPI ChargingPeriod objects."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from ledger.cdr.decimals import instant_text, number, to_written, to_written_instant
from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.running import cut_instants
from ledger.tariff.spans import spans
from ledger.values.energy import MILLIWH_PER_KWH
from ledger.values.exact import Exact, ratio
from ledger.values.time import US_PER_HOUR

_TIME_OF: Final = {Kind.CHARGING: "TIME", Kind.PARKING: "PARKING_TIME"}
_MILLIONTHS: Final = 1_000_000


class Written(NamedTuple):
    """Periods at OCPI's precision, and the objects that say so."""

    periods: list[ChargingPeriod]
    objects: list[dict[str, Any]]

    @property
    def energy(self) -> Decimal:
        """total_energy in kWh: the sum of the ENERGY volumes."""
        return number(ratio(self.periods[-1].end_energy_milliwh, MILLIWH_PER_KWH))

    def hours(self, kind: Kind | None = None) -> Decimal:
        """Hours of the periods of a kind (total_parking_time), or of all (total_time)."""
        return number(ratio(_duration_us(self.periods, kind), US_PER_HOUR))


def written(periods: Sequence[ChargingPeriod], compiled: CompiledTariff, tariff_id: str) -> Written:
    """The periods cut where a price can switch (OCPI: a new period for each such moment), and rounded."""
    rounded = _without_empty([_rounded(period) for period in _cut(periods, compiled)])
    return Written(rounded, list(_objects(rounded, tariff_id)))


def _cut(periods: Sequence[ChargingPeriod], compiled: CompiledTariff) -> Iterator[ChargingPeriod]:
    start_us, end_us = periods[0].start_us, periods[-1].end_us
    cells = compiled.calendar.cells(int(start_us), int(end_us))
    return spans(periods, cut_instants(compiled, cells, start_us), compiled.energy.bounds)


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
    """ENERGY always; the time that runs, rounded as a total of its kind so that volumes add up; power and current."""
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


def _duration_us(periods: Iterable[ChargingPeriod], kind: Kind | None) -> Exact:
    total: Exact = 0
    for period in periods:
        if kind is None or period.kind is kind:
            total += period.duration_us
    return total
