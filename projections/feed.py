"""Feed followers of a log from pages: their rows and their positions move in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from ledger.store.streams import TABLES, head
from projections.page import PAGE_POSITIONS, Log, Page, read_page
from projections.projection import Follower

STANDINGS = sql.SQL("""
SELECT name, generation, position FROM projection.positions
WHERE log = %s AND live = %s AND name = ANY(%s) ORDER BY name {lock}
""")

MOVE = sql.SQL("""
UPDATE projection.positions
SET position = %(until)s, as_of = (SELECT recorded_at FROM {log} WHERE notification_id = %(until)s)
WHERE name = %(name)s AND generation = %(generation)s AND log = %(log)s
""")


@dataclass(frozen=True)
class Standing:
    """A follower, the generation that is to be fed, and the position it has followed its log to."""

    follower: Follower
    generation: int
    position: int


def feed_page(
    connection: psycopg.Connection[Any], log: Log, followers: Sequence[Follower], *, live: bool = True
) -> int:
    """Feed one page to the followers that are furthest behind; the number of positions they moved, 0 at the head.

    Followers that stand at the same position share one read. `live` picks the generation: the published one, or
    the one that is being built. The rows of positions are locked first, so a swap and a page never mix.
    """
    end = head(connection, log)
    if not any(standing.position < end for standing in _standings(connection, log, followers, live, lock=False)):
        return 0
    with connection.transaction():
        standings = _standings(connection, log, followers, live, lock=True)
        after = min(standing.position for standing in standings)
        until = min(end, after + PAGE_POSITIONS, *(each.position for each in standings if each.position > after))
        hindmost = [standing for standing in standings if standing.position == after]
        return _feed(connection, log, hindmost, max(after, until))


def _feed(connection: psycopg.Connection[Any], log: Log, hindmost: Sequence[Standing], until: int) -> int:
    after = hindmost[0].position
    kinds = tuple({kind: None for standing in hindmost for kind in standing.follower.kinds})
    page = read_page(connection, log, kinds, after, until)
    for standing in hindmost:
        standing.follower.project(connection, standing.generation, page)
        _move(connection, standing, page)
    return page.until - after


def _move(connection: psycopg.Connection[Any], standing: Standing, page: Page) -> None:
    arguments = {
        "name": standing.follower.name,
        "generation": standing.generation,
        "log": page.log,
        "until": page.until,
    }
    connection.execute(MOVE.format(log=TABLES[page.log]), arguments)


def _standings(
    connection: psycopg.Connection[Any], log: Log, followers: Sequence[Follower], live: bool, *, lock: bool
) -> list[Standing]:
    by_name = {follower.name: follower for follower in followers if follower.log == log}
    statement = STANDINGS.format(lock=sql.SQL("FOR UPDATE" if lock else ""))
    rows = connection.execute(statement, [log, live, list(by_name)]).fetchall()
    return [Standing(by_name[name], generation, position) for name, generation, position in rows]
