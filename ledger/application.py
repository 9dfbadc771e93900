"""The one door to the store: connect, and write a batch of facts of both logs with its positions in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import psycopg
from eventsourcing.persistence import PersistenceError
from psycopg.rows import tuple_row

from ledger.intake.batch import Batch
from ledger.store.awaited_meters import await_meters, forget_meters, is_untried
from ledger.store.awaited_prices import await_prices, forget_awaited, has_untried
from ledger.store.connection import TRANSACTION_TIMEOUT_MS, connect
from ledger.store.datastore import LedgerDatastore
from ledger.store.logs import BillingLog, SessionsLog
from ledger.store.parking import park, settle
from ledger.store.positions import Progress
from ledger.store.recorder import LedgerRecorder, Written
from ledger.store.signed_pages import store_pages
from ledger.store.stations import put_stations

Epochs = Mapping[tuple[str, int], int]


class StaleError(Exception):
    """A stream moved on since it was loaded, or what was missing has come: load again, decide again."""


class UnavailableError(Exception):
    """The database cannot be reached, or gave up the connection; the message says which and why in one line."""


class Ledger:
    """Both logs over one database, under the least role that may append."""

    def __init__(self, url: str, role: str = "app", transaction_timeout_ms: int = TRANSACTION_TIMEOUT_MS) -> None:
        """Raises UnavailableError when the database does not answer."""
        self.url = url
        self._role = role
        self._timeout_ms = transaction_timeout_ms
        self._connection = self._probe()
        self.datastore = LedgerDatastore(url, role, transaction_timeout_ms)
        self.sessions = SessionsLog(self.datastore)
        self.billing = BillingLog(self.datastore)

    def close(self) -> None:
        self.sessions.close()
        self.billing.close()
        self.datastore.close()
        self._connection.close()

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection for reading, made anew when it broke. Raises UnavailableError."""
        if self._connection.closed:
            self._connection = self._probe()
        return self._connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _probe(self) -> psycopg.Connection[Any]:
        """A connection for reading. The library's recorder would retry for long before it says what is wrong."""
        try:
            return connect(self.url, self._role, transaction_timeout_ms=self._timeout_ms)
        except psycopg.OperationalError as error:
            raise UnavailableError(one_line(error)) from error

    def commit(self, batch: Batch, group: str, epochs: Epochs) -> Written:
        """Store a batch: parked messages, then billing, then sessions with the fence; all or nothing.

        Raises FencedError, StaleError, or UnavailableError.
        """
        try:
            return self._commit(batch, group, _progress(batch, epochs))
        except (psycopg.Error, PersistenceError) as error:
            raise _translated(error) from error

    def _commit(self, batch: Batch, group: str, progress: Sequence[Progress]) -> Written:
        with self.datastore.transaction(commit=True) as dicts, dicts.connection.cursor(row_factory=tuple_row) as cursor:
            parked_here = park(cursor, group, batch.parked)
            put_stations(cursor, batch.stations)
            if len(batch.billing) or batch.awaits_billing:
                recorder_of(self.billing).lock(cursor)
                recorder_of(self.billing).write(cursor, batch.billing)
            recorder_of(self.sessions).lock(cursor)
            refuse_stale(cursor, batch, parked_here)
            _remember_awaited_prices(cursor, batch)
            _remember_awaited_meters(cursor, batch)
            if settle(cursor, batch.settled, batch.settled_by, batch.settled_because) != len(batch.settled):
                raise StaleError("a parked message was settled meanwhile")
            return recorder_of(self.sessions).write(cursor, batch.sessions, group, progress)


def recorder_of(log: SessionsLog | BillingLog) -> LedgerRecorder:
    """The recorder of a log, as the class it is."""
    recorder = log.recorder
    if not isinstance(recorder, LedgerRecorder):
        raise TypeError(f"{type(recorder).__name__} is not the ledger's recorder")
    return recorder


def one_line(error: BaseException) -> str:
    """The first line of an error's text, which is what a person needs."""
    return str(error).strip().split("\n", 1)[0] or type(error).__name__


AWAITED_CAME = """
SELECT EXISTS (SELECT FROM unnest(%(streams)s::uuid[], %(versions)s::bigint[]) AS a(stream, version)
                JOIN ledger.session_events e ON e.originator_id = a.stream AND e.originator_version > a.version)
    OR EXISTS (SELECT FROM unnest(%(streams)s::uuid[], %(versions)s::bigint[]) AS a(stream, version)
                JOIN ledger.billing_events e ON e.originator_id = a.stream AND e.originator_version > a.version)
    OR EXISTS (SELECT FROM ledger.parked_messages
                WHERE outcome = 'PARKED' AND waits_for = ANY(%(brought)s::uuid[])
                  AND NOT parked_id = ANY(%(tried)s::bigint[]))
"""


def refuse_stale(cursor: psycopg.Cursor[Any], batch: Batch, parked_here: Sequence[int]) -> None:
    """Under the locks: what messages wait for is still missing, and nothing else waits for what the batch brings."""
    if not batch.awaits and not batch.brings:
        return
    parameters = {
        "streams": list(batch.awaits),
        "versions": list(batch.awaits.values()),
        "brought": list(batch.brings),
        "tried": [*parked_here, *(settled.parked_id for settled in batch.settled)],
    }
    row = cursor.execute(AWAITED_CAME, parameters, prepare=True).fetchone()
    if row is None or row[0]:
        raise StaleError("what a message waited for has come meanwhile")


def _remember_awaited_prices(cursor: psycopg.Cursor[Any], batch: Batch) -> None:
    """Under the locks: which sessions wait for a price now, and that no other one waits for what has come."""
    if has_untried(cursor, batch.priced.whole, [(key.tenant, key.id) for key in batch.priced.sessions]):
        raise StaleError("a session waits for a price that has come meanwhile")
    forget_awaited(cursor, [(key.tenant, key.id) for key, awaited in batch.awaited_prices.items() if awaited is None])
    await_prices(cursor, [awaited for awaited in batch.awaited_prices.values() if awaited is not None])


def _remember_awaited_meters(cursor: psycopg.Cursor[Any], batch: Batch) -> None:
    """Under the locks: which sessions wait for more about their meters now, and that no other one waits for these."""
    if is_untried(cursor, batch.concerned.whole, [(key.tenant, key.id) for key in batch.concerned.sessions]):
        raise StaleError("a session waits for what was said of its meter meanwhile")
    forget_meters(cursor, [(key.tenant, key.id) for key in batch.awaited_meters])
    await_meters(cursor, [each for awaited in batch.awaited_meters.values() for each in awaited])
    if batch.paging.judged and not store_pages(cursor, batch.paging.changes):
        raise StaleError("another session of a meter was judged meanwhile")


def _progress(batch: Batch, epochs: Epochs) -> list[Progress]:
    """In the order of topic and partition, so that two writers take the rows in the same order."""
    return [batch.counts[place].progress(*place, epochs[place]) for place in sorted(batch.counts)]


def _translated(error: Exception) -> Exception:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, psycopg.errors.UniqueViolation):
            return StaleError("a stream moved on meanwhile")
        cause = cause.__cause__
    return UnavailableError(one_line(error))
