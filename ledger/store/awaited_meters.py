"""Sessions that wait for a fact about their meter, and the meters of which anything is said. Written set-based."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor

from ledger.store.columns import columns


class AwaitedMeter(NamedTuple):
    """A session that was judged by so many facts (`version`) about its meter, and may be judged otherwise by more."""

    tenant: str
    session_id: str
    meter_id: str
    stream: UUID
    version: int


class MeterAt(NamedTuple):
    """A meter, and how many facts there are about it."""

    tenant: str
    meter_id: str
    version: int


AWAIT = """
INSERT INTO ledger.awaited_meters (tenant, session_id, meter_id, stream_id, version)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::uuid[], %s::bigint[])
"""

FORGET = """
DELETE FROM ledger.awaited_meters a USING unnest(%s::text[], %s::text[]) AS f(tenant, session_id)
 WHERE a.tenant = f.tenant AND a.session_id = f.session_id
"""

CONCERNED = """
SELECT a.tenant, a.session_id
  FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS m(tenant, meter_id, version)
  JOIN ledger.awaited_meters a ON a.tenant = m.tenant AND a.meter_id = m.meter_id AND a.version < m.version
 LIMIT %s
"""

UNTRIED = """
SELECT EXISTS (
  SELECT FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS m(tenant, meter_id, version)
    JOIN ledger.awaited_meters a ON a.tenant = m.tenant AND a.meter_id = m.meter_id AND a.version < m.version
   WHERE (a.tenant, a.session_id) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[])))
"""

AHEAD = """
SELECT m.tenant, m.meter_id, e.version
  FROM (SELECT tenant, meter_id, stream_id, min(version) AS known FROM ledger.awaited_meters GROUP BY 1, 2, 3) m,
       LATERAL (SELECT max(originator_version) AS version FROM ledger.session_events t
                 WHERE t.originator_id = m.stream_id) e
 WHERE e.version > m.known
"""

# The condition is written as in the index of these topics alone.
STREAMS = """
SELECT notification_id, originator_id FROM ledger.session_events
 WHERE topic IN ('meter.KeyRegistered', 'meter.MeterReplaced', 'meter.MeterConfigured') AND notification_id > %s
 ORDER BY notification_id LIMIT %s
"""


def await_meters(cursor: Cursor[Any], awaited: Sequence[AwaitedMeter]) -> None:
    """Remember what sessions wait for that waited for nothing."""
    if awaited:
        cursor.execute(AWAIT, columns(awaited))


def forget_meters(cursor: Cursor[Any], sessions: Sequence[tuple[str, str]]) -> None:
    """These sessions (tenant, id) wait for nothing about their meters any longer."""
    if sessions:
        cursor.execute(FORGET, columns(sessions))


def sessions_concerned(connection: Connection[Any], meters: Sequence[MeterAt], limit: int) -> set[tuple[str, str]]:
    """Sessions (tenant, id) that were judged by less than is known of these meters; at most so many."""
    return set(connection.execute(CONCERNED, [*columns(meters), limit]).fetchall()) if meters else set()


def is_untried(cursor: Cursor[Any], meters: Sequence[MeterAt], tried: Sequence[tuple[str, str]]) -> bool:
    """Whether another session than these was judged by less than is known of these meters."""
    if not meters:
        return False
    row = cursor.execute(UNTRIED, [*columns(meters), *(columns(tried) if tried else ([], []))]).fetchone()
    return row is None or bool(row[0])


def meters_ahead(connection: Connection[Any]) -> list[MeterAt]:
    """The meters of which more is known than some session that waits for them was judged by."""
    return [MeterAt(*row) for row in connection.execute(AHEAD)]


def meter_streams(connection: Connection[Any], after: int, limit: int) -> Iterator[tuple[int, UUID]]:
    """The streams of facts about meters after a position of the log, with positions; at most so many."""
    yield from connection.execute(STREAMS, [after, limit])
