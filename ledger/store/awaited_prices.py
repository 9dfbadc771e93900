"""Sessions that are held until a price is published: found by series and instant. Written set-based."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection, Cursor

from ledger.store.columns import columns


class AwaitedPrice(NamedTuple):
    """A session that waits for the price of a series at an instant."""

    tenant: str
    session_id: str
    series: str
    awaited_at: datetime


class PricedTime(NamedTuple):
    """A stretch of time without a gap for which a series has prices by now."""

    tenant: str
    series: str
    since: datetime
    until: datetime


AWAIT = """
INSERT INTO ledger.awaited_prices AS a (tenant, session_id, series, awaited_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])
ON CONFLICT (tenant, session_id) DO UPDATE SET series = excluded.series, awaited_at = excluded.awaited_at
"""

FORGET = """
DELETE FROM ledger.awaited_prices a USING unnest(%s::text[], %s::text[]) AS f(tenant, session_id)
 WHERE a.tenant = f.tenant AND a.session_id = f.session_id
"""

PRICED = """
SELECT DISTINCT a.tenant, a.session_id
  FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS p(tenant, series, since, until)
  JOIN ledger.awaited_prices a ON a.tenant = p.tenant AND a.series = p.series
                              AND a.awaited_at >= p.since AND a.awaited_at < p.until
 LIMIT %s
"""

UNTRIED = """
SELECT EXISTS (
  SELECT FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS p(tenant, series, since, until)
    JOIN ledger.awaited_prices a ON a.tenant = p.tenant AND a.series = p.series
                                AND a.awaited_at >= p.since AND a.awaited_at < p.until
   WHERE (a.tenant, a.session_id) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[])))
"""

SERIES = "SELECT DISTINCT tenant, series FROM ledger.awaited_prices"


def await_prices(cursor: Cursor[Any], awaited: Sequence[AwaitedPrice]) -> None:
    """Remember what sessions wait for; of one session the last counts."""
    if awaited:
        cursor.execute(AWAIT, columns(awaited))


def forget_awaited(cursor: Cursor[Any], sessions: Sequence[tuple[str, str]]) -> None:
    """These sessions (tenant, id) wait for no price any longer."""
    if sessions:
        cursor.execute(FORGET, columns(sessions))


def sessions_priced(connection: Connection[Any], times: Sequence[PricedTime], limit: int) -> set[tuple[str, str]]:
    """Sessions (tenant, id) whose price is in one of these stretches; at most so many."""
    return set(connection.execute(PRICED, [*columns(times), limit]).fetchall()) if times else set()


def has_untried(cursor: Cursor[Any], times: Sequence[PricedTime], tried: Sequence[tuple[str, str]]) -> bool:
    """Whether another session than these waits for a price in one of these stretches."""
    if not times:
        return False
    row = cursor.execute(UNTRIED, [*columns(times), *(columns(tried) if tried else ([], []))]).fetchone()
    return row is None or bool(row[0])


def awaited_series(connection: Connection[Any]) -> list[tuple[str, str]]:
    """The series (tenant, name) that any session waits for."""
    return connection.execute(SERIES).fetchall()
