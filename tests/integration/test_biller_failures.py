"""A biller that is killed, cut off, or not alone: numbers without gaps, no session on two documents."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from consumers import session_log
from consumers.session_log import LOCK_KEY, AlreadyBillingError, Biller
from ledger.application import Ledger, UnavailableError
from tests.building import ZONE
from tests.integration.billing import NOW, Books, numbers_to
from tests.waiting import wait_until

Kill = Callable[[str, int], None]


class KilledError(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    """Two payers by session and two by month, two sessions each: six invoices."""
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        for name in ("A", "B", "M", "N"):
            books.account(name, "PER_SESSION" if name in "AB" else "MONTHLY")
            books.sessions(name, f"{name}-1", f"{name}-2")
        yield books
        books.close()


@pytest.fixture
def kill(books: Books, monkeypatch: pytest.MonkeyPatch) -> Kill:
    """`kill(step, n)`: the process ends right after the n-th time (from 1) of a step of the recorder."""
    recorder = books.biller._recorder

    def plan(step: str, count: int) -> None:
        whole, times = getattr(recorder, step), [count]

        def last(*arguments: Any) -> Any:
            answer = whole(*arguments)
            times[0] -= 1
            if times[0] == 0:
                raise KilledError
            return answer

        monkeypatch.setattr(recorder, step, last)

    return plan


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("step", ["lock", "write", "track"])
def test_a_killed_biller_leaves_no_gap_and_bills_nothing_twice(
    *, step: str, count: int, books: Books, kill: Kill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_log, "PAGE_POSITIONS", 7)
    monkeypatch.setattr(session_log, "PAGE_CHARGES", 2)
    kill(step, count)
    with pytest.raises(KilledError):
        books.bill()
    assert books.numbers == numbers_to(len(books.numbers))
    books.bill()
    assert books.numbers == numbers_to(6)
    assert books.billed == sorted(f"{name}-{n}" for name in "ABMN" for n in (1, 2))


def test_a_page_is_billed_whole_or_not_at_all(books: Books, kill: Kill) -> None:
    kill("write", 1)
    with pytest.raises(KilledError):
        books.follow()
    assert books.numbers == []
    assert charged(books) == 0


SLOW_BILLER = """
import sys
from datetime import UTC, datetime
from consumers import session_log
from ledger.application import Ledger

def wait_for_ever(cursor, invoiced):
    print("written", flush=True)
    sys.stdin.read()

session_log.mark_invoiced = wait_for_ever
biller = session_log.Biller(Ledger(sys.argv[1]), "Europe/Amsterdam")
biller.follow(lambda: datetime(2026, 12, 1, 12, 0, tzinfo=UTC), lambda position, end: None)
"""


def test_a_process_that_is_killed_with_invoices_written_leaves_none(books: Books, database_url: str) -> None:
    release(books)
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_BILLER, database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        with pytest.raises(AlreadyBillingError):
            Biller(books.ledger, ZONE)
        process.kill()
    assert books.numbers == []
    wait_until(lambda: can_begin(books), "the killed process's lock")
    books.bill()
    assert books.numbers == numbers_to(6)


def test_a_biller_that_lost_its_lock_cannot_bill_beside_another(books: Books, database_url: str) -> None:
    """Its connection broke and was made anew: the other one may be at work by then."""
    books.ledger.connection.close()
    with Ledger(database_url) as ledger:
        other = Biller(ledger, ZONE)
        other.follow(lambda: NOW, lambda _position, _end: None)
        with pytest.raises(AlreadyBillingError):
            books.bill()
        assert len(books.numbers) == 4


def test_a_biller_whose_connection_was_cut_goes_on_when_called_again(books: Books, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(UnavailableError):
        books.bill()
    books.bill()
    assert books.numbers == numbers_to(6)


def charged(books: Books) -> int:
    row = books.ledger.connection.execute("SELECT count(*) FROM ledger.charges").fetchone()
    return row[0] if row else 0


def release(books: Books) -> None:
    books.ledger.connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])


def can_begin(books: Books) -> bool:
    row = books.ledger.connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
    return row == (True,)
