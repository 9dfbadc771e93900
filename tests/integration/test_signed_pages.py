"""The pages of a meter's signed records count up by one from session to session, and across an exchange of meters."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.desk import Desk
from ledger.intake.subject import SubjectKey
from ledger.session.consequences import codes_of
from ledger.session.events import SignaturesVerified
from ledger.session.release import Order
from ledger.session.state import Session, evolve
from tests.building import TENANT, Event, Feed, component, end, facts_of, minute, ratings, reading, start, tariff
from tests.integration.billing import Books
from tests.meters import ANOTHER_SECRET, meter, payload
from tests.meters import reading as signed_reading

OLD, NEW = meter("secp256r1"), meter("secp256r1", ANOTHER_SECRET)
SIGNS = {"M-1": OLD, "M-2": NEW}
PLACE = {"account_id": "A", "tariff_id": "T"}


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    """An account, a tariff of 0.30 per kWh, and two meters with their keys."""
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.account("A")
        books.deliver(tariff("T", component("ENERGY", "0.30")), key("M-1", OLD.key), key("M-2", NEW.key))
        yield books
        books.close()


def key(meter_id: str, public_key: str) -> Event:
    data = {"public_key": public_key, "encoding": "OCMF", "valid_from": "2026-01-01T00:00:00Z"}
    return Event("ev.meter.key-registered.v1", meter_id, minute(0), f"key-{meter_id}", data)


def signed(at: int, mark: str, kwh: str, page: str, meter_id: str = "M-1") -> dict[str, str]:
    shown = signed_reading(mark, kwh, f"{minute(at):%Y-%m-%dT%H:%M:%S}")
    return {"encoding": "OCMF", "data": SIGNS[meter_id].record(payload(page, shown, MS=meter_id)).decode()}


def charged(session_id: str, at: int, page: int, *, country: str = "DE", meter_id: str = "M-1") -> list[Event]:
    """A session of half an hour that begins at a minute, on two pages."""
    where: dict[str, Any] = {"country": country, "meter_id": meter_id}
    first, last = (
        signed(at, "B", "100", f"T{page}", meter_id),
        signed(at + 30, "E", "110", f"T{page + 1}", meter_id),
    )
    return [
        start(session_id, at, "100", **PLACE, **where),
        reading(session_id, at, "100", context="Transaction.Begin", signed=first),
        end(session_id, at + 30, "110", signed=last),
    ]


def held(books: Books, session_id: str) -> tuple[str, ...]:
    """The codes that hold the session now."""
    session = Session()
    for fact in facts_of(books.ledger, "session", session_id):
        evolve(session, fact)
    return codes_of(session.held)


def before(books: Books, session_id: str) -> int | None:
    """The last page before the session, by its last judgement."""
    facts = facts_of(books.ledger, "session", session_id)
    *_, last = (fact.judgement for fact in facts if isinstance(fact, SignaturesVerified))
    (pages,) = last.pages
    return pages.before


def test_pages_that_go_on_are_billed(books: Books) -> None:
    books.deliver(*charged("A", 0, 7))
    books.deliver(*charged("B", 60, 9), *charged("C", 120, 11))
    assert [held(books, session_id) for session_id in "ABC"] == [(), (), ()]
    assert [before(books, session_id) for session_id in "ABC"] == [None, 8, 10]


@pytest.mark.parametrize(("page", "code"), [(10, "PAGINATION_GAP"), (8, "PAGINATION_REPEATED")])
def test_pages_that_do_not_are_held_where_the_law_wants_signatures(books: Books, page: int, code: str) -> None:
    books.deliver(*charged("A", 0, 7), *charged("B", 60, page))
    assert (held(books, "A"), held(books, "B")) == ((), (code,))
    books.deliver(*charged("N", 120, 99, country="NL"))
    assert held(books, "N") == ()


def test_the_session_with_the_missing_pages_releases_the_one_after_it(books: Books) -> None:
    books.deliver(*charged("A", 0, 7))
    books.deliver(*charged("C", 120, 11))
    assert (held(books, "C"), before(books, "C")) == (("PAGINATION_GAP",), 8)
    books.deliver(*charged("B", 60, 9))
    assert (held(books, "B"), held(books, "C"), before(books, "C")) == ((), (), 10)
    assert books.follow() == 3


def test_the_order_within_a_batch_makes_no_difference(books: Books) -> None:
    books.deliver(*charged("C", 120, 11), *charged("A", 0, 7), *charged("B", 60, 9))
    assert [before(books, session_id) for session_id in "ABC"] == [None, 8, 10]
    assert books.follow() == 3


def test_a_batch_sees_the_pages_of_the_one_on_its_way(books: Books, caplog: pytest.LogCaptureFixture) -> None:
    sessions = [charged(f"S{number}", 60 * number, 2 * number + 1) for number in range(6)]
    for later, earlier in ((1, 0), (2, 3), (4, 5)):
        books.feed.send(*sessions[later])
        books.feed.send(*sessions[earlier])
    books.feed.pipeline.drain()
    assert [before(books, f"S{number}") for number in range(6)] == [None, 2, 4, 6, 8, 10]
    assert {held(books, f"S{number}") for number in range(6)} == {()}
    assert "decided again" not in caplog.text


def test_each_meter_counts_for_itself(books: Books) -> None:
    books.deliver(*charged("A", 0, 7), *charged("X", 30, 100, meter_id="M-2"), *charged("B", 60, 9))
    assert [before(books, session_id) for session_id in "AXB"] == [None, None, 8]


def test_a_session_that_is_judged_again_takes_no_page_twice(books: Books) -> None:
    books.deliver(*charged("A", 0, 7), *charged("B", 60, 9))
    books.deliver(reading("A", 15, "105"), key("M-1", OLD.key).under(id="again", time=minute(1)))
    assert [before(books, session_id) for session_id in "AB"] == [None, 8]
    assert [held(books, session_id) for session_id in "AB"] == [(), ()]


def test_a_late_record_of_a_session_moves_the_one_after_it(books: Books) -> None:
    begun, *_, ended = charged("A", 0, 7)
    books.deliver(begun, ended, *charged("B", 60, 9))
    assert before(books, "B") == 8
    late = signed(31, "F", "110", "T9")
    books.deliver(reading("A", 29, "110", signed=late))
    assert (before(books, "B"), held(books, "B")) == (9, ("PAGINATION_REPEATED",))


def test_a_waived_session_is_not_judged_again(books: Books) -> None:
    books.deliver(*charged("A", 0, 7), *charged("C", 120, 11))
    order = Order("kim", "operator", minute(200), "a page is missing")
    Desk(books.ledger).waive(SubjectKey("session", TENANT, "C"), order, Decimal(100))
    books.deliver(*charged("B", 60, 9))
    assert (held(books, "B"), before(books, "C")) == ((), 8)
    books.deliver(*charged("D", 180, 13))
    assert (held(books, "D"), before(books, "D")) == ((), 12)


@pytest.mark.parametrize(("stored", "late"), [("B", "C"), ("C", "B")])
def test_two_processes_see_each_other_s_pages(
    books: Books, database_url: str, monkeypatch: pytest.MonkeyPatch, stored: str, late: str
) -> None:
    """One judges the session before, the other the one after, and neither knows of the other's until it writes."""
    sessions = {"B": charged("B", 60, 9), "C": charged("C", 120, 11)}
    books.deliver(*charged("A", 0, 7))
    commit = books.ledger.commit
    with Ledger(database_url) as ledger:
        feed = Feed(ledger, "other", group="other")

        def after_the_other(*arguments: Any) -> Any:
            monkeypatch.undo()
            feed.deliver(*sessions[stored])
            return commit(*arguments)

        monkeypatch.setattr(books.ledger, "commit", after_the_other)
        books.deliver(*sessions[late])
        feed.close()
    assert (before(books, "B"), before(books, "C")) == (8, 10)
    assert (held(books, "B"), held(books, "C")) == ((), ())


def exchanged(*at_exchange: Event) -> list[Event]:
    """A session of an hour whose meter M-1 gives way to M-2 after half of it: 100 to 105 kWh, then 0 to 4."""
    replaced = {
        "last_register_kwh": "105",
        "new_meter_id": "M-2",
        "first_register_kwh": "0",
        "at": "2026-11-02T08:30:00Z",
    }
    return [
        Event("ev.meter.replaced.v1", "M-1", minute(30), "exchange", replaced),
        start("S", 0, "100", **PLACE, country="DE", meter_id="M-1"),
        reading("S", 0, "100", context="Transaction.Begin", signed=signed(0, "B", "100", "T7")),
        *at_exchange,
        end("S", 60, "4", signed=signed(60, "E", "4", "T2", "M-2")),
    ]


OUT = reading("S", 30, "105", context="Interruption.Begin", signed=signed(30, "E", "105", "T8"))
INTO = reading("S", 30, "0", context="Interruption.End", signed=signed(30, "B", "0", "T1", "M-2")).under(id="into")


def test_each_meter_of_an_exchange_signs_its_own_part(books: Books) -> None:
    books.deliver(*charged("A", -60, 5), *exchanged(OUT, INTO), *charged("B", 120, 3, meter_id="M-2"))
    assert ratings(books.ledger, "S")[-1].energy_milliwh == 9_000_000
    assert [held(books, session_id) for session_id in "ASB"] == [(), (), ()]
    assert books.follow() == 3


def test_the_registers_of_an_exchange_are_wanted_signed_too(books: Books) -> None:
    books.deliver(*exchanged())
    assert "SIGNATURE_MISSING" in held(books, "S")
    facts = facts_of(books.ledger, "session", "S")
    (judgement,) = [fact.judgement for fact in facts if isinstance(fact, SignaturesVerified)]
    assert [hold.because for hold in judgement.holds if hold.code == "SIGNATURE_MISSING"] == [
        "end of M-1",
        "begin of M-2",
    ]


def test_the_key_of_the_new_meter_may_come_later(database_url: str) -> None:
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.account("A")
        books.deliver(tariff("T", component("ENERGY", "0.30")), key("M-1", OLD.key), *exchanged(OUT, INTO))
        assert "SIGNATURE_KEY_UNKNOWN" in held(books, "S")
        books.deliver(key("M-2", NEW.key))
        assert held(books, "S") == ()
        books.close()
