"""Rated sessions as CDRs are made of them, from a few lines."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.cdr.tariffs import CdrTariffs
from ledger.cdr.version import OcpiVersion
from ledger.cdr.writing import RatedSession, WrittenCdr, write_cdr
from ledger.session.events import (
    MeterRecorded,
    Personal,
    SessionEnded,
    SessionStarted,
    StateChanged,
    TariffPin,
)
from ledger.session.pricing import Pricing
from ledger.session.rating import rate_session
from ledger.session.state import Session, evolve
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff, tariff_hash
from ledger.values.energy import to_milliwh
from ledger.values.time import to_instant

Json = dict[str, Any]
START = "2026-10-05T08:00:00Z"
ZONE = "Europe/Amsterdam"
PUBLISHED_AT = datetime(2026, 9, 1, tzinfo=UTC)
LOCATION: Json = {
    "name": "Stationsplein",
    "address": "Stationsplein 1",
    "city": "Utrecht",
    "postal_code": "3511ED",
    "country": "NLD",
    "coordinates": {"latitude": "52.089400", "longitude": "5.110200"},
    "evse_id": "NL*ABC*E1*1",
    "connector_standard": "IEC_62196_T2",
    "connector_format": "SOCKET",
}
RFID = "04A1B2C3D4"
TOKEN: Json = {"country_code": "NL", "party_id": "MSP", "type": "RFID", "contract_id": "NL-MSP-C00000001-X"}


def read_at(number: int) -> Json:
    return {"source": "/test", "message_id": f"m{number}", "topic": "ev.sessions.v1", "partition": 0, "offset": number}


def started(content: Json, **changes: Any) -> SessionStarted:
    fields: Json = {
        "tenant": "default",
        "session_id": "S-1",
        "occurred_at": to_instant(START),
        "location_id": "LOC-1",
        "evse_uid": "E1",
        "connector_id": "1",
        "power_type": "AC_3_PHASE",
        "time_zone": ZONE,
        "country": "NL",
        "meter_id": "M-1",
        "register_milliwh": 1_000_000_000,
        "operator_id": "NL*ABC",
        "auth_method": "WHITELIST",
        "personal": Personal(person_id="ACC-1", token_uid=RFID, cdr_token=TOKEN),
        "account_id": "ACC-1",
        "cdr_location": LOCATION,
        "tariff_pin": TariffPin(tariff_id="T-1", tariff_version=1, tariff_hash=tariff_hash(content)),
    }
    return SessionStarted(**read_at(0), **(fields | changes))


def reading(minutes: int, kwh: str, **fields: Any) -> MeterRecorded:
    """A sample, so many minutes and kWh after the start."""
    at = to_instant(START) + timedelta(minutes=minutes)
    return MeterRecorded(
        **read_at(minutes + 1), occurred_at=at, register_milliwh=1_000_000_000 + to_milliwh(kwh), **fields
    )


def state(minutes: int, charging_state: Any) -> StateChanged:
    at = to_instant(START) + timedelta(minutes=minutes)
    return StateChanged(**read_at(minutes + 1), occurred_at=at, charging_state=charging_state)


def ended(minutes: int, kwh: str, **fields: Any) -> SessionEnded:
    at = to_instant(START) + timedelta(minutes=minutes)
    return SessionEnded(**read_at(999), occurred_at=at, register_milliwh=1_000_000_000 + to_milliwh(kwh), **fields)


def rated(content: Json, end: SessionEnded, *facts: Any, groups: tuple[str, ...] = (), **start: Any) -> RatedSession:
    """The session with these facts, rated under a tariff."""
    session, begun = Session(), started(content, **start)
    for fact in (begun, *facts, end):
        evolve(session, fact)
    tariff = compile_tariff(parse_tariff(content), begun.time_zone, groups)
    cost = rate_session(session, Pricing(tariff))
    evolve(session, cost)
    rated_at = end.occurred_at + timedelta(seconds=5)
    return RatedSession(cost, rated_at, session, begun, end, tariff, content, PUBLISHED_AT)


def cdr_of(source: RatedSession, version: str = "2.2.1") -> WrittenCdr:
    return write_cdr(source, OcpiVersion(version), CdrTariffs())


def volumes(cdr: WrittenCdr) -> list[dict[str, str]]:
    """The volumes of each period by type, as they are written."""
    return [
        {dimension["type"]: str(dimension["volume"]) for dimension in period["dimensions"]}
        for period in cdr.content["charging_periods"]
    ]
