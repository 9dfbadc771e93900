"""Connections to the ledger's database: least role, and limits that end a frozen writer."""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

# A connection to the ledger's database, for those who are handed one.
Database = psycopg.Connection[Any]

ROLES = ("app", "projector", "finance", "auditor")

# A healthy batch commits well under a second. A writer that is frozen (stopped, paused machine) holds its locks for
# this long at most, wherever it froze.
TRANSACTION_TIMEOUT_MS = 30_000

# A third of the above: a healthy writer that waits for a frozen one must get its lock timeout, which it answers by
# trying again, before its own transaction is ended.
LOCK_TIMEOUT_MS = TRANSACTION_TIMEOUT_MS // 3

# Whoever only reads holds no lock that a writer waits for, and an export of a large table takes as long as it takes.
NO_TIMEOUT_MS = 0

CONNECT_TIMEOUT_S = 5  # libpq's smallest useful value is 2; a local or nearby server answers in milliseconds

KEEPALIVES = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}


def conninfo(url: str, transaction_timeout_ms: int = TRANSACTION_TIMEOUT_MS) -> str:
    """The URL with the limits every connection has; options that the URL names itself stay in front."""
    limits = {
        "transaction_timeout": transaction_timeout_ms,
        "idle_in_transaction_session_timeout": transaction_timeout_ms,
        "lock_timeout": transaction_timeout_ms // 3,
    }
    given = conninfo_to_dict(url)
    options = " ".join([str(given.get("options", "")), *(f"-c {name}={value}" for name, value in limits.items())])
    defaults: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "evledger", **KEEPALIVES}
    return make_conninfo(**{**defaults, **given, "options": options.strip()})


def take_role(connection: psycopg.Connection[Any], role: str) -> None:
    """Give up every right but those of `role`, and see instants in UTC. Raises ValueError on an unknown role."""
    if role not in ROLES:
        raise ValueError(f"no role {role}: one of {', '.join(ROLES)}")
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"evledger_{role}")))
    connection.execute("SET TIME ZONE 'UTC'")


def connect(
    url: str, role: str, *, autocommit: bool = True, transaction_timeout_ms: int = TRANSACTION_TIMEOUT_MS
) -> psycopg.Connection[Any]:
    """A connection of its own under a role, READ COMMITTED. Raises psycopg.OperationalError when unreachable."""
    connection = psycopg.connect(conninfo(url, transaction_timeout_ms), autocommit=True)
    take_role(connection, role)
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    connection.autocommit = autocommit
    return connection


LOGGED_IN = "SELECT session_user::text, pg_has_role(session_user, 'evledger_finance', 'MEMBER')"


def logged_in(connection: Database) -> tuple[str, bool]:
    """Who connected, whatever role was taken since, and whether the role finance was granted to them."""
    row = connection.execute(LOGGED_IN).fetchone()
    if row is None:
        raise LookupError("the database does not say who is connected")
    return row[0], row[1]
