"""An OCPI CDR object to charging periods.

Durations come from the instants of the periods, exactly; the volumes of TIME, PARKING_TIME and
RESERVATION_TIME only say which of them runs (TIME_SOURCE: or how long). The volume of ENERGY is taken as given.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Final

import msgspec

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.instants import instant_us
from ledger.tariff.json_fields import FieldError, Fields
from ledger.tariff.model import Tariff
from ledger.tariff.policy import DEFAULT, Policies
from ledger.values.country_zones import zone_of_country
from ledger.values.energy import MILLIWH_PER_KWH
from ledger.values.exact import Exact, simplified
from ledger.values.time import US_PER_HOUR
from ledger.values.zones import UnknownTimeZoneError, time_zone

# Volumes are numbers of four decimals in OCPI; more are read, and kept exactly.
_VOLUME_DECIMALS: Final = 12
_MAX_VOLUME: Final = 999_999_999_999
# A year of one period a minute; more is no charging session.
MAX_PERIODS: Final = 600_000

_KINDS: Final = {"TIME": Kind.CHARGING, "PARKING_TIME": Kind.PARKING, "RESERVATION_TIME": Kind.RESERVATION}
_LIMITED: Final = ("MIN_POWER", "MAX_POWER", "MIN_CURRENT", "MAX_CURRENT")
_READ: Final = frozenset({"ENERGY", *_KINDS, *_LIMITED})
_Volumes = dict[str, Fraction]


class CdrError(FieldError):
    """A CDR that cannot be priced; the text begins with the JSON path."""


def cdr_periods(content: object, tariff: Tariff, policies: Policies = DEFAULT) -> list[ChargingPeriod]:
    """The charging periods of a CDR whose numbers were parsed as int or Decimal from their text.

    A period runs from its start to the next one's, the last to the CDR's end (TIME_SOURCE). CdrError names
    the JSON path of what is wrong, another currency than the tariff's included.
    """
    fields = Fields(content, "$", CdrError)
    _check_currency(fields, tariff)
    read = [_read_period(period) for period in _period_fields(fields)]
    end_us = instant_us(fields, "end_date_time")
    starts_us = [start_us for start_us, _, _ in read]
    _check_order(fields, starts_us, end_us)
    _check_reservation(fields, [kind for _, kind, _ in read])
    periods = list(_periods(read, [*starts_us[1:], end_us]))
    if policies.time_source == "instants":
        return periods
    return [_by_volume(period, volumes) for period, (_, _, volumes) in zip(periods, read, strict=True)]


def cdr_time_zone(content: object, time_zone_given: str | None) -> str:
    """The zone in which restrictions are judged: as given, else the location's, else its country's only one."""
    fields = Fields(content, "$", CdrError)
    if time_zone_given is not None:
        return _known_zone(fields, "time_zone", time_zone_given)
    location = fields.object("cdr_location")
    if location is None:
        fields.refuse("cdr_location", "is missing: without it the time zone must be given")
    zone = location.text("time_zone")
    if zone is not None:
        return _known_zone(location, "time_zone", zone)
    return _only_zone(location)


def _known_zone(fields: Fields, key: str, name: str) -> str:
    try:
        time_zone(name)
    except UnknownTimeZoneError as error:
        fields.refuse(key, str(error))
    return name


def _only_zone(location: Fields) -> str:
    country = location.text("country")
    if country is None:
        location.refuse("time_zone", "is missing, and so is the country: the time zone must be given")
    zone = zone_of_country(country)
    if zone is None:
        location.refuse("country", f"{country[:40]!r} has no single time zone: the time zone must be given")
    return zone


def _check_currency(fields: Fields, tariff: Tariff) -> None:
    currency = fields.text("currency")
    if currency is not None and currency != tariff.currency:
        fields.refuse("currency", f"{currency[:40]!r} is not the tariff's {tariff.currency}")


def _period_fields(fields: Fields) -> Iterator[Fields]:
    count = len(fields.items("charging_periods"))
    if not count:
        fields.refuse("charging_periods", "is missing or empty")
    if count > MAX_PERIODS:
        fields.refuse("charging_periods", f"has {count} periods, at most {MAX_PERIODS} are read")
    return fields.objects("charging_periods")


def _read_period(period: Fields) -> tuple[int, Kind, _Volumes]:
    volumes = _volumes(period)
    kind = _kind(period, volumes)
    if kind is Kind.RESERVATION and volumes.get("ENERGY"):
        period.refuse("dimensions", "ENERGY cannot flow in a period of RESERVATION_TIME")
    return instant_us(period, "start_date_time"), kind, volumes


def _volumes(period: Fields) -> _Volumes:
    volumes: _Volumes = {}
    for dimension in period.objects("dimensions"):
        name = dimension.text("type")
        if name not in _READ:
            continue
        if name in volumes:
            dimension.refuse("type", f"{name} stands twice in one period")
        volume = dimension.number("volume", _MAX_VOLUME, _VOLUME_DECIMALS)
        if volume is None:
            dimension.refuse("volume", "is missing")
        volumes[name] = Fraction(volume)
    return volumes


def _kind(period: Fields, volumes: _Volumes) -> Kind:
    """Which time runs; where several are named, the one that is not zero."""
    named = [name for name in _KINDS if name in volumes]
    if len(named) > 1:
        named = [name for name in named if volumes[name]]
    if len(named) > 1:
        period.refuse("dimensions", f"{' and '.join(named)} cannot both run in one period")
    return _KINDS[named[0]] if named else Kind.NEITHER


def _check_order(fields: Fields, starts_us: list[int], end_us: int) -> None:
    for place, (start_us, next_us) in enumerate(zip(starts_us, [*starts_us[1:], end_us], strict=True)):
        if next_us < start_us:
            is_last = place + 1 == len(starts_us)
            key = "end_date_time" if is_last else f"charging_periods[{place + 1}].start_date_time"
            fields.refuse(key, f"is before charging_periods[{place}].start_date_time")


def _check_reservation(fields: Fields, kinds: list[Kind]) -> None:
    """A reservation is before its session."""
    for place, (kind, next_kind) in enumerate(pairwise(kinds)):
        if next_kind is Kind.RESERVATION and kind is not Kind.RESERVATION:
            fields.refuse(f"charging_periods[{place + 1}].dimensions", "RESERVATION_TIME comes after the session began")


def _by_volume(period: ChargingPeriod, volumes: _Volumes) -> ChargingPeriod:
    """The period with the hours that its volume says; its instants stay for the restrictions."""
    name = next((name for name, kind in _KINDS.items() if kind is period.kind), "")
    if name not in volumes:
        return period
    correction_us = simplified(volumes[name] * US_PER_HOUR - period.duration_us)
    return msgspec.structs.replace(period, time_correction_us=correction_us)


def _periods(read: list[tuple[int, Kind, _Volumes]], ends_us: list[int]) -> Iterator[ChargingPeriod]:
    energy: Exact = 0
    for (start_us, kind, volumes), end_us in zip(read, ends_us, strict=True):
        start_energy = energy
        energy = simplified(energy + volumes.get("ENERGY", Fraction(0)) * MILLIWH_PER_KWH)
        yield ChargingPeriod(
            start_us,
            end_us,
            kind,
            start_energy,
            energy,
            _millionths(volumes, "MIN_POWER"),
            _millionths(volumes, "MAX_POWER"),
            _millionths(volumes, "MIN_CURRENT"),
            _millionths(volumes, "MAX_CURRENT"),
        )


def _millionths(volumes: _Volumes, name: str) -> Exact | None:
    """kW as milliwatts and A as microamperes."""
    return simplified(volumes[name] * 1_000_000) if name in volumes else None
