"""The recorder of a log: one batch, one statement, from binary arrays, under an advisory lock.

Why not otherwise (each tried on PostgreSQL 18):

- Not COPY from the client under the lock: nothing but `pg_terminate_backend` ends a client that falls silent inside
  COPY, and every other writer would wait for it. A single statement is ended by `transaction_timeout`, also when only
  half of it was sent.
- Not `LOCK TABLE … IN EXCLUSIVE MODE`: it needs a right that the application's role must not have, and keeps
  autovacuum and ANALYZE out for as long as writers are busy.
- Not the library's own recorder: it sends a save in a pipeline, which hangs for ever on large saves, and takes
  positions from a sequence, which leaves gaps after a rollback.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder
from psycopg import Cursor, sql
from psycopg.rows import tuple_row

from ledger.store.positions import FENCE, Progress, fence_parameters
from ledger.store.rows import EventRows

# One key for each log; whoever writes both logs takes billing before sessions.
LOCK_KEYS = {"billing_events": 0x6C65_6467_6572_01, "session_events": 0x6C65_6467_6572_02}

WRITE = sql.SQL("""
WITH {fence}, top AS (
  SELECT coalesce(max(notification_id), 0) AS position, greatest(clock_timestamp(), max(recorded_at)) AS at
    FROM (SELECT notification_id, recorded_at FROM {table} ORDER BY notification_id DESC LIMIT 1) t
), put AS (
  INSERT INTO {table} (originator_id, originator_version, topic, state, notification_id, recorded_at)
  SELECT u.stream, u.version, u.topic, u.state, top.position + u.n, top.at
    FROM unnest(%(e_streams)s::uuid[], %(e_versions)s::bigint[], %(e_topics)s::text[], %(e_states)s::bytea[])
         WITH ORDINALITY AS u(stream, version, topic, state, n), top
  RETURNING 1
)
SELECT (SELECT array_agg(topic || '/' || partition) FROM fence), (SELECT count(*) FROM put),
       (SELECT position FROM top)
""")

LOCK = sql.SQL("SELECT pg_advisory_xact_lock({key}); NOTIFY {channel}")


class FencedError(Exception):
    """Partitions of the batch belong to another consumer by now, or moved on; nothing of the batch is stored."""

    def __init__(self, partitions: set[tuple[str, int]]) -> None:
        names = ", ".join(f"{topic}/{partition}" for topic, partition in sorted(partitions))
        super().__init__(f"{names}: another consumer reads on from here")
        self.partitions = partitions


class Written(NamedTuple):
    """Positions that a batch got in its log: `first` to `last`, both inclusive; `last` < `first` for no facts."""

    first: int
    last: int


class LedgerRecorder(PostgresProcessRecorder):
    """Appends to one log; the positions of a partition move in the same statement."""

    def __init__(self, datastore: PostgresDatastore, *, events_table_name: str, tracking_table_name: str) -> None:
        super().__init__(datastore, events_table_name=events_table_name, tracking_table_name=tracking_table_name)
        table = sql.Identifier(datastore.schema, events_table_name)
        self._write = WRITE.format(fence=sql.SQL(FENCE), table=table)
        self._lock = LOCK.format(
            key=sql.Literal(LOCK_KEYS[events_table_name]), channel=sql.Identifier(events_table_name)
        )

    def lock(self, cursor: Cursor[Any]) -> None:
        """Wait for the log's lock, held until the transaction ends, and tell listeners at commit."""
        cursor.execute(self._lock)

    def write(
        self, cursor: Cursor[Any], rows: EventRows, group: str = "", progress: Sequence[Progress] = ()
    ) -> Written:
        """Append the rows and move the positions; the caller holds the lock and commits, or rolls back.

        Raises FencedError when a partition is no longer the caller's, psycopg.errors.UniqueViolation when a stream
        has moved on since it was loaded.
        """
        cursor.execute(self._write, self._parameters(rows, group, progress), prepare=True)
        row = cursor.fetchone()
        if row is None:
            raise LookupError("the write gave no answer")
        moved, put, top = row
        self._refuse_lost(progress, moved or [])
        if put != len(rows):
            raise LookupError(f"{put} of {len(rows)} facts were written to {self.events_table_name}")
        return Written(top + 1, top + put)

    def track(self, cursor: Cursor[Any], follower: str, position: int) -> None:
        """Remember how far a process has followed another log; raises IntegrityError when it is no step forward."""
        self._insert_tracking(cursor, Tracking(follower, position))

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """The library's way in: one save in one transaction, with its tracking."""
        rows = EventRows()
        for event in stored_events:
            rows.put(UUID(str(event.originator_id)), event.originator_version, event.topic, event.state)
        with self.datastore.transaction(commit=True) as dicts, dicts.connection.cursor(row_factory=tuple_row) as cursor:
            tracking: Tracking | None = kwargs.get("tracking")
            if tracking is not None:
                self._insert_tracking(dicts, tracking)
            self.lock(cursor)
            written = self.write(cursor, rows)
        return list(range(written.first, written.last + 1))

    def _parameters(self, rows: EventRows, group: str, progress: Sequence[Progress]) -> dict[str, Any]:
        streams, versions, topics, states = rows.arrays()
        events = {"e_streams": streams, "e_versions": versions, "e_topics": topics, "e_states": states}
        return fence_parameters(group, progress) | events

    @staticmethod
    def _refuse_lost(progress: Sequence[Progress], moved: Sequence[str]) -> None:
        lost = {(p.topic, p.partition) for p in progress if f"{p.topic}/{p.partition}" not in moved}
        if lost:
            raise FencedError(lost)
