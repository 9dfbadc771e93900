"""Records of every kind, as tests need them: valid, with fields changed or left out."""

import json
from typing import Any

from consumers.messages.account import AccountDefaults
from consumers.messages.reader import MessageReader
from ledger.intake.message import Arrival, Message, Record, Unreadable
from ledger.store.fact import FromMessage
from tests.meters import meter

DEFAULTS = AccountDefaults(legal_entity="ABC-NL", time_zone="Europe/Amsterdam")
READER = MessageReader(DEFAULTS)

SESSION_ID = "NL-ABC-2026-000001"

STARTED: dict[str, Any] = {
    "location_id": "LOC1",
    "station_id": "NL*ABC*S0001",
    "operator_id": "NL*ABC",
    "evse_uid": "NL*ABC*E0001*1",
    "connector_id": "1",
    "power_type": "AC_3_PHASE",
    "max_power_kw": "11",
    "time_zone": "Europe/Amsterdam",
    "country": "NL",
    "meter_id": "M-4711",
    "register_kwh": "1234.500",
    "account_id": "ACC-1",
    "token_uid": "012345678",
    "auth_method": "WHITELIST",
    "tariff_id": "TARIFF-1",
    "reservation": None,
    "seq_no": 0,
}
METERED: dict[str, Any] = {
    "register_kwh": "1237.250",
    "power_kw": "11.0",
    "current_a": "16.0",
    "soc_percent": "41",
    "context": "Sample.Clock",
    "seq_no": 7,
    "signed": {"encoding": "OCMF", "data": 'OCMF|{"RV":1237.25}|{"SD":"30"}', "public_key": "3059"},
}
STATE_CHANGED: dict[str, Any] = {"charging_state": "SuspendedEV", "seq_no": 9}
ENDED: dict[str, Any] = {"register_kwh": "1256.000", "reason": "EVDisconnected", "seq_no": 12, "signed": None}
ACCOUNT: dict[str, Any] = {
    "name": "Fleet AG",
    "kind": "BUSINESS",
    "country": "DE",
    "vat_id": "DE136695976",
    "email": "ap@fleet.example",
    "address": {"line1": "Marienplatz 8", "postcode": "80331", "city": "München", "country": "DE"},
    "currency": "EUR",
    "billing": "MONTHLY",
    "time_zone": "Europe/Berlin",
    "closing_day": 1,
    "language": "de",
    "payment_terms_days": 14,
    "legal_entity": "ABC-NL",
    "tokens": ["012345678"],
    "parent_account_id": None,
    "cost_centre": None,
    "memberships": [{"group": "GOLD", "from": "2026-01-01", "until": None}],
}
TARIFF: dict[str, Any] = {
    "id": "TARIFF-1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.30, "vat": 19.0, "step_size": 1}]}],
}
KEY: dict[str, Any] = {
    "public_key": meter("secp256r1").key,
    "encoding": "OCMF",
    "valid_from": "2026-01-01T00:00:00Z",
}
REPLACED: dict[str, Any] = {
    "last_register_kwh": "99871.250",
    "new_meter_id": "M-4712",
    "first_register_kwh": "0",
    "at": "2026-05-01T09:00:00Z",
}
CONFIGURED: dict[str, Any] = {"roll_over_kwh": "1000000", "unit": "KWH", "legal_metering": "DE"}

PRICES: dict[str, Any] = {
    "currency": "EUR",
    "slots": [
        {"from": "2026-11-02T08:00:00Z", "until": "2026-11-02T08:15:00Z", "per_kwh": "-0.0123"},
        {"from": "2026-11-02T09:15:00+01:00", "until": "2026-11-02T09:30:00+01:00", "per_kwh": "0.1000"},
    ],
}

DATA = {
    "ev.session.started.v1": STARTED,
    "ev.session.metered.v1": METERED,
    "ev.session.state-changed.v1": STATE_CHANGED,
    "ev.session.ended.v1": ENDED,
    "ev.account.opened.v1": ACCOUNT,
    "ev.account.changed.v1": ACCOUNT,
    "ev.tariff.published.v1": TARIFF,
    "ev.meter.key-registered.v1": KEY,
    "ev.meter.replaced.v1": REPLACED,
    "ev.meter.configured.v1": CONFIGURED,
    "ev.price.published.v1": PRICES,
}
SUBJECT = {
    "ev.account.opened.v1": "ACC-1",
    "ev.account.changed.v1": "ACC-1",
    "ev.tariff.published.v1": "TARIFF-1",
    "ev.meter.key-registered.v1": "M-4711",
    "ev.meter.replaced.v1": "M-4711",
    "ev.meter.configured.v1": "M-4711",
    "ev.price.published.v1": "NL-DA",
}
# Tariffs and prices are both published.
SHORT = {name.split(".")[2]: name for name in DATA if name != "ev.price.published.v1"}
SHORT["priced"] = "ev.price.published.v1"
LEFT_OUT = object()


def event(kind: str, *, data: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """A structured event of a kind such as `metered`; `data` changes fields, LEFT_OUT leaves one out."""
    name = SHORT[kind]
    whole = {
        "specversion": "1.0",
        "id": "01JD0000000000000000000001",
        "source": "/stations/NL*ABC*S0001",
        "type": name,
        "subject": SUBJECT.get(name, SESSION_ID),
        "time": "2026-11-02T08:15:00Z",
        "data": _without_left_out({**DATA[name], **(data or {})}),
    }
    return _without_left_out({**whole, **attributes})


def record_of(content: dict[str, Any] | bytes, key: bytes | None = SESSION_ID.encode(), **place: Any) -> Record:
    """The event as a record in structured mode."""
    value = content if isinstance(content, bytes) else to_json(content)
    return Record(place.get("topic", "ev.sessions.v1"), place.get("partition", 3), place.get("offset", 42), key, value)


def binary_record(content: dict[str, Any], *more: tuple[str, bytes]) -> Record:
    """The event as a record in binary mode, with more headers."""
    attributes = {name: text for name, text in content.items() if name != "data"}
    headers = tuple((f"ce_{name}", str(text).encode()) for name, text in attributes.items())
    return Record("ev.sessions.v1", 3, 42, attributes["subject"].encode(), to_json(content["data"]), headers + more)


def to_json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def read(content: dict[str, Any] | bytes) -> Arrival:
    """What the reader makes of an event whose record has the right key."""
    if isinstance(content, bytes):
        return READER.read(record_of(content))
    return READER.read(record_of(content, str(content.get("subject")).encode()))


def fact_of(content: dict[str, Any]) -> Any:
    """The fact of an event that must be readable."""
    arrival = read(content)
    assert isinstance(arrival, Message), arrival
    assert isinstance(arrival.fact, FromMessage)
    return arrival.fact


def reason(content: dict[str, Any] | bytes) -> str:
    """Why the event is unreadable: one short line."""
    arrival = read(content)
    assert isinstance(arrival, Unreadable), arrival
    assert arrival.reason.isprintable()
    assert len(arrival.reason) < 400
    return arrival.reason


def _without_left_out(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not LEFT_OUT}
