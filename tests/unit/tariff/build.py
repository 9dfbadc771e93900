"""Short ways to write tariffs and sessions down."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.tariff.policy import policies_of
from ledger.tariff.pricer import price
from ledger.tariff.report import Report
from ledger.values.energy import to_milliwh
from ledger.values.time import to_us

BERLIN = "Europe/Berlin"
MINUTE_US = 60_000_000
Json = dict[str, Any]


def component(dimension: str, unit_price: str, vat: str | None = None, step_size: int = 1) -> Json:
    content: Json = {"type": dimension, "price": Decimal(unit_price), "step_size": step_size}
    return content if vat is None else content | {"vat": Decimal(vat)}


def element(*components: Json, **restrictions: Any) -> Json:
    content: Json = {"price_components": list(components)}
    return content | {"restrictions": restrictions} if restrictions else content


def tariff(*elements: Json, **fields: Any) -> Json:
    return {"currency": "EUR", "elements": list(elements)} | fields


def local_us(text: str, zone: str = BERLIN) -> int:
    """Microseconds of a local wall-clock time such as "2026-03-02 16:55"."""
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def charging(minutes: int, kwh: str = "0", **known: int) -> Json:
    return {"kind": Kind.CHARGING, "minutes": minutes, "kwh": kwh} | known


def parking(minutes: int) -> Json:
    return {"kind": Kind.PARKING, "minutes": minutes, "kwh": "0"}


def neither(minutes: int) -> Json:
    return {"kind": Kind.NEITHER, "minutes": minutes, "kwh": "0"}


def reserved(minutes: int) -> Json:
    return {"kind": Kind.RESERVATION, "minutes": minutes, "kwh": "0"}


def periods(start_us: int, *stretches: Json) -> list[ChargingPeriod]:
    """Periods that follow each other; `power_kw` and `current_a` hold all the time that they are given for."""
    found, energy = [], 0
    for stretch in stretches:
        end_us, start_energy = start_us + stretch["minutes"] * MINUTE_US, energy
        energy += to_milliwh(stretch["kwh"])
        power, current = (_millionths(stretch.get(name)) for name in ("power_kw", "current_a"))
        found.append(
            ChargingPeriod(start_us, end_us, stretch["kind"], start_energy, energy, power, power, current, current)
        )
        start_us = end_us
    return found


def _millionths(value: int | None) -> int | None:
    return None if value is None else value * 1_000_000


def rated(content: Json, start: str, *stretches: Json, zone: str = BERLIN, groups: tuple[str, ...] = ()) -> Report:
    """The report of a session that starts at a local time of the zone, for a member of the groups."""
    return price(compile_tariff(parse_tariff(content), zone, groups), periods(local_us(start, zone), *stretches))


def rated_by(content: Json, start: str, *stretches: Json, **chosen: str) -> Report:
    """The report under other policies than the defaults."""
    compiled = compile_tariff(parse_tariff(content), BERLIN)
    return price(compiled, periods(local_us(start), *stretches), policies_of(chosen))


def lines_of(report: Report) -> list[tuple[str, int | None, Decimal]]:
    """Dimension, element and billed quantity of each line, for quantities that are finite decimals."""
    return [
        (
            str(line.dimension),
            line.element,
            Decimal(line.billed_quantity.numerator) / line.billed_quantity.denominator,
        )
        for line in report.lines
    ]
