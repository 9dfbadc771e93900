"""Facts for tests of the read side, with as few arguments as the test is about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from ledger.account.events import Terms
from ledger.invoice.events import Buyer, InvoicedSession, InvoiceIssued, InvoiceLine, Totals, VatTotal
from ledger.meter.events import MeterConfigured, MeterReplaced
from ledger.session.events import (
    Cost,
    HoldReason,
    MeterRecorded,
    Personal,
    RatedLine,
    SessionEnded,
    SessionHeld,
    SessionRated,
    SessionStarted,
    TariffPin,
)

NAMESPACE = UUID("00000000-0000-5000-8000-000000000000")
START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
PIN = TariffPin(tariff_id="TARIFF-1", tariff_version=1, tariff_hash="ab" * 32)


def stream_of(name: str) -> UUID:
    """The stream that tests know by a name."""
    return uuid5(NAMESPACE, name)


def _read_at(offset: int) -> dict[str, Any]:
    return {"source": "/test", "message_id": f"m{offset}", "topic": "ev.sessions.v1", "partition": 0, "offset": offset}


def started(session_id: str = "S1", **changes: Any) -> SessionStarted:
    fields: dict[str, Any] = {
        **_read_at(0),
        "occurred_at": START,
        "tenant": "default",
        "session_id": session_id,
        "location_id": "LOC1",
        "evse_uid": "E1",
        "connector_id": "1",
        "time_zone": "Europe/Amsterdam",
        "country": "NL",
        "meter_id": "M1",
        "register_milliwh": 1_000_000,
        "personal": Personal(person_id="P1"),
        "account_id": "ACC-1",
        "station_id": "ST1",
        "operator_id": "OP1",
        "tariff_pin": PIN,
        "terms": Terms(account_version=1, kind="BUSINESS", billing="PER_SESSION"),
    }
    return SessionStarted(**{**fields, **changes})


def metered(register_milliwh: int, minutes: int = 15) -> MeterRecorded:
    at = START + timedelta(minutes=minutes)
    return MeterRecorded(**_read_at(1), occurred_at=at, register_milliwh=register_milliwh)


def ended(register_milliwh: int = 22_500_000, minutes: int = 60) -> SessionEnded:
    at = START + timedelta(minutes=minutes)
    return SessionEnded(**_read_at(2), occurred_at=at, register_milliwh=register_milliwh)


def replaced(meter_id: str = "M2", new_meter_id: str = "M3", minutes: int = 30, **registers: int) -> MeterReplaced:
    """The register of a meter ends at 1 kWh, and the other one begins at 0, unless told otherwise."""
    fields = {"last_register_milliwh": 1_000_000, "first_register_milliwh": 0, **registers}
    at = START + timedelta(minutes=minutes)
    return MeterReplaced(
        **_read_at(3), occurred_at=at, tenant="default", meter_id=meter_id, new_meter_id=new_meter_id, at=at, **fields
    )


def configured(meter_id: str = "M1", roll_over_milliwh: int | None = 1_000_000_000) -> MeterConfigured:
    return MeterConfigured(
        **_read_at(4), occurred_at=START, tenant="default", meter_id=meter_id, roll_over_milliwh=roll_over_milliwh
    )


def held(session_id: str = "S1", *codes: str) -> SessionHeld:
    reasons = tuple(HoldReason(code=code, because="/test m2") for code in codes)
    return SessionHeld(tenant="default", session_id=session_id, occurred_at=START, reasons=reasons)


def rated(session_id: str = "S1", excl_minor: int = 645, **changes: Any) -> SessionRated:
    vat_minor = (excl_minor * 19 + 50) // 100
    cost = Cost(excl_minor=excl_minor, incl_minor=excl_minor + vat_minor)
    line = RatedLine(
        dimension="ENERGY", quantity="21.5", billed_quantity="21.5", unit="KWH", unit_price="0.30", vat_percent="19.0"
    )
    fields: dict[str, Any] = {
        "tenant": "default",
        "session_id": session_id,
        "revision": 1,
        "occurred_at": START + timedelta(hours=1),
        "started_at": START,
        "ended_at": START + timedelta(hours=1),
        "location_id": "LOC1",
        "evse_uid": "E1",
        "country": "NL",
        "time_zone": "Europe/Amsterdam",
        "energy_milliwh": 21_500_000,
        "currency": "EUR",
        "tariff_pin": PIN,
        "authority": "NET",
        "amount_minor": excl_minor,
        "cost": cost,
        "lines": (line,),
        "policies": {"rounding": "HALF_UP"},
        "totals": {"ENERGY": cost},
        "account_id": "ACC-1",
        "station_id": "ST1",
        "operator_id": "OP1",
    }
    return SessionRated(**{**fields, **changes})


def invoiced_session(session_id: str, net_minor: int, **changes: Any) -> InvoicedSession:
    fields: dict[str, Any] = {
        "session_id": session_id,
        "revision": 1,
        "rated_position": 3,
        "location_id": "LOC1",
        "evse_uid": "E1",
        "country": "NL",
        "tariff_id": "TARIFF-1",
        "tariff_version": 1,
        "started_at": START,
        "ended_at": START + timedelta(hours=1),
        "energy_milliwh": 21_500_000,
        "amount_minor": net_minor,
        "net_minor": net_minor,
        "station_id": "ST1",
        "operator_id": "OP1",
    }
    return InvoicedSession(**{**fields, **changes})


def invoice_line(line: int, session_id: str, net_minor: int, **changes: Any) -> InvoiceLine:
    fields: dict[str, Any] = {
        "line": line,
        "description": "Energy",
        "session_id": session_id,
        "dimension": "ENERGY",
        "quantity": "21.500",
        "unit": "KWH",
        "unit_price": "0.30",
        "net_minor": net_minor,
        "vat_percent": "19.0",
        "category": "S",
        "tariff_id": "TARIFF-1",
        "tariff_version": 1,
    }
    return InvoiceLine(**{**fields, **changes})


def totals(net_minor: int, vat_minor: int) -> Totals:
    by_vat = VatTotal(vat_percent="19.0", category="S", net_minor=net_minor, vat_minor=vat_minor)
    return Totals(net_minor=net_minor, vat_minor=vat_minor, gross_minor=net_minor + vat_minor, by_vat=(by_vat,))


def issued(number: int = 1, nets: dict[str, int] | None = None, **changes: Any) -> InvoiceIssued:
    """An invoice over sessions and their nets in minor units, each one line of energy at 19 % VAT."""
    nets = {"S1": 645} if nets is None else nets
    net_minor = sum(nets.values())
    fields: dict[str, Any] = {
        "tenant": "default",
        "invoice_id": f"I{number}",
        "legal_entity": "ABC-NL",
        "series": "ABC-NL-2026",
        "number_in_series": number,
        "number": f"ABC-NL-2026-{number:06d}",
        "account_id": "ACC-1",
        "account_version": 1,
        "personal": Buyer(person_id="P1", name="Fleet AG"),
        "language": "en",
        "occurred_at": datetime(2026, 11, 2, 10, 0, tzinfo=UTC),
        "issued_on": "2026-11-02",
        "due_on": "2026-11-16",
        "currency": "EUR",
        "authority": "NET",
        "lines": tuple(
            invoice_line(place, session_id, minor) for place, (session_id, minor) in enumerate(nets.items(), start=1)
        ),
        "sessions": tuple(invoiced_session(session_id, minor) for session_id, minor in nets.items()),
        "totals": totals(net_minor, (net_minor * 19 + 50) // 100),
        "sessions_position": 4,
        "policies": {"rounding": "HALF_UP"},
        "document_sha256": "cd" * 32,
    }
    return InvoiceIssued(**{**fields, **changes})
