"""Time as an input: a tick carries its instant, and does what that instant makes due.

A table of the sessions that wait is followed from the sessions log, so that nobody looks through all sessions.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import tuple_row

from ledger.application import Ledger, recorder_of
from ledger.desk import Desk
from ledger.intake.subject import SubjectKey
from ledger.session.events import SessionEnded, SessionHeld, SessionReleased, SessionStarted, SessionWaived
from ledger.session.plausibility.rules import SEQ_GAP, Rules
from ledger.session.state import Session
from ledger.session.tick import Tick, close_unended, release_gap
from ledger.store.awaited import Awaited, WaitsFor, awaited_until, follow_awaited, newest_messages
from ledger.store.fact import Fact
from ledger.store.streams import LoggedFact, head, read_page

FOLLOWER = "ticks"  # the name of its position among those that follow the sessions log

TOPICS = (
    "session.SessionStarted",
    "session.SessionEnded",
    "session.SessionHeld",
    "session.SessionReleased",
    "session.SessionWaived",
)

# Positions of the sessions log for each transaction: a few thousand starts and ends.
PAGE_POSITIONS = 100_000

# Sessions for each transaction: a session of 50 readings is 25 kB in memory.
PAGE_SESSIONS = 200

LOCK_KEY = 0x7469_636B_73  # "ticks" in ASCII: two at once would follow the log twice

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Ticked(NamedTuple):
    """How many sessions were closed, and how many released."""

    closed: int
    released: int


class Ticker:
    """Does what an instant makes due, to all tenants' sessions."""

    def __init__(self, ledger: Ledger, rules: Rules) -> None:
        self._ledger = ledger
        self._rules = rules
        self._desk = Desk(ledger, rules)
        self._recorder = recorder_of(ledger.sessions)

    def tick(self, at: datetime) -> Ticked:
        """Close sessions whose end never came, and release those that waited long enough for missing messages.

        The same instant again does nothing more. Raises StaleError, UnavailableError.
        """
        self._follow()
        tick = Tick(at, newest_messages(self._ledger.connection, at), self._rules)
        closed = self._act("END", at - timedelta(seconds=self._rules.end_wait_s), lambda s: close_unended(s, tick))
        released = self._act(
            "SEQ_GAP", at - timedelta(seconds=self._rules.seq_gap_wait_s), lambda s: release_gap(s, tick)
        )
        return Ticked(closed, released)

    def _act(self, waits_for: WaitsFor, until: datetime, act: Callable[[Session], Iterator[Fact]]) -> int:
        done = 0
        for page in self._pages(waits_for, until):
            batch = self._desk.act({SubjectKey("session", item.tenant, item.session_id): act for item in page})
            done += len(batch.touched)
        return done

    def _pages(self, waits_for: WaitsFor, until: datetime) -> Iterator[Sequence[Awaited]]:
        after = (LONG_AGO, UUID(int=0))
        while page := awaited_until(self._ledger.connection, waits_for, until, after, PAGE_SESSIONS):
            yield page
            after = (page[-1].since, page[-1].stream)

    def _follow(self) -> None:
        """Bring the table of waiting sessions up to the end of the log."""
        end = head(self._ledger.connection, "session")
        while (position := self._recorder.max_tracking_id(FOLLOWER) or 0) < end:
            until = min(position + PAGE_POSITIONS, end)
            page = list(read_page(self._ledger.connection, "session", position, until, TOPICS))
            with (
                self._ledger.datastore.transaction(commit=True) as dicts,
                dicts.connection.cursor(row_factory=tuple_row) as cursor,
            ):
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
                if (self._recorder.max_tracking_id(FOLLOWER) or 0) == position:
                    follow_awaited(cursor, *waiting(page))
                    self._recorder.track(cursor, FOLLOWER, until)


def waiting(page: Sequence[LoggedFact]) -> tuple[list[Awaited], list[tuple[UUID, WaitsFor]]]:
    """What began to wait and still does at the end of the page, and what waits no longer."""
    begun: dict[tuple[UUID, WaitsFor], Awaited] = {}
    finished: dict[tuple[UUID, WaitsFor], None] = {}
    for logged in page:
        fact, stream = logged.fact, logged.stream
        if isinstance(fact, SessionStarted):
            begun[stream, "END"] = Awaited(stream, "END", fact.tenant, fact.session_id, fact.occurred_at)
        elif isinstance(fact, SessionEnded):
            begun.pop((stream, "END"), None)
            finished[stream, "END"] = None
        elif isinstance(fact, SessionHeld) and _has_gap(fact):
            begun[stream, "SEQ_GAP"] = Awaited(stream, "SEQ_GAP", fact.tenant, fact.session_id, fact.occurred_at)
            finished.pop((stream, "SEQ_GAP"), None)
        elif isinstance(fact, SessionReleased | SessionWaived) and _has_gap(fact):
            begun.pop((stream, "SEQ_GAP"), None)
            finished[stream, "SEQ_GAP"] = None
    return list(begun.values()), list(finished)


def _has_gap(fact: SessionHeld | SessionReleased | SessionWaived) -> bool:
    return any(reason.code == SEQ_GAP for reason in fact.reasons)
