"""A page of a log: a bounded run of facts, read in the order in which they were stored."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import psycopg
from psycopg import sql

from ledger.store.fact import TOPIC_OF, Fact
from ledger.store.serial import decode_fact
from ledger.store.streams import TABLES, LoggedFact

Log = Literal["session", "billing"]

LOGS: tuple[Log, ...] = ("session", "billing")
# The recorder notifies on these when a batch is committed.
CHANNELS: dict[Log, str] = {"session": "session_events", "billing": "billing_events"}

# Log positions a page spans at most: 46 of 50 facts of a session are readings, which the server leaves out, so this
# is some thousand facts, enough for set-based statements to pay.
PAGE_POSITIONS = 50_000
# Facts a page holds at most, for logs that are read whole: what memory a page takes is decided here.
PAGE_FACTS = 2_000
# Bytes of stored facts a page holds at most (and one fact more): a monthly statement can have megabytes.
PAGE_BYTES = 8 * 1024 * 1024

READ_PAGE = sql.SQL("""
SELECT notification_id, recorded_at, originator_id, originator_version, topic, state FROM (
  SELECT *, sum(octet_length(state)) OVER (ORDER BY notification_id ROWS UNBOUNDED PRECEDING)
    - octet_length(state) AS bytes_before
  FROM {log} WHERE notification_id > %s AND notification_id <= %s AND topic = ANY(%s)
  ORDER BY notification_id LIMIT %s
) facts WHERE bytes_before < %s ORDER BY notification_id
""")


@dataclass(frozen=True)
class Page:
    """The facts of the wanted kinds among the positions `after` (exclusive) to `until` (inclusive)."""

    log: Log
    after: int
    until: int
    entries: tuple[LoggedFact, ...]

    def only(self, kinds: tuple[type[Fact], ...]) -> "Page":
        """The same run of positions with the facts of these kinds alone."""
        return replace(self, entries=tuple(entry for entry in self.entries if isinstance(entry.fact, kinds)))


def read_page(
    connection: psycopg.Connection[Any], log: Log, kinds: tuple[type[Fact], ...], after: int, until: int
) -> Page:
    """The facts of `kinds` from `after` to at most `until`, cut short at PAGE_FACTS or PAGE_BYTES.

    Positions have no gaps and commit in their order, so what lies behind a position never changes.
    Raises UnknownFactError for a fact that this program cannot read.
    """
    topics = [TOPIC_OF[kind] for kind in kinds]
    arguments = [after, until, topics, PAGE_FACTS, PAGE_BYTES]
    rows = connection.execute(READ_PAGE.format(log=TABLES[log]), arguments, binary=True).fetchall()
    is_cut = len(rows) == PAGE_FACTS or sum(len(row[-1]) for row in rows) >= PAGE_BYTES
    entries = tuple(
        LoggedFact(position, recorded_at, stream, version, decode_fact(topic, state))
        for position, recorded_at, stream, version, topic, state in rows
    )
    return Page(log, after, entries[-1].position if is_cut else until, entries)
