"""From a hold to a bill, through the real pipeline, the desk, the biller and the tables."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ledger.application import Ledger, StaleError
from ledger.audit.explain import explain
from ledger.audit.replay import replay
from ledger.desk import Desk
from ledger.intake.subject import SubjectKey
from ledger.session.release import Order, Role, Substitute
from ledger.store.connection import logged_in, take_role
from ledger.values.refusal import RefusedError
from projections.projector import Projector
from tests.building import TENANT, end, reading, start, topics_of
from tests.integration.billing import Books
from tests.integration.read_side import select

AT = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
LIMIT = Decimal(100)
RIGHT = Substitute("started@0", 910_031_000)

STATUS = "SELECT session_id, status, held_codes, invoice_number FROM finance.session_costs ORDER BY session_id"
COMPLETE = "SELECT ended, billed, pending, held, waived, free, unexplained FROM finance.completeness"
OUT = "SELECT type FROM projection.outbox ORDER BY position"


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.account("A")
        yield books
        books.close()


def key(session_id: str = "S") -> SubjectKey:
    return SubjectKey("session", TENANT, session_id)


def order(role: Role = "operator") -> Order:
    return Order("anna", role, AT, "display read on site")


def placeholder(session_id: str = "S", **data: Any) -> list[Any]:
    """A session whose start has a register of 0: 910.031 kWh instead of 0.083."""
    terms = {"account_id": "A", "tariff_id": "T", "max_power_kw": "11", **data}
    return [
        start(session_id, kwh="0", **terms),
        reading(session_id, 1, "910.031"),
        end(session_id, 2, "910.114"),
    ]


def rows(books: Books, query: str, role: str = "evledger_finance") -> list[Any]:
    Projector(books.ledger.url).catch_up()
    return [tuple(row.values()) for row in select(books.ledger.url, query, role)]


def test_a_held_session_is_billed_after_its_release_and_with_the_register_that_is_right(books: Books) -> None:
    books.deliver(*placeholder())
    assert books.bill() == 0
    assert rows(books, STATUS) == [("S", "HELD", ["IMPLAUSIBLE_JUMP"], None)]
    Desk(books.ledger).release(key(), order(), [RIGHT], LIMIT)
    assert rows(books, STATUS) == [("S", "RATED", [], None)]
    assert books.bill() == 1
    (invoice,) = books.invoices
    assert (invoice.totals.net_minor, invoice.sessions[0].energy_milliwh) == (2, 83_000)
    assert rows(books, STATUS) == [("S", "BILLED", [], invoice.number)]
    assert rows(books, COMPLETE) == [(1, 1, 0, 0, 0, 0, 0)]
    told = [kind for (kind,) in rows(books, OUT, "evledger_projector") if kind.startswith("billing.session")]
    assert told == [
        "billing.session.held.v1",
        "billing.session.rated.v1",
        "billing.session.released.v1",
        "billing.session.rated.v1",
    ]


def test_a_waived_session_is_on_no_document_until_finance_releases_it(books: Books) -> None:
    books.deliver(*placeholder())
    desk = Desk(books.ledger)
    desk.waive(key(), order("finance"), LIMIT)
    assert books.bill() == 0
    assert rows(books, STATUS) == [("S", "WAIVED", ["IMPLAUSIBLE_JUMP"], None)]
    assert rows(books, COMPLETE) == [(1, 0, 0, 0, 1, 0, 0)]
    with pytest.raises(RefusedError, match="only the role finance"):
        desk.release(key(), order(), [RIGHT], LIMIT)
    desk.release(key(), order("finance"), [RIGHT], LIMIT)
    assert books.bill() == 1
    assert rows(books, COMPLETE) == [(1, 1, 0, 0, 0, 0, 0)]


def test_what_is_refused_leaves_nothing_behind(books: Books) -> None:
    books.deliver(*placeholder(), *backwards("B"))
    before = topics_of(books.ledger, "S"), topics_of(books.ledger, "B")
    desk = Desk(books.ledger)
    for session_id, message in (("S", "is above 100"), ("B", "METER_WENT_BACKWARDS"), ("X", "no such session")):
        with pytest.raises(RefusedError, match=message):
            desk.release(key(session_id), order(), [], LIMIT)
    assert (topics_of(books.ledger, "S"), topics_of(books.ledger, "B")) == before


def backwards(session_id: str) -> list[Any]:
    terms = {"account_id": "A", "tariff_id": "T"}
    return [start(session_id, **terms), reading(session_id, 10, "999"), end(session_id)]


def test_a_billed_session_stays_billed_when_something_suspicious_comes(books: Books) -> None:
    books.deliver(start("S", account_id="A", tariff_id="T"), end("S"))
    assert books.bill() == 1
    books.deliver(reading("S", 90, "1015"))
    assert books.bill() == 0
    ((_, status, codes, _),) = rows(books, STATUS)
    assert (status, codes) == ("BILLED", ["ENERGY_AFTER_END"])
    assert rows(books, COMPLETE) == [(1, 1, 0, 0, 0, 0, 0)]
    with pytest.raises(RefusedError, match="is on invoice"):
        Desk(books.ledger).waive(key(), order(), LIMIT)


def test_a_second_end_is_parked_and_holds_the_session(books: Books) -> None:
    books.deliver(start("S", account_id="A", tariff_id="T"), end("S"))
    books.deliver(end("S", 61, "1011"))
    books.deliver(end("S", 61, "1011"))
    assert books.feed.outcomes() == (2 + 2, 1, 1)
    assert topics_of(books.ledger, "S")[-2:] == ["SessionRated", "SessionHeld"]
    assert books.bill() == 0
    Desk(books.ledger).release(key(), order(), [], LIMIT)
    assert books.bill() == 1


def test_a_consumer_that_knows_the_session_decides_anew_after_a_release(books: Books) -> None:
    """What it has in memory is older than the log: the store refuses its batch, and it looks again."""
    books.deliver(*placeholder(seq_no=None)[:2])
    books.feed.deliver(end("S", 2, "910.114"))
    Desk(books.ledger).release(key(), order(), [RIGHT], LIMIT)
    books.deliver(reading("S", 3, "910.114"))
    assert topics_of(books.ledger, "S")[-2:] == ["MeterRecorded", "SessionNoted"]
    assert books.bill() == 1


def test_a_desk_that_lost_against_a_consumer_decides_again(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.deliver(*placeholder())
    commit, losses = books.ledger.commit, [StaleError("a stream moved on meanwhile")] * 2

    def losing(*arguments: Any) -> Any:
        if losses:
            raise losses.pop()
        return commit(*arguments)

    monkeypatch.setattr(books.ledger, "commit", losing)
    Desk(books.ledger).release(key(), order(), [RIGHT], LIMIT)
    assert topics_of(books.ledger, "S").count("SessionReleased") == 1


def test_what_was_replaced_is_recomputed_from_the_events_alone(books: Books) -> None:
    books.deliver(*placeholder())
    Desk(books.ledger).release(key(), order(), [RIGHT], LIMIT)
    assert books.bill() == 1
    assert replay(books.ledger.connection, None, lambda _position, _end: None).differences == []
    (session,) = explain(books.ledger.connection, books.invoices[0]).sessions
    assert session.substituted == ("/test started@0: 910.031 kWh counts in place of 0.000 kWh",)


def test_who_was_granted_finance_acts_as_finance_whatever_role_was_taken(books: Books) -> None:
    with psycopg.connect(books.ledger.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE otto LOGIN IN ROLE evledger_app")
        connection.execute("CREATE ROLE fiona LOGIN IN ROLE evledger_app, evledger_finance")
        try:
            found = []
            for name in ("otto", "fiona"):
                connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(name)))
                take_role(connection, "app")
                found.append(logged_in(connection))
                connection.execute("RESET SESSION AUTHORIZATION")
            assert found == [("otto", False), ("fiona", True)]
        finally:
            connection.execute("DROP ROLE otto, fiona")
