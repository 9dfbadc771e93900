"""Messages that led to no fact: kept with their raw bytes, found again by name, by what they wait for, by id."""

import base64
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor

from ledger.store.columns import columns

Kind = Literal["UNREADABLE", "REFUSED", "WAITING"]
Outcome = Literal["PARKED", "APPENDED", "DUPLICATE", "DISCARDED"]

Place = tuple[str, int, int]  # topic, partition, offset


class Parked(NamedTuple):
    """A message to park. The names are None for one that could not be read."""

    topic: str
    partition: int
    offset: int
    record_key: bytes | None
    value: bytes | None
    headers: bytes | None
    kind: Kind
    reason: str
    tenant: str | None = None
    subject: str | None = None
    source: str | None = None
    message_id: str | None = None
    content_sha256: str | None = None
    waits_for: UUID | None = None


class Settled(NamedTuple):
    """What became of a parked message that was tried again; PARKED when it waits for something else, or is refused."""

    parked_id: int
    outcome: Outcome
    kind: Kind
    reason: str
    waits_for: UUID | None


class Waiting(NamedTuple):
    """A parked message that can be tried again, as it was read."""

    parked_id: int
    group: str
    topic: str
    partition: int
    offset: int
    record_key: bytes | None
    value: bytes | None
    headers: bytes | None
    waits_for: UUID | None


PARK = """
INSERT INTO ledger.parked_messages
  (consumer_group, topic, partition, "offset", record_key, value, headers, kind, reason,
   tenant, subject, source, message_id, content_sha256, waits_for)
SELECT %s, p.* FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bytea[], %s::bytea[], %s::bytea[], %s::text[],
                           %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[]) AS p
RETURNING parked_id
"""

SETTLE = """
WITH settled AS (
  UPDATE ledger.parked_messages p
     SET outcome = s.outcome, kind = s.kind, reason = s.reason, waits_for = s.waits_for,
         settled_at = CASE WHEN s.outcome <> 'PARKED' THEN clock_timestamp() END,
         settled_by = CASE WHEN s.outcome <> 'PARKED' THEN %s::text END,
         settled_because = CASE WHEN s.outcome <> 'PARKED' THEN %s::text END
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::uuid[]) AS s(id, outcome, kind, reason, waits_for)
   WHERE p.parked_id = s.id AND p.outcome = 'PARKED'
  RETURNING p.consumer_group, p.topic, p.partition, p.outcome
), moved AS (
  SELECT consumer_group, topic, partition, count(*) FILTER (WHERE outcome = 'APPENDED') AS appended,
         count(*) FILTER (WHERE outcome = 'DUPLICATE') AS duplicates
    FROM settled GROUP BY 1, 2, 3
), counted AS (
  UPDATE ledger.consumer_positions c SET appended = c.appended + m.appended, duplicates = c.duplicates + m.duplicates
    FROM moved m WHERE (c.consumer_group, c.topic, c.partition) = (m.consumer_group, m.topic, m.partition)
)
SELECT count(*) FROM settled
"""

WAITING = """
SELECT parked_id, consumer_group, topic, partition, "offset", record_key, value, headers, waits_for
  FROM ledger.parked_messages WHERE outcome = 'PARKED' AND waits_for = ANY(%s) ORDER BY parked_id
"""

STILL_PARKED = """
SELECT parked_id, consumer_group, topic, partition, "offset", record_key, value, headers, waits_for
  FROM ledger.parked_messages WHERE outcome = 'PARKED' AND parked_id = ANY(%s) ORDER BY parked_id
"""

PARKED_AFTER = """
SELECT parked_id FROM ledger.parked_messages
 WHERE outcome = 'PARKED' AND consumer_group = ANY(%s) AND parked_id > %s ORDER BY parked_id LIMIT %s
"""

WITH_OUTCOME = """
SELECT parked_id, consumer_group, outcome, topic, partition, "offset", record_key, value, headers, kind, reason,
       tenant, subject, source, message_id, content_sha256, waits_for
  FROM ledger.parked_messages WHERE parked_id = ANY(%s)
"""

NAMES = """
SELECT tenant, subject, source, message_id, content_sha256 FROM ledger.parked_messages
 WHERE message_id IS NOT NULL AND (tenant, subject) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""


def park(cursor: Cursor[Any], group: str, messages: Sequence[Parked]) -> list[int]:
    """Insert messages and give their ids; raises UniqueViolation when one of the same name and content is there."""
    if not messages:
        return []
    return [parked_id for (parked_id,) in cursor.execute(PARK, [group, *columns(messages)])]


def settle(cursor: Cursor[Any], settled: Sequence[Settled], actor: str, because: str | None = None) -> int:
    """Store what became of parked messages and move the control totals of where they were read; how many it was.

    A message that has another outcome already keeps it, and is not in the number.
    """
    if not settled:
        return 0
    row = cursor.execute(SETTLE, [actor, because, *columns(settled)]).fetchone()
    return int(row[0]) if row else 0


def waiting_for(connection: Connection[Any], streams: Iterable[UUID]) -> list[Waiting]:
    """The parked messages that wait for one of these streams, in the order of arrival."""
    return [Waiting(*row) for row in connection.execute(WAITING, [list(streams)], binary=True)]


def still_parked(connection: Connection[Any], parked_ids: Sequence[int]) -> list[Waiting]:
    """Those of these messages that are parked, in the order of arrival."""
    return [Waiting(*row) for row in connection.execute(STILL_PARKED, [list(parked_ids)], binary=True)]


def parked_after(connection: Connection[Any], groups: Sequence[str], parked_id: int, limit: int) -> list[int]:
    """The next parked messages that these groups read, in the order of arrival."""
    return [found for (found,) in connection.execute(PARKED_AFTER, [list(groups), parked_id, limit])]


def parked_messages(connection: Connection[Any], parked_ids: Sequence[int]) -> dict[int, tuple[str, Outcome, Parked]]:
    """Of each of these messages that exists: the group that read it, its outcome, and the message as it was parked."""
    rows = connection.execute(WITH_OUTCOME, [list(parked_ids)], binary=True)
    return {parked_id: (group, outcome, Parked(*message)) for parked_id, group, outcome, *message in rows}


def parked_names(
    connection: Connection[Any], subjects: Sequence[tuple[str, str]]
) -> list[tuple[str, str, str, str, str]]:
    """(tenant, subject, source, message id, content hash) of all messages ever parked about these subjects."""
    tenants, names = [tenant for tenant, _ in subjects], [subject for _, subject in subjects]
    return connection.execute(NAMES, [tenants, names]).fetchall()


def pack_headers(headers: tuple[tuple[str, bytes], ...]) -> bytes | None:
    """Headers as JSON, their bytes in base64; None for none."""
    return msgspec.json.encode(headers) if headers else None


def unpack_headers(packed: bytes | None) -> tuple[tuple[str, bytes], ...]:
    """The headers as they were read."""
    if packed is None:
        return ()
    return tuple((name, base64.b64decode(value)) for name, value in msgspec.json.decode(packed))
