"""Bring a database to the newest schema: numbered SQL files, forward only.

Written here (decision 0002): the migration libraries for Python keep a lock row that a killed run leaves behind, or
want SQLAlchemy; what is needed is an advisory lock, one transaction, and a table of names and hashes.
"""

import hashlib
from importlib import resources
from typing import NamedTuple

import psycopg

MIGRATIONS = resources.files("projections") / "migrations"

LOCK_KEY = 0x6576_6C65_6467_6572  # "evledger" in ASCII: one key for all migration runs of a database

OLDEST_SERVER = 170000  # transaction_timeout, which ends a frozen writer, came with PostgreSQL 17

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS public.evledger_migrations (
  name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
GRANT SELECT ON public.evledger_migrations TO PUBLIC
"""


class MigrationError(Exception):
    """The schema cannot be brought to the newest version; the message says why and what to do."""


class Migration(NamedTuple):
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known_migrations() -> list[Migration]:
    """All migrations that this version of the program carries, oldest first."""
    files = [file for file in MIGRATIONS.iterdir() if file.name.endswith(".sql")]
    return [Migration(file.name, file.read_text(encoding="utf-8")) for file in sorted(files, key=_name)]


def migrate(url: str) -> list[str]:
    """Apply what is missing, all in one transaction, and return the names. Raises MigrationError.

    A run that is killed leaves nothing behind; two runs at once wait for each other.
    """
    with psycopg.connect(url, autocommit=False) as connection:
        refuse_old_server(connection)
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        connection.execute(CREATE_TABLE)
        missing = _missing(_applied(connection), known_migrations())
        for migration in missing:
            _apply(connection, migration)
        return [migration.name for migration in missing]


def is_current(url: str) -> bool:
    """Whether the database has every migration that this program carries."""
    with psycopg.connect(url) as connection:
        refuse_old_server(connection)
        found = connection.execute("SELECT to_regclass('public.evledger_migrations')").fetchone()
        return found != (None,) and not _missing(_applied(connection), known_migrations())


def refuse_old_server(connection: psycopg.Connection) -> None:
    """Raises MigrationError when the server is older than the oldest that ends frozen writers."""
    version = connection.info.server_version
    if version < OLDEST_SERVER:
        raise MigrationError(f"PostgreSQL {version // 10000} is too old: version 17 or newer is needed")


def _name(file: object) -> str:
    return str(getattr(file, "name", ""))


def _applied(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sha256 FROM public.evledger_migrations").fetchall())


def _missing(applied: dict[str, str], known: list[Migration]) -> list[Migration]:
    unknown = sorted(set(applied) - {migration.name for migration in known})
    if unknown:
        raise MigrationError(f"the database has migration {unknown[0]}, which this version does not know: update")
    for migration in known:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationError(f"migration {migration.name} was changed after it was applied: restore the file")
    return [migration for migration in known if migration.name not in applied]


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        connection.execute(migration.sql.encode())
    except psycopg.DatabaseError as error:
        line = str(error).split("\n", 1)[0]
        raise MigrationError(f"migration {migration.name} cannot be applied to this database: {line}") from error
    connection.execute(
        "INSERT INTO public.evledger_migrations (name, sha256) VALUES (%s, %s)", [migration.name, migration.sha256]
    )
