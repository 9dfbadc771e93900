"""Many streams in one query, and the log in pages."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor, sql

from ledger.store.fact import Fact
from ledger.store.serial import decode_fact

# The inner query is planned once per stream, so that a planner without statistics of a young table cannot choose to
# read all of it.
LOAD = sql.SQL("""
SELECT e.originator_id, e.originator_version, e.topic, e.state
  FROM unnest(%s::uuid[], %s::bigint[]) AS wanted(stream, after),
       LATERAL (SELECT * FROM {table} t WHERE t.originator_id = wanted.stream AND t.originator_version > wanted.after
                 ORDER BY t.originator_version OFFSET 0) e
""")

PAGE = sql.SQL("""
SELECT notification_id, recorded_at, originator_id, originator_version, topic, state FROM {table}
 WHERE notification_id > %s AND notification_id <= %s AND (%s::text[] IS NULL OR topic = ANY(%s))
 ORDER BY notification_id
""")

HEAD = sql.SQL("SELECT coalesce(max(notification_id), 0) FROM {table}")

TABLES = {name: sql.Identifier("ledger", f"{name}_events") for name in ("session", "billing")}


class LoggedFact(NamedTuple):
    """A fact with its place in the log and in its stream."""

    position: int
    recorded_at: datetime
    stream: UUID
    version: int
    fact: Fact


def load_streams(connection: Connection[Any], log: str, after: Mapping[UUID, int]) -> Iterator[tuple[UUID, int, Fact]]:
    """The facts (stream, version, fact) of many streams, each after the version given, in the order of versions."""
    if not after:
        return
    query = LOAD.format(table=TABLES[log])
    with connection.cursor(binary=True) as cursor:
        cursor.execute(query, [list(after), list(after.values())], prepare=True)
        for stream, version, topic, state in cursor:
            yield stream, version, decode_fact(topic, state)


def read_page(
    connection: Connection[Any], log: str, after: int, until: int, topics: Sequence[str] | None = None
) -> Iterator[LoggedFact]:
    """The facts at positions after < position <= until, of all topics or of some."""
    wanted = None if topics is None else list(topics)
    with connection.cursor(binary=True) as cursor:
        cursor.execute(PAGE.format(table=TABLES[log]), [after, until, wanted, wanted], prepare=True)
        for position, recorded_at, stream, version, topic, state in cursor:
            yield LoggedFact(position, recorded_at, stream, version, decode_fact(topic, state))


def head(connection: Connection[Any], log: str) -> int:
    """The last position of the log; 0 when it is empty."""
    row = connection.execute(HEAD.format(table=TABLES[log])).fetchone()
    return int(row[0]) if row else 0


UNTIL = sql.SQL("""
SELECT e.originator_id, e.notification_id, e.topic, e.state
  FROM unnest(%s::uuid[], %s::bigint[]) AS wanted(stream, until),
       LATERAL (SELECT * FROM {table} t WHERE t.originator_id = wanted.stream AND t.notification_id <= wanted.until
                 ORDER BY t.originator_version OFFSET 0) e
""")

BY_POSITION = sql.SQL("SELECT notification_id, topic, state FROM {table} WHERE notification_id = ANY(%s)")

AT_VERSIONS = sql.SQL("""
SELECT t.originator_id, t.originator_version, t.topic, t.state
  FROM unnest(%s::uuid[], %s::bigint[]) AS wanted(stream, version)
  JOIN {table} t ON t.originator_id = wanted.stream AND t.originator_version = wanted.version
""")

LAST_VERSIONS = sql.SQL("""
SELECT wanted.stream, coalesce((SELECT max(originator_version) FROM {table} t WHERE t.originator_id = wanted.stream), 0)
  FROM unnest(%s::uuid[]) AS wanted(stream)
""")


def read_positions(connection: Connection[Any], log: str, positions: Sequence[int]) -> dict[int, Fact]:
    """The facts at these positions of the log. Raises LookupError when one is missing."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(BY_POSITION.format(table=TABLES[log]), [list(positions)])
        found = {position: decode_fact(topic, state) for position, topic, state in cursor}
    missing = set(positions) - set(found)
    if missing:
        raise LookupError(f"the {log} log has no position {min(missing)}")
    return found


def facts_at(connection: Connection[Any], log: str, places: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], Fact]:
    """The facts at these places (stream, version), as far as they exist."""
    columns = [[stream for stream, _ in places], [version for _, version in places]]
    with connection.cursor(binary=True) as cursor:
        cursor.execute(AT_VERSIONS.format(table=TABLES[log]), columns)
        return {(stream, version): decode_fact(topic, state) for stream, version, topic, state in cursor}


def last_versions(connection: Connection[Any] | Cursor[Any], log: str, streams: Sequence[UUID]) -> dict[UUID, int]:
    """The last version of each stream, 0 for one that does not exist."""
    rows = connection.execute(LAST_VERSIONS.format(table=TABLES[log]), [list(streams)])
    return {stream: int(version) for stream, version in rows}


def load_until(connection: Connection[Any], log: str, until: Mapping[UUID, int]) -> dict[UUID, list[tuple[int, Fact]]]:
    """Streams as they stood at a position of the log: for each its facts with their positions, in order."""
    found: dict[UUID, list[tuple[int, Fact]]] = {stream: [] for stream in until}
    with connection.cursor(binary=True) as cursor:
        cursor.execute(UNTIL.format(table=TABLES[log]), [list(until), list(until.values())])
        for stream, position, topic, state in cursor:
            found[stream].append((position, decode_fact(topic, state)))
    return found


# The topic is written into the query, so that the planner can use an index of that topic alone.
TOPIC_AFTER = sql.SQL("""
SELECT notification_id, recorded_at, originator_id, originator_version, topic, state FROM {table}
 WHERE topic = {topic} AND notification_id > %s ORDER BY notification_id
""")


def read_topic(connection: Connection[Any], log: str, topic: str, after: int) -> Iterator[LoggedFact]:
    """The facts of one topic after a position, in the order of the log."""
    query = TOPIC_AFTER.format(table=TABLES[log], topic=sql.Literal(topic))
    with connection.cursor(binary=True) as cursor:
        cursor.execute(query, [after])
        for position, recorded_at, stream, version, name, state in cursor:
            yield LoggedFact(position, recorded_at, stream, version, decode_fact(name, state))


FIRST = sql.SQL("SELECT topic, state FROM {table} WHERE originator_id = ANY(%s) AND originator_version = 1")


def first_facts(connection: Connection[Any], log: str, streams: Sequence[UUID]) -> Iterator[Fact]:
    """What each of these streams began with, in no order."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(FIRST.format(table=TABLES[log]), [list(streams)])
        for topic, state in cursor:
            yield decode_fact(topic, state)


LAST_OF_TOPIC = sql.SQL("""
SELECT e.notification_id, e.topic, e.state FROM {table} e
 WHERE e.notification_id > %(after)s AND e.notification_id <= %(until)s AND e.topic = %(topic)s
   AND NOT EXISTS (SELECT FROM {table} later WHERE later.originator_id = e.originator_id
                      AND later.originator_version > e.originator_version AND later.topic = %(topic)s)
 ORDER BY e.notification_id
""")


def last_of_topic(connection: Connection[Any], log: str, topic: str, after: int, until: int) -> list[tuple[int, Fact]]:
    """Of a stretch of the log, the facts of a topic that are the last of it in their streams, with positions."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(LAST_OF_TOPIC.format(table=TABLES[log]), {"after": after, "until": until, "topic": topic})
        return [(position, decode_fact(name, state)) for position, name, state in cursor]
