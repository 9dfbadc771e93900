"""Look at the read side's tables as tests need it."""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ledger.store.streams import head
from projections.catalogue import PROJECTIONS
from projections.page import Log

TABLES = sql.SQL("SELECT * FROM projection.{} t ORDER BY t::text")


def select(url: str, query: str, role: str = "evledger_finance") -> list[dict[str, Any]]:
    """The rows of a query, asked under a role."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        connection.execute("SET TIME ZONE 'UTC'")
        return connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()


def snapshot(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all published projections."""
    with psycopg.connect(url) as connection:
        return {
            name: connection.execute(TABLES.format(sql.Identifier(name))).fetchall() for name in sorted(PROJECTIONS)
        }


def positions(url: str) -> dict[tuple[str, Log], int]:
    """How far each live follower is."""
    query = "SELECT name, log, position FROM projection.positions WHERE live"
    return {(row["name"], row["log"]): row["position"] for row in select(url, query, "evledger_projector")}


def is_caught_up(url: str) -> bool:
    """Whether every live follower stands at the head of its log."""
    with psycopg.connect(url) as connection:
        return all(position == head(connection, log) for (_, log), position in positions(url).items())
