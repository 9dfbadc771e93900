"""The facts that the rebuild benchmark fills a database with: the fixed mix of the ingest benchmark, already stored."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from msgspec.structs import replace

from ledger.invoice.events import Buyer, InvoicedSession, InvoiceIssued, InvoiceLine, Totals, VatTotal
from ledger.session.events import (
    Cost,
    MeterRecorded,
    Personal,
    RatedLine,
    SessionEnded,
    SessionRated,
    SessionStarted,
    TariffPin,
)
from ledger.store.fact import Fact

READINGS = 48
FACTS_PER_SESSION = READINGS + 3  # with start, end and rating
OPEN_AT_ONCE = 500  # sessions whose facts are interleaved in the log
PAYERS, STATIONS = 100, 50

StreamFact = tuple[UUID, int, Fact]

NAMESPACE = UUID("00000000-0000-5000-8000-000000000000")
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
PLACE: dict[str, Any] = {"location_id": "LOC1", "evse_uid": "NL*ABC*E0001*1", "country": "NL", "operator_id": "NL*ABC"}
TARIFF: dict[str, Any] = {"tariff_id": "TARIFF-1", "tariff_version": 1}
PIN = TariffPin(tariff_hash="ab" * 32, **TARIFF)
COST = Cost(excl_minor=645, incl_minor=768)
VAT: dict[str, Any] = {"vat_percent": "19.0"}
VAT_TOTAL = VatTotal(net_minor=645, vat_minor=123, category="S", **VAT)

START = SessionStarted(
    source="/stations/NL*ABC*S0001",
    message_id="0",
    topic="ev.sessions.v1",
    partition=0,
    offset=0,
    occurred_at=BEGIN,
    tenant="default",
    session_id="S-0",
    connector_id="1",
    time_zone="Europe/Amsterdam",
    meter_id="M-1",
    register_milliwh=0,
    personal=Personal(person_id="P-1"),
    tariff_pin=PIN,
    **PLACE,
)

LINE = RatedLine(
    dimension="ENERGY", quantity="19.6", billed_quantity="19.6", unit="KWH", unit_price="0.33", excl_vat="6.45", **VAT
)

RATING = SessionRated(
    tenant="default",
    session_id="S-0",
    revision=1,
    occurred_at=BEGIN,
    started_at=BEGIN,
    ended_at=BEGIN,
    time_zone="Europe/Amsterdam",
    energy_milliwh=19_600_000,
    currency="EUR",
    tariff_pin=PIN,
    authority="NET",
    amount_minor=645,
    cost=COST,
    lines=(LINE, LINE),
    policies={"rounding": "HALF_UP"},
    totals={"ENERGY": COST},
    **PLACE,
)

INVOICE_LINE = InvoiceLine(
    line=1,
    description="Energy",
    session_id="S-0",
    dimension="ENERGY",
    quantity="19.600",
    unit="KWH",
    unit_price="0.33",
    net_minor=645,
    category="S",
    **VAT,
    **TARIFF,
)

BILLED = InvoicedSession(
    session_id="S-0",
    revision=1,
    rated_position=1,
    started_at=BEGIN,
    ended_at=BEGIN,
    energy_milliwh=19_600_000,
    amount_minor=645,
    net_minor=645,
    **PLACE,
    **TARIFF,
)

INVOICE = InvoiceIssued(
    tenant="default",
    invoice_id="I-0",
    legal_entity="ABC-NL",
    series="ABC-NL-2026",
    number_in_series=1,
    number="ABC-NL-2026-000001",
    account_id="ACC-0",
    account_version=1,
    personal=Buyer(person_id="P-1", name="Fleet AG"),
    language="en",
    occurred_at=BEGIN,
    issued_on="2026-10-01",
    due_on="2026-10-15",
    currency="EUR",
    authority="NET",
    lines=(),
    sessions=(),
    totals=Totals(net_minor=645, vat_minor=123, gross_minor=768, by_vat=(VAT_TOTAL,)),
    sessions_position=1,
    policies={"rounding": "HALF_UP"},
    document_sha256="cd" * 32,
)


def session_facts(sessions: int) -> Iterator[StreamFact]:
    """Stream, version and fact of so many sessions, in the order of the log."""
    for first in range(0, sessions, OPEN_AT_ONCE):
        group = range(first, min(first + OPEN_AT_ONCE, sessions))
        for place in range(FACTS_PER_SESSION):
            yield from ((_stream(f"session {number}"), place + 1, _session_fact(number, place)) for number in group)


def billing_facts(sessions: int) -> Iterator[StreamFact]:
    """One invoice for each session, in one series: the most that billing can write."""
    series = _stream("series")
    for number in range(sessions):
        yield series, number + 1, _invoice(number)


def _session_fact(number: int, place: int) -> Fact:
    at = BEGIN + timedelta(minutes=number * 10 + place)
    if place == 0:
        return replace(START, message_id=f"{number}", occurred_at=at, session_id=f"S-{number}", **_whose(number))
    if place == FACTS_PER_SESSION - 1:
        return replace(RATING, session_id=f"S-{number}", occurred_at=at, ended_at=at, **_whose(number))
    kind = MeterRecorded if place <= READINGS else SessionEnded
    return kind(
        source=START.source,
        message_id=f"{number}-{place}",
        topic=START.topic,
        partition=0,
        offset=number * (READINGS + 2) + place,
        occurred_at=at,
        register_milliwh=place * 400_000,
    )


def _whose(number: int) -> dict[str, Any]:
    return {"account_id": f"ACC-{number % PAYERS}", "station_id": f"NL*ABC*S{number % STATIONS}"}


def _invoice(number: int) -> InvoiceIssued:
    session_id, station_id = f"S-{number}", f"NL*ABC*S{number % STATIONS}"
    return replace(
        INVOICE,
        invoice_id=f"I-{number}",
        number_in_series=number + 1,
        number=f"ABC-NL-2026-{number + 1:06d}",
        account_id=f"ACC-{number % PAYERS}",
        issued_on=(BEGIN + timedelta(minutes=number * 10)).date().isoformat(),
        lines=(replace(INVOICE_LINE, session_id=session_id),),
        sessions=(replace(BILLED, session_id=session_id, station_id=station_id),),
    )


def _stream(name: str) -> UUID:
    return uuid5(NAMESPACE, name)
