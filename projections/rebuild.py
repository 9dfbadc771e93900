"""Build projections anew beside the published ones, then swap."""

from collections.abc import Callable, Sequence
from time import sleep
from typing import Any

import psycopg
from psycopg import errors, sql

from ledger.store.connection import connect
from projections.catalogue import tables_for
from projections.feed import feed_page
from projections.page import LOGS, Log
from projections.projection import Projection, table_of
from projections.single import REBUILD_LOCK, take_lock

# The swap needs the view and the old table for itself. Whoever queues behind its request waits this long at most.
SWAP_LOCK_TIMEOUT = "250ms"
# Readers get this much time between two tries, and this many tries in all: ten minutes, longer than an export takes.
SWAP_PAUSE_S = 0.75
SWAP_TRIES = 600

# ANALYZE and the count of a new table of 100 million rows take minutes; nobody waits for a rebuild's locks but in the
# swap, which has its own limit.
TRANSACTION_TIMEOUT_MS = 600_000

LEFTOVERS = "DELETE FROM projection.positions WHERE NOT live AND name = ANY(%s) RETURNING name, generation"
NEXT_GENERATION = """
INSERT INTO projection.positions (name, generation, log, live)
SELECT name, generation + 1, log, false FROM projection.positions WHERE live AND name = ANY(%s)
RETURNING name, generation
"""
LOCK_POSITIONS = "SELECT FROM projection.positions WHERE name = %s ORDER BY generation FOR UPDATE"
PUBLISH = "UPDATE projection.positions SET live = true WHERE name = %s RETURNING generation"
RETIRE = "DELETE FROM projection.positions WHERE name = %s AND live RETURNING generation"

Progress = Callable[[Log, int], None]


class SwapBlockedError(Exception):
    """Readers kept the old table for the whole time of patience; the message says what to do."""


def rebuild(url: str, names: list[str], progress: Progress | None = None) -> dict[str, int]:
    """Make the named projections (or those behind the named views) anew from position 0, and publish them.

    Returns the rows of each new table. The old tables are read, and fed by a running projector, until the swap.
    `progress` is called with a log and the positions followed since the last call. Raises UnknownProjectionError,
    AlreadyRunningError (another rebuild), SwapBlockedError, UnknownFactError; the published tables then stay as
    they were, and the next rebuild clears what was left.
    """
    projections = tables_for(names)
    with connect(url, "projector", transaction_timeout_ms=TRANSACTION_TIMEOUT_MS) as connection:
        take_lock(connection, REBUILD_LOCK, "rebuild")
        generations = _begin(connection, [projection.name for projection in projections])
        _fill(connection, projections, progress or _silent)
        for projection in projections:
            connection.execute(sql.SQL("ANALYZE {}").format(table_of(projection.name, generations[projection.name])))
            _swap_patiently(connection, projection)
        return {name: _rows(connection, name, generation) for name, generation in generations.items()}


def _begin(connection: psycopg.Connection[Any], names: list[str]) -> dict[str, int]:
    """Drop what an interrupted rebuild left, and make an empty next generation of each."""
    with connection.transaction():
        for name, generation in connection.execute(LEFTOVERS, [names]).fetchall():
            connection.execute("SELECT projection.drop_generation(%s, %s)", [name, generation])
        generations: dict[str, int] = dict(connection.execute(NEXT_GENERATION, [names]).fetchall())
        for name, generation in generations.items():
            connection.execute("SELECT projection.make_generation(%s, %s, %s)", [name, generation - 1, generation])
    return generations


def _fill(connection: psycopg.Connection[Any], projections: Sequence[Projection], progress: Progress) -> None:
    for log in LOGS:
        while moved := feed_page(connection, log, projections, live=False):
            progress(log, moved)


def _swap_patiently(connection: psycopg.Connection[Any], projection: Projection) -> None:
    for _ in range(SWAP_TRIES):
        try:
            return _swap(connection, projection)
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            sleep(SWAP_PAUSE_S)
    raise SwapBlockedError(
        f"{projection.name} was built but not published: a transaction keeps reading the old table; "
        "end it (pg_stat_activity shows it) and rebuild again"
    )


def _swap(connection: psycopg.Connection[Any], projection: Projection) -> None:
    """Catch up with what came meanwhile, point the view at the new table, drop the old: one transaction.

    The rows of positions are locked first: a projector waits there, and goes on with the new generation.
    """
    name = projection.name
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [SWAP_LOCK_TIMEOUT])
        connection.execute(LOCK_POSITIONS, [name])
        _fill(connection, [projection], _silent)
        old = _one(connection.execute(RETIRE, [name]))
        new = _one(connection.execute(PUBLISH, [name]))
        connection.execute("SELECT projection.show_generation(%s, %s)", [name, new])
        connection.execute("SELECT projection.drop_generation(%s, %s)", [name, old])


def _one(cursor: psycopg.Cursor[Any]) -> int:
    ((value,),) = cursor.fetchall()
    return int(value)


def _rows(connection: psycopg.Connection[Any], name: str, generation: int) -> int:
    return _one(connection.execute(sql.SQL("SELECT count(*) FROM {}").format(table_of(name, generation))))


def _silent(_log: Log, _moved: int) -> None:
    """Progress that nobody watches."""
