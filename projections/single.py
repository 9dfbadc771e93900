"""One process at a time for what must not run twice on a database."""

from time import sleep
from typing import Any

import psycopg

# Keys of advisory locks: "evproj" in ASCII and a number each. They are held by a session, so they end with it.
PROJECTOR_LOCK = 0x6576_7072_6F6A_0001
REBUILD_LOCK = 0x6576_7072_6F6A_0002
RELAY_LOCK = 0x6576_7072_6F6A_0003

# The server needs a moment to notice that a predecessor has ended: two seconds, before we say that it runs.
PAUSE_S = 0.1
TRIES = 20


class AlreadyRunningError(Exception):
    """Another process does this on the same database; the message says which."""


def take_lock(connection: psycopg.Connection[Any], key: int, what: str) -> None:
    """Hold the lock until the connection ends. Raises AlreadyRunningError when it stays taken."""
    for _ in range(TRIES):
        if connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone() == (True,):
            return
        sleep(PAUSE_S)
    raise AlreadyRunningError(f"another {what} is running on this database: one at a time")
