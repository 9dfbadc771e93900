"""Ticks through the real pipeline and store: what is due is found, and done once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from consumers.ticks import PAGE_SESSIONS, Ticked, Ticker
from ledger.application import Ledger
from ledger.session.plausibility.rules import DEFAULT_RULES
from tests.building import Feed, end, minute, reading, start, topics_of
from tests.integration.billing import Books

LIMIT = timedelta(hours=48)
DAY = 24 * 60


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.account("A")
        yield books
        books.close()


def tick(books: Books, at: datetime) -> tuple[int, int]:
    return tuple(Ticker(books.ledger, DEFAULT_RULES).tick(at))  # type: ignore[return-value]


def begun(session_id: str, minutes: int = 0, **data: Any) -> Any:
    return start(session_id, minutes, account_id="A", tariff_id="T", **data)


def test_a_session_whose_end_never_comes_is_closed_and_held(books: Books) -> None:
    books.deliver(begun("S"), reading("S", 30, "1004"), begun("OTHER", 30 + 2 * DAY))
    assert tick(books, minute(30) + LIMIT) == (1, 0)
    assert topics_of(books.ledger, "S")[-3:] == ["SessionEnded", "SessionHeld", "SessionRated"]
    assert tick(books, minute(30) + LIMIT) == (0, 0)
    assert books.bill() == 0


def test_the_real_end_rates_anew_and_is_billed(books: Books) -> None:
    books.deliver(begun("S"), reading("S", 30, "1004"), begun("OTHER", 30 + 2 * DAY))
    tick(books, minute(30) + LIMIT)
    books.deliver(end("S"))
    assert topics_of(books.ledger, "S")[-3:] == ["SessionEnded", "SessionReleased", "SessionRated"]
    assert books.bill() == 1
    assert books.invoices[0].sessions[0].energy_milliwh == 10_000_000


def test_no_session_is_closed_while_messages_are_still_read(books: Books) -> None:
    """The clock is a month further, but the partition's messages are not."""
    books.deliver(begun("S"), reading("S", 30, "1004"))
    assert tick(books, minute(30 * DAY)) == (0, 0)


def test_messages_of_another_partition_close_nothing(books: Books) -> None:
    books.deliver(begun("S"), reading("S", 30, "1004"))
    other = Feed(books.ledger, "file:other")
    other.deliver(begun("OTHER", 10 * DAY))
    other.close()
    assert tick(books, minute(10 * DAY)) == (0, 0)


def test_one_message_from_the_far_future_closes_nothing(books: Books) -> None:
    far = reading("FAR", 70 * 365 * DAY, "1005")
    books.deliver(begun("S"), reading("S", 30, "1004"), begun("FAR"), far)
    assert tick(books, minute(3 * DAY)) == (0, 0)
    books.deliver(begun("NOW", 3 * DAY))
    assert tick(books, minute(3 * DAY)) == (2, 0)


def test_a_gap_is_waited_for(books: Books) -> None:
    books.deliver(begun("S", seq_no=0), end("S", seq_no=2))
    assert tick(books, minute(60 + DAY - 1)) == (0, 0)
    assert tick(books, minute(60 + DAY)) == (0, 1)
    assert books.bill() == 1


def test_a_gap_that_closed_is_not_waited_for(books: Books) -> None:
    books.deliver(begun("S", seq_no=0), end("S", seq_no=2))
    tick(books, minute(60))
    books.deliver(reading("S", 30, "1005", seq_no=1))
    assert tick(books, minute(60 + 2 * DAY)) == (0, 0)
    assert rows(books) == []
    assert books.bill() == 1


def test_more_sessions_than_a_page_are_closed(books: Books) -> None:
    names = [f"S{number}" for number in range(PAGE_SESSIONS + 3)]
    books.deliver(*[begun(name) for name in names])
    books.deliver(begun("OTHER", 2 * DAY))
    assert Ticker(books.ledger, DEFAULT_RULES).tick(minute(2 * DAY)) == Ticked(len(names), 0)
    tick(books, minute(2 * DAY))
    assert rows(books) == [("END", "OTHER")]


def rows(books: Books) -> list[Any]:
    return books.ledger.connection.execute("SELECT waits_for, session_id FROM ledger.awaited_sessions").fetchall()
