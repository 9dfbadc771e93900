"""Who asks a log for positions above the last one seen never misses a fact, however many append.

A position is allotted and committed under one lock. The canary takes positions from a sequence instead, as the stock
recorder does: then a writer that commits late is skipped for ever.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import tuple_row

from ledger.application import Ledger, recorder_of
from ledger.store.rows import EventRows

WRITERS = 6
BATCHES = 40
FACTS = 5
WRITERS_THAT_ROLL_BACK = 2

LOG = sql.Identifier("ledger", "session_events")
CARELESS = sql.Identifier("careless")
READ = sql.SQL("SELECT notification_id FROM {} WHERE notification_id > %s ORDER BY notification_id")

# Rounds of the canary: it skipped in each one that was tried; a machine that never interleaves is let off nothing.
CANARY_ROUNDS = 20

Append = Callable[[], None]


class Interrupted(Exception):  # noqa: N818 - not an error: it ends a transaction
    """A writer changes its mind before the commit."""


def append_facts(ledger: Ledger, commits: bool = True) -> None:
    """A batch by the real recorder, each in a stream of its own; without `commits` it is rolled back."""
    rows, recorder = EventRows(), recorder_of(ledger.sessions)
    for _ in range(FACTS):
        rows.put(uuid4(), 1, "test.Appended", b"{}")
    with ledger.datastore.transaction(commit=True) as dicts, dicts.connection.cursor(row_factory=tuple_row) as cursor:
        recorder.lock(cursor)
        recorder.write(cursor, rows)
        if not commits:
            raise Interrupted


def append_carelessly(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """A batch with positions from a sequence and no lock."""
    with connection.transaction():
        for _ in range(FACTS):
            connection.execute("INSERT INTO careless DEFAULT VALUES")


def race(url: str, table: sql.Identifier, writers: list[Append]) -> list[int]:
    """Let all writers append at once while a reader follows; the positions that it saw, as it saw them."""
    threads = [threading.Thread(target=repeat, args=(append,)) for append in writers]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    with psycopg.connect(url, autocommit=True) as connection:
        while any(thread.is_alive() for thread in threads):
            seen += read_on(connection, table, seen)
        seen += read_on(connection, table, seen)
    return seen


def repeat(append: Append) -> None:
    for _ in range(BATCHES):
        append()


def read_on(connection: psycopg.Connection[tuple[object, ...]], table: sql.Identifier, seen: list[int]) -> list[int]:
    rows = connection.execute(READ.format(table), [seen[-1] if seen else 0], prepare=True).fetchall()
    return [int(str(position)) for (position,) in rows]


@pytest.fixture
def ledgers(database_url: str) -> Iterator[list[Ledger]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Ledger(database_url)) for _ in range(WRITERS)]


def rolling_back(ledger: Ledger) -> None:
    with pytest.raises(Interrupted):
        append_facts(ledger, commits=False)


def test_a_reader_that_asks_for_what_is_above_misses_nothing(database_url: str, ledgers: list[Ledger]) -> None:
    writers = [partial(append_facts, ledger) for ledger in ledgers[WRITERS_THAT_ROLL_BACK:]]
    undecided = [partial(rolling_back, ledger) for ledger in ledgers[:WRITERS_THAT_ROLL_BACK]]
    seen = race(database_url, LOG, [*writers, *undecided])
    assert seen == list(range(1, len(writers) * BATCHES * FACTS + 1))


def test_with_positions_from_a_sequence_a_reader_does_miss_some(database_url: str) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(psycopg.connect(database_url)) for _ in range(WRITERS)]
        assert any(missed_in_a_round(database_url, connections) for _ in range(CANARY_ROUNDS))


def missed_in_a_round(url: str, connections: list[psycopg.Connection[tuple[object, ...]]]) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS careless")
        connection.execute("CREATE TABLE careless (notification_id bigserial PRIMARY KEY)")
        seen = race(url, CARELESS, [partial(append_carelessly, each) for each in connections])
        assert len(seen) == len(set(seen))
        return WRITERS * BATCHES * FACTS - len(seen)


def test_recorded_at_never_goes_back_along_the_log(database_url: str, ledgers: list[Ledger]) -> None:
    race(database_url, LOG, [partial(append_facts, ledger) for ledger in ledgers])
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT recorded_at FROM ledger.session_events ORDER BY notification_id").fetchall()
    instants = [at for (at,) in rows]
    assert len(instants) == WRITERS * BATCHES * FACTS
    assert instants == sorted(instants)


def test_a_clock_that_was_set_back_does_not_set_back_the_log(database_url: str, ledgers: list[Ledger]) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO ledger.session_events VALUES (%s, 1, 'test.Appended', '', 1, %s)", [uuid4(), tomorrow]
        )
    append_facts(ledgers[0])
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT DISTINCT recorded_at FROM ledger.session_events").fetchall()
    assert rows == [(tomorrow,)]
