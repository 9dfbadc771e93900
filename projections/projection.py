"""What a projection is: facts of one log, turned page by page into the rows of one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol

import msgspec
import psycopg
from psycopg import sql

from ledger.store.fact import Fact
from projections.page import Log, Page

# Rows travel as one JSON text: the table's own columns say how each value is read, and missing ones are NULL.
INSERT = "INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s::json)"


@dataclass(frozen=True)
class Write:
    """Rows (fields named as columns) and the one statement that takes them all as a JSON array."""

    rows: Sequence[msgspec.Struct]
    statement: LiteralString = INSERT


class Follower(Protocol):
    """Whatever follows a log with a position of its own in `projection.positions`."""

    @property
    def name(self) -> str: ...

    @property
    def log(self) -> Log: ...

    @property
    def kinds(self) -> tuple[type[Fact], ...]: ...

    def project(self, connection: psycopg.Connection[Any], generation: int, page: Page) -> None:
        """Write what the page means, in the caller's transaction."""


@dataclass(frozen=True)
class Projection:
    """A table that can be dropped and made again from its log.

    `to_writes` is pure: the same page gives the same writes, in the order in which they are to run.
    """

    name: str
    log: Log
    kinds: tuple[type[Fact], ...]
    to_writes: Callable[[Page], Sequence[Write]]

    def project(self, connection: psycopg.Connection[Any], generation: int, page: Page) -> None:
        """Write the page's rows into the generation's table."""
        table = table_of(self.name, generation)
        for write in self.to_writes(page.only(self.kinds)):
            if write.rows:
                connection.execute(sql.SQL(write.statement).format(table=table), [to_json(write.rows)])


def table_of(name: str, generation: int) -> sql.Identifier:
    """The table of one generation of a projection."""
    return sql.Identifier("projection", f"{name}_{generation}")


def to_json(rows: Sequence[msgspec.Struct]) -> str:
    """The rows as a JSON array, instants and identities as text, integers exact."""
    return msgspec.json.encode(rows).decode()
