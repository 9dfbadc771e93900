"""Signed readings from the message to the bill: what holds, what is billed, and what a key changes that comes later."""

from collections.abc import Iterator
from typing import Any

import pytest

from evledger.stored_records import verified_records
from ledger.application import Ledger
from ledger.audit.explain import explain
from ledger.session.events import SessionHeld, SignaturesVerified
from tests.building import TENANT, Event, component, end, facts_of, minute, ratings, reading, start, tariff
from tests.integration.billing import Books
from tests.meters import ANOTHER_SECRET, meter, payload
from tests.meters import reading as signed_reading

P256 = meter("secp256r1")
STRANGER = meter("secp256r1", ANOTHER_SECRET)
METER = "M-4711"
BEGIN = signed_reading("B", "1000.000", "2026-11-02T08:00:00")
END = signed_reading("E", "1010.000", "2026-11-02T09:00:00")
RECORD = P256.record(payload("T7", BEGIN, END)).decode()


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    """An account, and a tariff of 0.30 per kWh."""
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.account("A")
        books.deliver(tariff("T", component("ENERGY", "0.30")))
        yield books
        books.close()


def signed(data: str = RECORD, **more: str) -> dict[str, str]:
    return {"encoding": "OCMF", "data": data, **more}


def charged(session_id: str = "S", country: str = "DE", record: Any = None, **data: Any) -> list[Event]:
    place = {"account_id": "A", "tariff_id": "T", "country": country, "meter_id": METER}
    return [start(session_id, **place), end(session_id, signed=signed() if record is None else record, **data)]


def key(public_key: str = P256.key, name: str = "key", valid_from: str = "2026-01-01T00:00:00Z") -> Event:
    data = {"public_key": public_key, "encoding": "OCMF", "valid_from": valid_from}
    return Event("ev.meter.key-registered.v1", METER, minute(0), name, data)


def held(books: Books, session_id: str = "S") -> list[str]:
    facts = facts_of(books.ledger, "session", session_id)
    return sorted({reason.code for fact in facts if isinstance(fact, SessionHeld) for reason in fact.reasons})


def verdicts(books: Books, session_id: str = "S") -> list[list[tuple[str, str | None]]]:
    facts = facts_of(books.ledger, "session", session_id)
    judged = [fact.judgement for fact in facts if isinstance(fact, SignaturesVerified)]
    return [[(each.verdict.outcome, each.verdict.key_source) for each in judgement.verdicts] for judgement in judged]


def topics(books: Books, session_id: str = "S") -> list[str]:
    return [type(fact).__name__ for fact in facts_of(books.ledger, "session", session_id)]


def awaited(books: Books) -> list[str]:
    rows = books.ledger.connection.execute("SELECT session_id FROM ledger.awaited_meters ORDER BY 1").fetchall()
    return [session_id for (session_id,) in rows]


def test_what_the_registered_key_signed_is_billed_in_germany(books: Books) -> None:
    books.deliver(key())
    books.deliver(*charged())
    assert topics(books) == ["SessionStarted", "SessionEnded", "SignaturesVerified", "SessionRated"]
    (rated,) = ratings(books.ledger, "S")
    assert (rated.energy_milliwh, rated.amount_minor, rated.holds) == (10_000_000, 300, ())
    (fact,) = [fact for fact in facts_of(books.ledger, "session", "S") if isinstance(fact, SignaturesVerified)]
    (each,) = fact.judgement.verdicts
    assert (each.verdict.outcome, each.verdict.key_source, each.verdict.method) == (
        "valid",
        "registered",
        "ECDSA-secp256r1-SHA256",
    )
    assert each.verdict.key_id is not None
    assert awaited(books) == []


def test_german_sessions_without_a_signature_are_held_and_dutch_ones_billed(books: Books) -> None:
    books.deliver(
        start("D", account_id="A", tariff_id="T", country="DE", meter_id=METER),
        end("D"),
        start("N", account_id="A", tariff_id="T", country="NL", meter_id=METER),
        end("N"),
    )
    assert held(books, "D") == ["SIGNATURE_MISSING"]
    assert topics(books, "N") == ["SessionStarted", "SessionEnded", "SessionRated"]


def test_a_meter_built_for_german_law_wants_signatures_everywhere(books: Books) -> None:
    configured = Event("ev.meter.configured.v1", METER, minute(0), "law", {"legal_metering": "DE"})
    books.deliver(configured)
    books.deliver(start("N", account_id="A", tariff_id="T", country="NL", meter_id=METER), end("N"))
    assert held(books, "N") == ["SIGNATURE_MISSING"]


@pytest.mark.parametrize("country", ["DE", "NL"])
def test_one_flipped_bit_holds_the_session(books: Books, country: str) -> None:
    broken = RECORD[:-3] + ("0" if RECORD[-3] != "0" else "1") + RECORD[-2:]
    books.deliver(key(), *charged(country=country, record=signed(broken)))
    assert verdicts(books) == [[("invalid", "registered")]]
    assert "SIGNATURE_INVALID" in held(books)


def test_a_register_that_was_not_signed_is_not_billed(books: Books) -> None:
    books.deliver(key(), *charged(country="NL", kwh="1011.000"))
    assert held(books) == ["SIGNED_VALUE_DIFFERS"]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_key_that_comes_later_releases_what_was_held_for_its_lack(books: Books, restarts: bool) -> None:
    books.deliver(*charged())
    assert held(books) == ["SIGNATURE_KEY_UNKNOWN", "SIGNATURE_MISSING"]
    assert awaited(books) == ["S"]
    if restarts:
        books.feed.restart()
    books.deliver(key())
    assert verdicts(books) == [[("no_key", None)], [("valid", "registered")]]
    assert topics(books)[-2:] == ["SessionReleased", "SessionRated"]
    assert ratings(books.ledger, "S")[-1].holds == ()
    assert awaited(books) == []


def test_a_key_of_the_same_batch_counts_wherever_it_stands_in_it(books: Books) -> None:
    books.deliver(*charged(), key())
    assert topics(books) == ["SessionStarted", "SessionEnded", "SignaturesVerified", "SessionRated"]


def test_a_key_that_is_not_valid_yet_changes_nothing(books: Books) -> None:
    books.deliver(*charged())
    books.deliver(key(valid_from="2027-01-01T00:00:00Z"))
    assert verdicts(books) == [[("no_key", None)]]
    assert awaited(books) == ["S"]


def test_a_later_key_that_does_not_verify_holds_what_was_billed_by_a_carried_one(books: Books) -> None:
    books.deliver(*charged(country="NL", record=signed(public_key=P256.key)))
    assert (verdicts(books), held(books), awaited(books)) == ([[("valid", "carried")]], [], ["S"])
    books.deliver(key(STRANGER.key))
    assert verdicts(books)[-1] == [("invalid", "registered")]
    assert held(books) == ["SIGNATURE_INVALID"]


def test_reading_after_the_end_and_begin_signed_by_itself(books: Books) -> None:
    begin, finish = (P256.record(payload(page, each)).decode() for page, each in (("T7", BEGIN), ("T8", END)))
    place = {"account_id": "A", "tariff_id": "T", "country": "DE", "meter_id": METER}
    books.deliver(
        key(),
        start("S", **place),
        reading("S", 0, "1000.000", signed=signed(begin), context="Transaction.Begin"),
        end("S", signed=signed(finish)),
    )
    books.deliver(reading("S", 61, "1010.000"))
    assert verdicts(books) == [[("valid", "registered"), ("valid", "registered")]]
    assert held(books) == []


def test_stored_records_verify_again_from_their_bytes(books: Books) -> None:
    books.deliver(*charged(), key())
    (found,) = verified_records(books.ledger.connection, TENANT, "S")
    assert (found.message, found.verdict.outcome, found.verdict.key_source) == (
        "/test ended@60",
        "valid",
        "registered",
    )
    assert found.record is not None
    assert found.record.payload == RECORD.split("|")[1].encode()


def test_the_explanation_says_by_which_signatures_a_session_was_billed(books: Books) -> None:
    books.deliver(key(), *charged())
    books.follow()
    (session,) = explain(books.ledger.connection, books.invoices[0]).sessions
    (line,) = session.signatures
    assert line.startswith("/test ended@60: valid, the signature verifies with the registered key, key ")
