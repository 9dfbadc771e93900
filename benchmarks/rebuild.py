"""How fast projections are made from nothing, against reading the same log without decoding it."""

import resource
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.database import database
from benchmarks.rebuild_facts import FACTS_PER_SESSION, billing_facts, session_facts
from ledger.store.fact import Fact
from ledger.store.serial import encode_fact, topic_of
from projections.catalogue import PROJECTIONS
from projections.rebuild import rebuild

PAGE = 5_000  # rows that the reader which is the limit asks for at once

COPY = "COPY ledger.{} FROM STDIN"
READ = """
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at FROM ledger.{}
WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id
"""


def run(events: int) -> dict[str, Any]:
    """Fill a database of its own with about `events` session facts, then read it and rebuild from it.

    `ratio` is for the projections of the sessions log, `ratio_all` for all of them over both logs. The billing log
    has one invoice for each session: the worst case.
    """
    sessions = max(events // FACTS_PER_SESSION, 1)
    with database() as place:
        _fill(place.url, sessions)
        return _measure(place.url, sessions * FACTS_PER_SESSION, sessions)


def _measure(url: str, facts: int, invoices: int) -> dict[str, Any]:
    limit_s = _seconds(lambda: _read(url, "session_events", facts))
    rebuild_s = _seconds(lambda: rebuild(url, ["session_costs"]))
    limit_all_s = limit_s + _seconds(lambda: _read(url, "billing_events", invoices))
    all_s = _seconds(lambda: rebuild(url, list(PROJECTIONS)))
    return {
        "events": facts,
        "events_per_s": round(facts / rebuild_s),
        "limit_per_s": round(facts / limit_s),
        "ratio": round(limit_s / rebuild_s, 2),
        "events_all": facts + invoices,
        "events_all_per_s": round((facts + invoices) / all_s),
        "ratio_all": round(limit_all_s / all_s, 2),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _read(url: str, table: str, last: int) -> None:
    """The limit: every row of the log as a tuple, in pages, not decoded."""
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor(binary=True) as cursor:
        rows = 0
        for after in range(0, last, PAGE):
            rows += len(cursor.execute(READ.format(table), [after, after + PAGE], prepare=True).fetchall())
        assert rows == last


def _fill(url: str, sessions: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        _copy(connection, "session_events", session_facts(sessions))
        _copy(connection, "billing_events", billing_facts(sessions))
        connection.execute("VACUUM (ANALYZE) ledger.session_events, ledger.billing_events")


def _copy(connection: psycopg.Connection[Any], table: str, facts: Iterator[tuple[UUID, int, Fact]]) -> None:
    recorded_at = datetime.now(UTC)
    with connection.cursor().copy(COPY.format(table)) as copy:
        for position, (stream, version, fact) in enumerate(facts, start=1):
            copy.write_row((stream, version, topic_of(fact), encode_fact(fact), position, recorded_at))
