"""Append facts straight to a log, as the recorder would leave them: gapless positions, one transaction."""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from ledger.store.fact import Fact
from ledger.store.serial import encode_fact, topic_of
from ledger.store.streams import TABLES
from projections.page import CHANNELS, Log
from tests.unit.projections.facts import stream_of

INSERT = sql.SQL("""
INSERT INTO {table} (originator_id, originator_version, topic, state, notification_id, recorded_at)
SELECT %(stream)s, coalesce((SELECT max(originator_version) FROM {table} WHERE originator_id = %(stream)s), 0) + 1,
  %(topic)s, %(state)s, coalesce((SELECT max(notification_id) FROM {table}), 0) + 1, clock_timestamp()
""")


def append(url: str, log: Log, *facts: tuple[str, Fact]) -> None:
    """Append (stream name, fact) pairs to a log in one transaction, and notify."""
    append_all(url, [(log, name, fact) for name, fact in facts])


def append_all(url: str, facts: Iterable[tuple[Log, str, Fact]]) -> None:
    """Append facts to both logs in one transaction, and notify."""
    with psycopg.connect(url) as connection:
        for log, name, fact in facts:
            arguments = {"stream": stream_of(name), "topic": topic_of(fact), "state": encode_fact(fact)}
            connection.execute(INSERT.format(table=TABLES[log]), arguments)
        for channel in CHANNELS.values():
            connection.execute(sql.SQL("NOTIFY {}").format(sql.Identifier(channel)))
