"""The projector: keeps the published tables and the outbox up with both logs."""

from collections.abc import Sequence
from threading import Event
from typing import Any

import psycopg
from psycopg import errors, sql

from ledger.store.connection import connect
from projections.catalogue import FOLLOWERS
from projections.feed import feed_page
from projections.page import CHANNELS, LOGS, Log
from projections.projection import Follower
from projections.single import PROJECTOR_LOCK, take_lock

# A lost notification is made up for after this time; also how long a stop may take.
POLL_S = 1.0

# A page that meets a lock (a swap at work) is tried again; each try waits as long as the connection's lock_timeout,
# and a swap holds its locks for less than one.
TRIES = 6

Counts = dict[Log, int]


class Projector:
    """Follows both logs with all projections and the outbox. One at a time per database.

    `catch_up` and `run` return the number of log positions followed, by log; they raise AlreadyRunningError when
    another projector has the database, UnknownFactError for a fact of a newer program.
    """

    def __init__(self, url: str, followers: Sequence[Follower] = FOLLOWERS) -> None:
        self._url = url
        self._followers = followers

    def catch_up(self) -> Counts:
        """Follow both logs to their heads, once."""
        with connect(self._url, "projector") as connection:
            take_lock(connection, PROJECTOR_LOCK, "projector")
            return self._to_the_heads(connection)

    def run(self, stop: Event) -> Counts:
        """Follow both logs until stopped, woken by the recorder's notifications."""
        counts = _none()
        with connect(self._url, "projector") as connection:
            take_lock(connection, PROJECTOR_LOCK, "projector")
            listen(connection, tuple(CHANNELS.values()))
            while not stop.is_set():
                for log, moved in self._to_the_heads(connection).items():
                    counts[log] += moved
                wait_for_news(connection)
        return counts

    def _to_the_heads(self, connection: psycopg.Connection[Any]) -> Counts:
        counts = _none()
        for log in LOGS:
            while moved := feed_through_locks(connection, log, self._followers):
                counts[log] += moved
        return counts


def _none() -> Counts:
    return dict.fromkeys(LOGS, 0)


def feed_through_locks(connection: psycopg.Connection[Any], log: Log, followers: Sequence[Follower]) -> int:
    """A page for the live generations, tried again when a swap holds their locks. Raises the last try's error."""
    for _ in range(TRIES - 1):
        try:
            return feed_page(connection, log, followers)
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            continue
    return feed_page(connection, log, followers)


def listen(connection: psycopg.Connection[Any], channels: tuple[str, ...]) -> None:
    """Ask for the notifications of these channels."""
    for channel in channels:
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


def wait_for_news(connection: psycopg.Connection[Any], timeout_s: float = POLL_S) -> None:
    """Return at the next notification, or after the time."""
    for _ in connection.notifies(timeout=timeout_s, stop_after=1):
        pass
