"""Sessions that wait for something which may never come, and how far the messages of each partition have come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor

from ledger.store.columns import columns
from ledger.store.positions import Place

WaitsFor = Literal["END", "SEQ_GAP"]


class Awaited(NamedTuple):
    """A session, and since when it waits: since its start for its end, since its end for messages between."""

    stream: UUID
    waits_for: WaitsFor
    tenant: str
    session_id: str
    since: datetime


ADD = """
INSERT INTO ledger.awaited_sessions (stream_id, waits_for, tenant, session_id, since)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[]) ON CONFLICT DO NOTHING
"""

REMOVE = """
DELETE FROM ledger.awaited_sessions
 WHERE (stream_id, waits_for) IN (SELECT * FROM unnest(%s::uuid[], %s::text[]))
"""

LONG = """
SELECT stream_id, waits_for, tenant, session_id, since FROM ledger.awaited_sessions
 WHERE waits_for = %(waits_for)s AND since <= %(until)s AND (since, stream_id) > (%(since)s, %(stream)s)
 ORDER BY since, stream_id LIMIT %(limit)s
"""

NEWEST = "SELECT topic, partition, max(newest_at) FROM ledger.consumer_positions GROUP BY topic, partition"

# Where some message claims a time that has not come, the newest that has is looked for among the last facts: a look
# into so many takes a tenth of a second.
TAIL_FACTS = 50_000

NEWEST_UNTIL = """
SELECT topic, partition, max(at) FROM (
  SELECT fact ->> 'topic' AS topic, (fact ->> 'partition')::int AS partition,
         (fact ->> 'occurred_at')::timestamptz AS at
    FROM (SELECT convert_from(state, 'UTF8')::jsonb AS fact FROM ledger.session_events
           WHERE notification_id > (SELECT max(notification_id) FROM ledger.session_events) - %s) tail
   WHERE fact ? 'offset') times
 WHERE at <= %s GROUP BY topic, partition
"""


def follow_awaited(cursor: Cursor[Any], begun: Sequence[Awaited], finished: Sequence[tuple[UUID, WaitsFor]]) -> None:
    """Add what began to wait, and remove what waits no longer."""
    if begun:
        cursor.execute(ADD, columns(begun))
    if finished:
        cursor.execute(REMOVE, columns(finished))


def awaited_until(
    connection: Connection[Any], waits_for: WaitsFor, until: datetime, after: tuple[datetime, UUID], limit: int
) -> list[Awaited]:
    """Sessions that have waited since `until` or longer, in pages after one of them."""
    since, stream = after
    wanted = {"waits_for": waits_for, "until": until, "since": since, "stream": stream, "limit": limit}
    return [Awaited(*row) for row in connection.execute(LONG, wanted)]


def newest_messages(connection: Connection[Any], at: datetime) -> Mapping[Place, datetime]:
    """The time of the newest message of each partition; times after `at` do not count."""
    newest = {(topic, partition): time for topic, partition, time in connection.execute(NEWEST) if time is not None}
    if all(time <= at for time in newest.values()):
        return newest
    earlier = {
        (topic, partition): time for topic, partition, time in connection.execute(NEWEST_UNTIL, [TAIL_FACTS, at])
    }
    known = {place: time if time <= at else earlier.get(place) for place, time in newest.items()}
    return {place: time for place, time in known.items() if time is not None}
