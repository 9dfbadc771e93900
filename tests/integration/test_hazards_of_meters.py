"""What meters really do, from the message, or from the station's frame, to the bill."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.audit.replay import replay
from ledger.intake.message import Record
from ledger.session.events import RegistersConverted, SessionHeld, SignaturesVerified
from tests.building import Event, component, end, facts_of, minute, ratings, reading, start, tariff
from tests.integration.billing import Books
from tests.integration.test_ocpp import Adapter
from tests.meters import meter, wrapped

GOLDEN = Path(__file__).parents[1] / "golden" / "ocpp"
KEBA = "S-1:28881628250821070333100549825004"
P256 = meter("secp256r1")
BEFORE_ALL = -600 * 24 * 60  # the log of the KEBA is of August 2025


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.account("ACC-1")
        prices = component("ENERGY", "0.30"), component("PARKING_TIME", "6.00")
        books.deliver(tariff("ANY", *prices, minutes=BEFORE_ALL))
        yield books
        books.close()


def adapted(books: Books, case: str, meddle: Any = lambda text: text) -> None:
    """A log of a station through the adapter, and what it makes of it into the ledger."""
    adapter = Adapter(books.ledger)
    adapter.deliver(*[meddle(line) for line in (GOLDEN / case / "frames.jsonl").read_text().splitlines()])
    books.deliver(
        *[
            Record("", 0, 0, event["subject"].encode(), json.dumps(event).encode())
            for event in adapter.said()
            if event["type"].startswith("ev.session")
        ]
    )


def signed_by_the_meter(line: str) -> str:
    """The frame with signatures of a meter of ours, over the very bytes that the golden log has."""
    record = json.loads(line)
    if record["topic"] != "ocpp.frames.v1":
        return line
    frame = json.loads(record["value"])
    for value in [v for m in frame[3].get("meterValue", ()) for v in m["sampledValue"] if "signedMeterValue" in v]:
        signed = value["signedMeterValue"]
        payload = b64decode(signed["signedMeterData"]).split(b"|")[1]
        signed["signedMeterData"] = b64encode(P256.record(payload)).decode()
        signed["publicKey"] = wrapped(P256.spki)
    return json.dumps({**record, "value": json.dumps(frame)})


def said_of(meter_id: str, kind: str, **data: Any) -> Event:
    return Event(f"ev.meter.{kind}.v1", meter_id, minute(-60), kind, data)


def key(meter_id: str) -> Event:
    data = {"public_key": P256.key, "encoding": "OCMF", "valid_from": "2025-01-01T00:00:00Z"}
    return said_of(meter_id, "key-registered", **data)


def held(books: Books, session_id: str) -> list[str]:
    facts = facts_of(books.ledger, "session", session_id)
    return sorted({reason.code for fact in facts if isinstance(fact, SessionHeld) for reason in fact.reasons})


def converted(books: Books, session_id: str) -> list[tuple[str, ...]]:
    facts = facts_of(books.ledger, "session", session_id)
    return [fact.because for fact in facts if isinstance(fact, RegistersConverted)]


def charged(session_id: str, first: str, *rest: tuple[int, str], country: str = "NL", **data: Any) -> list[Event]:
    """From a register over others at their minutes; the last one ends the session."""
    *middle, (last_minute, last) = rest
    begun = start(session_id, 0, first, account_id="ACC-1", country=country, max_power_kw="22", meter_id="M-9")
    samples = [reading(session_id, minutes, kwh, **data) for minutes, kwh in middle]
    return [begun, *samples, end(session_id, last_minute, last)]


def energy_milliwh(books: Books, session_id: str) -> int:
    return ratings(books.ledger, session_id)[-1].energy_milliwh


def test_a_signed_transaction_of_a_keba_is_billed_as_signed_and_its_charging_is_no_parking(books: Books) -> None:
    """The station says SuspendedEV first and Idle last, and all energy flows in between.

    The only parking is the third of a second after its last signed value, when it is full.
    """
    books.deliver(key("M-1"))
    adapted(books, "keba_signed_201", signed_by_the_meter)
    rated = ratings(books.ledger, KEBA)[-1]
    assert (rated.energy_milliwh, rated.holds) == (19_718_700, ())
    (parked,) = [line for line in rated.lines if line.dimension == "PARKING_TIME"]
    assert round(Fraction(parked.quantity) * 3_600, 3) == Fraction("0.364")
    (fact,) = [f for f in facts_of(books.ledger, "session", KEBA) if isinstance(f, SignaturesVerified)]
    assert {(each.verdict.outcome, each.verdict.key_source) for each in fact.judgement.verdicts} == {
        ("valid", "registered")
    }
    assert books.follow() == 1
    assert replay(books.ledger.connection, None, lambda _position, _end: None).differences == []


def test_a_signature_that_does_not_verify_holds_the_transaction(books: Books) -> None:
    books.deliver(key("M-1"))
    adapted(books, "keba_signed_201")
    assert "SIGNATURE_INVALID" in held(books, KEBA)


def test_a_key_that_comes_after_the_transaction_releases_it(books: Books) -> None:
    adapted(books, "keba_signed_201", signed_by_the_meter)
    assert held(books, KEBA) == ["SIGNATURE_KEY_NOT_REGISTERED", "SIGNATURE_MISSING"]
    books.deliver(key("M-1"))
    assert ratings(books.ledger, KEBA)[-1].holds == ()


def test_a_begin_of_zero_is_held_and_not_billed(books: Books) -> None:
    """910.031 kWh where 0.083 kWh flowed: the first register was a placeholder."""
    adapted(books, "begin_zero_201")
    assert "IMPLAUSIBLE_JUMP" in held(books, "S-1:T-1")
    assert books.follow() == 0


def test_unsigned_is_held_in_germany_and_billed_in_the_netherlands(books: Books) -> None:
    books.deliver(*charged("D", "100", (60, "110"), country="DE"), *charged("N", "100", (60, "110")))
    assert held(books, "D") == ["SIGNATURE_MISSING"]
    assert books.follow() == 1
    assert books.billed == ["N"]


def test_a_register_that_goes_through_its_last_digit_is_counted_on(books: Books) -> None:
    books.deliver(said_of("M-9", "configured", roll_over_kwh="100000"))
    books.deliver(*charged("S", "99995", (30, "99999.5"), (60, "5")))
    assert (held(books, "S"), energy_milliwh(books, "S")) == ([], 10_000_000)
    assert converted(books, "S") == [("roll-over at 100000.000 kWh",)]
    books.follow()
    assert replay(books.ledger.connection, None, lambda _position, _end: None).differences == []


@pytest.mark.parametrize("restarts", [False, True])
def test_an_exchange_that_is_told_later_releases_the_session(books: Books, restarts: bool) -> None:
    books.deliver(*charged("S", "1000", (20, "1004"), (60, "3")))
    assert "END_BELOW_START" in held(books, "S")
    if restarts:
        books.feed.restart()
    replacement = {"last_register_kwh": "1005", "new_meter_id": "M-10", "first_register_kwh": "0"}
    books.deliver(said_of("M-9", "replaced", at="2026-11-02T08:30:00Z", **replacement))
    assert energy_milliwh(books, "S") == 8_000_000
    assert ratings(books.ledger, "S")[-1].holds == ()


def test_kilowatt_hours_labelled_watt_hours_are_held_until_the_meters_unit_is_known(books: Books) -> None:
    books.deliver(*charged("S", "1.000", (30, "1.005"), (60, "1.010"), power_kw="10"))
    assert held(books, "S") == ["ENERGY_BELOW_POWER"]
    books.deliver(said_of("M-9", "configured", unit="KWH"))
    assert (energy_milliwh(books, "S"), converted(books, "S")) == (10_000_000, [("unit KWH",)])
    assert ratings(books.ledger, "S")[-1].holds == ()


def test_watt_hours_labelled_kilowatt_hours_are_repaired_by_the_meters_unit(books: Books) -> None:
    books.deliver(said_of("M-9", "configured", unit="WH"))
    books.deliver(*charged("S", "1000000", (30, "1005000"), (60, "1010000"), power_kw="10"))
    assert (held(books, "S"), energy_milliwh(books, "S")) == ([], 10_000_000)
