"""A version that comes after the sessions it was meant for: they keep what they were pinned to, and are listed."""

from collections.abc import Iterator
from typing import Any

import pytest

from evledger.cli.tariffs import late
from ledger.application import Ledger
from projections.projector import Projector
from tests.building import component, end, start, tariff
from tests.integration.billing import Books
from tests.unit.cdr.commands import run

DEARER = component("ENERGY", "0.60")

# Sessions of a time that is past by any clock, as the list compares it with the instants at which tariffs were stored.
PAST = -3 * 365 * 24 * 60


@pytest.fixture
def books(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """A ledger of the test's own, which the command finds: tariff P, and account A."""
    monkeypatch.setenv("EVLEDGER_DATABASE_URL", database_url)
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.account("A")
        books.deliver(tariff("P", minutes=PAST - 100))
        yield books
        books.close()


def listed(books: Books) -> list[dict[str, Any]]:
    Projector(books.ledger.url).catch_up()
    found = run(late, "--json")
    assert (found.exit_code, found.err) == (0, "")
    return found.json


def test_a_session_that_began_before_a_version_was_stored_that_holds_from_then_on(books: Books) -> None:
    books.sessions("A", "S-1", "S-2", minutes=PAST, tariff_id="P")
    assert listed(books) == []
    books.deliver(tariff("P", DEARER, minutes=PAST).under(id="late"))
    assert listed(books) == [
        {
            "session_id": session_id,
            "started_at": "2023-11-03T08:00:00Z",
            "status": "RATED",
            "invoice_number": None,
            "tariff_id": "P",
            "tariff_version": 1,
            "today_tariff_id": "P",
            "today_tariff_version": 2,
        }
        for session_id in ("S-1", "S-2")
    ]


def test_the_cost_stays_as_it_was_pinned(books: Books) -> None:
    books.sessions("A", "S", minutes=PAST, tariff_id="P")
    books.deliver(tariff("P", DEARER, minutes=PAST).under(id="late"))
    books.bill()
    assert books.invoices[0].totals.net_minor == 300
    assert [row["invoice_number"] for row in listed(books)] == [books.numbers[0]]


@pytest.mark.parametrize(("begins", "count"), [(0, 1), (1, 0), (-10, 1)])
def test_a_version_is_late_for_starts_from_its_time_on(books: Books, begins: int, count: int) -> None:
    books.sessions("A", "S", minutes=PAST, tariff_id="P")
    books.deliver(tariff("P", DEARER, minutes=PAST + begins).under(id="late"))
    assert len(listed(books)) == count


def test_a_version_before_the_pinned_one_changes_nothing(books: Books) -> None:
    books.deliver(tariff("P", DEARER, minutes=PAST - 10).under(id="second"))
    books.sessions("A", "S", minutes=PAST, tariff_id="P")
    books.deliver(tariff("P", DEARER, minutes=PAST - 20).under(id="third"))
    assert listed(books) == []


def test_another_tariff_that_would_be_chosen_is_late_for_who_names_none(books: Books) -> None:
    books.deliver(start("CHOSEN", PAST, account_id="A"), end("CHOSEN", PAST + 60))
    books.sessions("A", "NAMED", minutes=PAST, tariff_id="P")
    books.deliver(tariff("Z", DEARER, minutes=PAST))
    (row,) = listed(books)
    assert (row["session_id"], row["tariff_id"], row["today_tariff_id"]) == ("CHOSEN", "P", "Z")


def test_a_session_held_without_a_tariff_is_listed_once_one_would_be_found(books: Books) -> None:
    """Before the one tariff that there is had begun."""
    books.deliver(start("S", 2 * PAST, account_id="A"), end("S", 2 * PAST + 60))
    assert listed(books) == []
    books.deliver(tariff("OLD", minutes=2 * PAST))
    (row,) = listed(books)
    assert (row["status"], row["tariff_id"], row["today_tariff_id"]) == ("HELD", None, "OLD")


def test_people_read_a_table(books: Books) -> None:
    Projector(books.ledger.url).catch_up()
    assert run(late).out == "Late tariffs: none\n"
    books.sessions("A", "S", minutes=PAST, tariff_id="P")
    books.deliver(tariff("P", DEARER, minutes=PAST).under(id="late"))
    Projector(books.ledger.url).catch_up()
    assert "Late tariffs" in run(late).out
