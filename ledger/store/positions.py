"""Where consumers stand: positions, owners by epoch, and control totals, beside the facts they led to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection, Cursor

Place = tuple[str, int]  # topic and partition

INGEST_GROUP = "ingest"  # files are read by one group of their own: topic file:<sha256>, partition 0


class Progress(NamedTuple):
    """What one batch moves on one partition: offsets, and how many messages became what."""

    topic: str
    partition: int
    epoch: int
    first_offset: int
    next_offset: int
    messages_read: int
    appended: int
    duplicates: int
    newest_at: datetime | None


class ControlTotals(NamedTuple):
    """How many messages were read, and what became of them; `parked` and `discarded` are counted as rows."""

    messages_read: int
    appended: int
    duplicates: int
    parked: int
    discarded: int

    def are_complete(self) -> bool:
        """Whether each message that was read has exactly one outcome."""
        return self.messages_read == self.appended + self.duplicates + self.parked + self.discarded


class TopicChangedError(Exception):
    """A topic was made anew or got another number of partitions; going on could lose or repeat messages."""


FENCE = """
batch AS (
  SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(epochs)s::bigint[], %(firsts)s::bigint[],
                       %(nexts)s::bigint[], %(reads)s::bigint[], %(appended)s::bigint[], %(duplicates)s::bigint[],
                       %(newest)s::timestamptz[])
    AS b(topic, partition, epoch, first, next, read, appended, duplicates, newest)
), fence AS (
  UPDATE ledger.consumer_positions c
     SET next_offset = b.next, messages_read = c.messages_read + b.read, appended = c.appended + b.appended,
         duplicates = c.duplicates + b.duplicates, newest_at = greatest(c.newest_at, b.newest)
    FROM batch b
   WHERE c.consumer_group = %(group)s AND c.topic = b.topic AND c.partition = b.partition
     AND c.epoch = b.epoch AND c.next_offset <= b.first
  RETURNING c.topic, c.partition
)"""


def fence_parameters(group: str, progress: Sequence[Progress]) -> dict[str, Any]:
    """The parameters of `FENCE`: one array for each column."""
    columns = list(zip(*progress, strict=True)) or [()] * len(Progress._fields)
    names = ("topics", "partitions", "epochs", "firsts", "nexts", "reads", "appended", "duplicates", "newest")
    return {"group": group, **{name: list(column) for name, column in zip(names, columns, strict=True)}}


BEGIN = """
INSERT INTO ledger.consumer_positions (consumer_group, topic, partition, next_offset)
SELECT %(group)s, b.topic, b.partition, b.start
  FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(starts)s::bigint[]) AS b(topic, partition, start)
 ORDER BY b.topic, b.partition
ON CONFLICT DO NOTHING
"""


def begin(connection: Connection[Any], group: str, starts: Mapping[Place, int]) -> None:
    """Give every partition that was never read its first position; those that were keep theirs."""
    connection.execute(BEGIN, {"group": group, **_columns("starts", starts)})


ACQUIRE = """
INSERT INTO ledger.consumer_positions AS c (consumer_group, topic, partition, next_offset, epoch, owner)
SELECT %(group)s, a.topic, a.partition, a.start, 1, %(owner)s
  FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(starts)s::bigint[]) AS a(topic, partition, start)
 ORDER BY a.topic, a.partition
ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET epoch = c.epoch + 1, owner = excluded.owner
RETURNING topic, partition, next_offset, epoch
"""


def acquire(
    connection: Connection[Any], group: str, owner: str, starts: Mapping[Place, int]
) -> dict[Place, tuple[int, int]]:
    """Become the owner of partitions: (topic, partition) to (next offset, epoch); from now on older owners are fenced.

    `starts` gives for each the offset at which a partition that was never read begins.
    """
    parameters = {"group": group, "owner": owner, **_columns("starts", starts)}
    rows = connection.execute(ACQUIRE, parameters).fetchall()
    return {(topic, partition): (next_offset, epoch) for topic, partition, next_offset, epoch in rows}


RENEW = """
UPDATE ledger.consumer_positions c SET epoch = c.epoch + 1
  FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(epochs)s::bigint[]) AS m(topic, partition, epoch)
 WHERE c.consumer_group = %(group)s AND c.topic = m.topic AND c.partition = m.partition AND c.epoch = m.epoch
RETURNING c.topic, c.partition, c.next_offset, c.epoch
"""


def renew(connection: Connection[Any], group: str, epochs: Mapping[Place, int]) -> dict[Place, tuple[int, int]]:
    """Stay the owner, from the stored positions on: (topic, partition) to (next offset, epoch).

    Partitions that have another owner by now are not in the answer. What the caller may still have on its way to the
    database is waited for, or fenced.
    """
    rows = connection.execute(RENEW, {"group": group, **_columns("epochs", epochs)}).fetchall()
    return {(topic, partition): (next_offset, epoch) for topic, partition, next_offset, epoch in rows}


POSITIONS = "SELECT topic, partition, next_offset FROM ledger.consumer_positions WHERE consumer_group = %s"


def next_offsets(connection: Connection[Any], group: str) -> dict[Place, int]:
    """How far a group has read each partition, whoever owns it."""
    return {(topic, partition): offset for topic, partition, offset in connection.execute(POSITIONS, [group])}


def _columns(name: str, by_place: Mapping[Place, int]) -> dict[str, list[Any]]:
    """One array for each column: topics, partitions, and what is known of each under `name`."""
    return {
        "topics": [topic for topic, _ in by_place],
        "partitions": [partition for _, partition in by_place],
        name: list(by_place.values()),
    }


def known_topics(connection: Connection[Any], group: str) -> list[str]:
    """The names of the topics that a group has read."""
    rows = connection.execute("SELECT topic FROM ledger.consumer_topics WHERE consumer_group = %s", [group])
    return [name for (name,) in rows]


def remember_topics(connection: Connection[Any], group: str, topics: Iterable[tuple[str, str, int]]) -> None:
    """Remember (name, id, partitions) of each topic, or raise TopicChangedError when one is not as remembered."""
    for name, topic_id, partitions in topics:
        connection.execute(
            "INSERT INTO ledger.consumer_topics VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [group, name, topic_id, partitions],
        )
        row = connection.execute(
            "SELECT topic_id, partitions FROM ledger.consumer_topics WHERE consumer_group = %s AND topic = %s",
            [group, name],
        ).fetchone()
        if row != (topic_id, partitions):
            raise TopicChangedError(
                f"topic {name} is not the one that was read before (it was {row}, it is now {(topic_id, partitions)}): "
                "read it under another consumer group, or restore it"
            )


TOTALS = """
SELECT coalesce(sum(messages_read), 0), coalesce(sum(appended), 0), coalesce(sum(duplicates), 0),
       (SELECT count(*) FROM ledger.parked_messages p WHERE outcome = 'PARKED' AND (%(topic)s::text IS NULL
          OR p.topic = %(topic)s)),
       (SELECT count(*) FROM ledger.parked_messages p WHERE outcome = 'DISCARDED' AND (%(topic)s::text IS NULL
          OR p.topic = %(topic)s))
  FROM ledger.consumer_positions c WHERE %(topic)s::text IS NULL OR c.topic = %(topic)s
"""


PARTITION_TOTALS = """
SELECT consumer_group, topic, partition, coalesce(c.messages_read, 0), coalesce(c.appended, 0),
       coalesce(c.duplicates, 0), coalesce(p.parked, 0), coalesce(p.discarded, 0)
  FROM ledger.consumer_positions c
  FULL JOIN (SELECT consumer_group, topic, partition, count(*) FILTER (WHERE outcome = 'PARKED') AS parked,
                    count(*) FILTER (WHERE outcome = 'DISCARDED') AS discarded
               FROM ledger.parked_messages GROUP BY consumer_group, topic, partition) p
 USING (consumer_group, topic, partition)
 ORDER BY consumer_group COLLATE "C", topic COLLATE "C", partition
"""


class PartitionTotals(NamedTuple):
    """The control totals of what one consumer group read of one partition; a file is a topic with one partition."""

    group: str
    topic: str
    partition: int
    totals: ControlTotals


def partition_totals(connection: Connection[Any]) -> list[PartitionTotals]:
    """The control totals of every partition that was ever read, or that something is parked of."""
    rows = connection.execute(PARTITION_TOTALS).fetchall()
    return [PartitionTotals(group, topic, number, ControlTotals(*counts)) for group, topic, number, *counts in rows]


def control_totals(cursor: Connection[Any] | Cursor[Any], topic: str | None = None) -> ControlTotals:
    """The control totals of one topic, or of all."""
    row = cursor.execute(TOTALS, {"topic": topic}).fetchone()
    if row is None:
        raise LookupError("control totals: the query gave no row")
    return ControlTotals(*(int(value) for value in row))
