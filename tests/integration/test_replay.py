"""Every issued invoice comes out of the events again, to the byte; what does not is named."""

from collections.abc import Iterator

import psycopg
import pytest

from evledger.embedded import Server
from ledger.application import Ledger
from ledger.audit import replay as replaying
from ledger.audit.replay import Replayed, replay
from ledger.invoice import amounts
from tests.building import a_database, component, end, reading, start, state, tariff
from tests.conftest import create_database, drop_database
from tests.integration.billing import NOW, Books

ORIGINAL = "test_replay"


@pytest.fixture(scope="module")
def original(embedded_server: Server, template_database: str) -> Iterator[str]:
    """The URL of a ledger with invoices of every kind. Tests change copies of it only."""
    with a_database(embedded_server, template_database, ORIGINAL) as url:
        with Ledger(url) as ledger:
            books = Books(ledger)
            fill(books)
            books.close()
        yield url


def fill(books: Books) -> None:
    parking = tariff("P", component("ENERGY", "0.30"), component("PARKING_TIME", "6", vat="9", step_size=600))
    books.deliver(parking, tariff("G", tax_included="YES", min_price={"incl_vat": 5}))
    books.account("A")
    books.account("M", "MONTHLY")
    books.account("R", "MONTHLY", kind="RESELLER", country="DE", vat_id="DE136695976")
    books.sessions("A", "S1")
    books.sessions("M", "S2", tariff_id="G")
    books.deliver(start("S3", account_id="M", tariff_id="P"), reading("S3", 30, "1010.123"), end("S3", 60, "1010.123"))
    books.deliver(state("S3", 31, "SuspendedEV"))
    books.sessions("R", "S4", "S5", kwh="1007.777")
    books.account("M", "MONTHLY", minutes=-5, verb="changed", name="Renamed")
    books.bill(NOW)
    books.deliver(tariff("T", component("ENERGY", "9"), minutes=-1))
    books.account("A", minutes=-4, verb="changed", name="Renamed later")
    books.deliver(state("S3", 40, "SuspendedEV"))
    assert len(books.invoices) == 4


@pytest.fixture
def copy(embedded_server: Server, original: str) -> Iterator[str]:
    """The URL of a copy of the ledger, whose bytes a test may change."""
    create_database(embedded_server, "test_replay_copy", ORIGINAL)
    try:
        yield embedded_server.url(database="test_replay_copy")
    finally:
        drop_database(embedded_server, "test_replay_copy")


def replayed(url: str, *numbers: str) -> Replayed:
    with psycopg.connect(url) as connection:
        return replay(connection, list(numbers) or None, lambda _position, _end: None)


def test_every_invoice_comes_out_the_same(original: str) -> None:
    assert replayed(original) == Replayed(4, [])


def test_invoices_are_found_on_pages_of_any_size(original: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "PAGE_POSITIONS", 3)
    monkeypatch.setattr(replaying, "PAGE_SESSIONS", 1)
    assert replayed(original) == Replayed(4, [])


def test_one_invoice_can_be_replayed_alone(original: str) -> None:
    assert replayed(original, "ABC-NL-2026-000002") == Replayed(1, [])


def test_a_number_that_was_never_issued_is_said(original: str) -> None:
    with pytest.raises(LookupError, match="never issued"):
        replayed(original, "ABC-NL-2026-000099")


def test_a_change_of_the_rounding_is_noticed(original: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amounts, "round_half_up", lambda value: value.numerator // value.denominator)
    differences = replayed(original).differences
    assert differences
    assert all("the document comes out otherwise" in difference.reason for difference in differences)


# What is changed, and the words of the difference that it must lead to.
TAMPERED = {
    "a register": (
        "session.SessionEnded",
        '"register_milliwh":1010000000',
        '"register_milliwh":1010000001',
        "the cost of session S1 comes out otherwise",
    ),
    "a price": ("tariffbook.TariffPublished", '"price":0.30', '"price":0.31', "the cost of session"),
    "a cost": ("session.SessionRated", '"amount_minor":300', '"amount_minor":301', "the cost of session S1"),
    "a payer": ("account.AccountOpened", '"name":"Fleet AG"', '"name":"Fleet XX"', "the document comes out otherwise"),
    "a total": ("invoice.InvoiceIssued", '"vat_minor":57', '"vat_minor":58', "the document comes out otherwise"),
    "a due day": ("invoice.InvoiceIssued", "2026-12-15", "2026-12-16", "the document comes out otherwise: due_on was"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_change_of_stored_bytes_is_noticed(name: str, copy: str) -> None:
    topic, before, after, reason = TAMPERED[name]
    assert tamper(copy, topic, before, after) > 0
    reasons = [difference.reason for difference in replayed(copy).differences]
    assert any(reason in found for found in reasons), reasons


@pytest.mark.parametrize("topic", ["session.SessionEnded", "session.SessionRated", "tariffbook.TariffPublished"])
def test_a_fact_that_is_gone_is_noticed(topic: str, copy: str) -> None:
    with unlocked(copy) as owner:
        table = "session_events" if topic.startswith("session.") else "billing_events"
        owner.execute(f"DELETE FROM ledger.{table} WHERE topic = %s", [topic])  # noqa: S608 - one of two names
    assert len(replayed(copy).differences) == 4


def test_an_account_that_is_gone_is_noticed(copy: str) -> None:
    with unlocked(copy) as owner:
        owner.execute("DELETE FROM ledger.billing_events WHERE topic LIKE 'account.%'")
    assert len(replayed(copy).differences) == 4


def tamper(url: str, topic: str, before: str, after: str) -> int:
    """Replace text in the stored bytes of a topic's facts, as only who owns the database can; how many it was."""
    changed = 0
    with unlocked(url) as owner:
        for table in ("session_events", "billing_events"):
            changed += owner.execute(
                f"UPDATE ledger.{table} SET state = convert_to(replace(convert_from(state, 'utf8'), %s, %s), 'utf8')"  # noqa: S608
                " WHERE topic = %s AND position(%s in convert_from(state, 'utf8')) > 0",
                [before, after, topic, before],
            ).rowcount
    return changed


def unlocked(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """A superuser's connection for which no trigger runs."""
    owner = psycopg.connect(url)
    owner.execute("SET session_replication_role = replica")
    return owner
