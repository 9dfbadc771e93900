"""Meters in sessions: which of them anything is known of, and which sessions a new fact about one concerns.

Nearly all sessions end without a look at their meter: nothing is signed, nobody wants a signature, and no message was
ever about that meter. Only the others pay for it.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple
from uuid import UUID

from ledger.intake.subject import SubjectKey
from ledger.session.events import SessionStarted
from ledger.session.signatures import concerns_signatures
from ledger.session.state import Session
from ledger.store.awaited_meters import MeterAt, meter_streams, meters_ahead, sessions_concerned
from ledger.store.connection import Database

# A name takes about 100 bytes here, so these take 50 MB. Where there are more, every session looks at its meter.
KNOWN_MAX: Final = 500_000

# A session of 50 readings takes about 25 kB, so these take 50 MB beside those that are being charged.
CONCERNED_MAX: Final = 2_000


class KnownMeters:
    """The meters of which some message was: kept up to date with the sessions log."""

    def __init__(self, connect: Callable[[], Database]) -> None:
        self._connect = connect
        self._streams: set[UUID] = set()
        self._position = 0

    def refresh(self) -> None:
        """One query; nothing is read twice."""
        if self._is_full:
            return
        for position, stream in meter_streams(self._connect(), self._position, KNOWN_MAX):
            self._streams.add(stream)
            self._position = position

    def add(self, stream: UUID) -> None:
        """A batch on its way to the store says something about this meter; if it fails, a look in vain does no harm."""
        self._streams.add(stream)

    def concern(self, session: Session, started: SessionStarted) -> bool:
        """Whether the session cannot be judged without its meter."""
        if concerns_signatures(session, started) or self._is_full:
            return True
        return bool(self._streams) and meter_of(started).stream in self._streams

    @property
    def _is_full(self) -> bool:
        return len(self._streams) >= KNOWN_MAX


class Concerned(NamedTuple):
    """Sessions to judge again. `whole`: the meters of which no other session waits, as far as is known."""

    sessions: list[SubjectKey]
    whole: list[MeterAt]


class MeterWaits:
    """The sessions that new facts about their meters concern, a bounded number in each batch.

    Meters stay on the list until a batch has judged every session that waited for them. After a failure, and when a
    process begins, all that is awaited is looked at once. `failures` counts the batches that failed.
    """

    def __init__(self, connect: Callable[[], Database], failures: Callable[[], int]) -> None:
        self._connect = connect
        self._failures = failures
        self._seen_failures = -1
        self._meters: dict[tuple[str, str], MeterAt] = {}

    def after(self, meters: Iterable[MeterAt]) -> Concerned:
        """The sessions to judge in the batch that brings these facts. One query, none where nothing is new."""
        if self._failures() != self._seen_failures:
            self._seen_failures = self._failures()
            self._meters = {meter[:2]: meter for meter in meters_ahead(self._connect())}
        self._meters.update({meter[:2]: meter for meter in meters})
        wanted = list(self._meters.values())
        found = sessions_concerned(self._connect(), wanted, CONCERNED_MAX)
        whole = wanted if len(found) < CONCERNED_MAX else []
        if whole:
            self._meters = {}
        return Concerned(sorted(SubjectKey("session", *name) for name in found), whole)


def meter_of(started: SessionStarted) -> SubjectKey:
    """The meter that a session is counted by."""
    return SubjectKey("meter", started.tenant, started.meter_id)
