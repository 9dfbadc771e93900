"""The last pages that meters signed in their sessions: what came before a session, and which one comes after it.

Sessions of a meter are in the order of their starts, those of one instant in the order of their ids. Written set-based.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection, Cursor

from ledger.store.columns import columns

SessionName = tuple[str, str]  # tenant, session id


class Place(NamedTuple):
    """Where a session stands among those of a meter, in one context of its pages."""

    tenant: str
    meter_id: str
    context: str
    started_at: datetime
    session_id: str

    @property
    def session(self) -> SessionName:
        return self.tenant, self.session_id


REMOVE = """
DELETE FROM ledger.signed_pages p USING unnest(%s::text[], %s::text[]) AS s(tenant, session_id)
 WHERE p.tenant = s.tenant AND p.session_id = s.session_id
"""

ADD = """
INSERT INTO ledger.signed_pages (tenant, meter_id, context, started_at, session_id, last_page)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::numeric[])
"""

BEFORE = """
SELECT p.n, b.started_at, b.session_id, b.last_page
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[]) WITH ORDINALITY
    AS p(tenant, meter_id, context, started_at, session_id, n)
  JOIN LATERAL (
    SELECT b.last_page, b.started_at, b.session_id FROM ledger.signed_pages b
     WHERE (b.tenant, b.meter_id, b.context) = (p.tenant, p.meter_id, p.context)
       AND (b.started_at, b.session_id) < (p.started_at, p.session_id)
       AND (b.tenant, b.session_id) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[]))
     ORDER BY b.started_at DESC, b.session_id DESC LIMIT 1) b ON true
"""

AFTER = """
SELECT DISTINCT p.tenant, a.session_id
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
    AS p(tenant, meter_id, context, started_at, session_id)
  JOIN LATERAL (
    SELECT a.session_id FROM ledger.signed_pages a
     WHERE (a.tenant, a.meter_id, a.context) = (p.tenant, p.meter_id, p.context)
       AND (a.started_at, a.session_id) > (p.started_at, p.session_id)
     ORDER BY a.started_at, a.session_id LIMIT 1) a ON true
"""


class LastPage(NamedTuple):
    """The last page that a session used, and where that session stands."""

    started_at: datetime
    session_id: str
    number: int


class PageChanges(NamedTuple):
    """What a batch judged: the pages of sessions that use others now, by place; the places where pages came, went or
    changed; the last page before each place that a judgement rests on (None: none); and all sessions that were judged.
    """

    pages: Mapping[SessionName, Mapping[Place, int]]
    moved: Collection[Place]
    rests_on: Mapping[Place, int | None]
    judged: Collection[SessionName]


def store_pages(cursor: Cursor[Any], changes: PageChanges) -> bool:
    """Under the locks: remember the pages. False when a judgement rests on others than are there, or is missing."""
    _put(cursor, changes.pages)
    before = pages_before(cursor, list(changes.rests_on))
    there = {place: last.number for place, last in before.items()}
    is_right = all(there.get(place) == number for place, number in changes.rests_on.items())
    return is_right and not sessions_after(cursor, changes.moved) - set(changes.judged)


def _put(cursor: Cursor[Any], sessions: Mapping[SessionName, Mapping[Place, int]]) -> None:
    if sessions:
        rows = [(*place, number) for pages in sessions.values() for place, number in pages.items()]
        cursor.execute(REMOVE, columns(sessions, 2))
        cursor.execute(ADD, columns(rows, 6))


def pages_before(
    connection: Connection[Any] | Cursor[Any], places: Sequence[Place], without: Collection[SessionName] = ()
) -> dict[Place, LastPage]:
    """The last page that was used before each place, but by these sessions; none where nothing was."""
    if not places:
        return {}
    rows = connection.execute(BEFORE, [*columns(places, 5), *columns(without, 2)])
    return {places[n - 1]: LastPage(started_at, session_id, int(page)) for n, started_at, session_id, page in rows}


def sessions_after(connection: Connection[Any] | Cursor[Any], places: Collection[Place]) -> set[SessionName]:
    """The session that comes next after each place."""
    return set(connection.execute(AFTER, columns(places, 5)).fetchall()) if places else set()
