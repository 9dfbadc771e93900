"""A file of frames to session messages without a broker: the state is in memory.

A database is not needed. If there is one, it says what the file does not say of stations and tokens.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from consumers.files import file_topic, read_records
from consumers.messages.faults import UnreadableError
from consumers.messages.ocpp.events import Nothing
from consumers.messages.reader import MessageReader
from consumers.ocpp.desk import Desk, Entry, Sent
from consumers.ocpp.inbound import Inbound, read_inbound
from consumers.ocpp.known import Known
from consumers.ocpp.session_messages import SessionMessage
from ledger.account.events import AccountFact
from ledger.intake.message import Record
from ledger.intake.station import StationConfigured


class Listed(NamedTuple):
    """A line that led to nothing, and why: `WAITING` for something that the file did not bring, or `UNREADABLE`."""

    line: int
    kind: str
    reason: str


class FileAdapter:
    """One file through one desk. `counts` says what became of its lines. `known`: a database, if there is one."""

    def __init__(self, reader: MessageReader, tenant: str, known: Known | None = None) -> None:
        self._reader = reader
        self._tenant = tenant
        self._known_elsewhere = known
        self._desk = Desk()
        self._unreadable: list[Listed] = []
        # As many as the file has messages: 100 bytes each beside a file that is read a line at a time.
        self._known: set[tuple[str, str]] = set()
        self._records = 0
        self._ignored = 0

    def adapt(self, path: Path) -> Iterator[SessionMessage]:
        """The messages, each once, in the order in which the file made them possible. Raises UnusableFileError."""
        for record in read_records(path, file_topic(path), 0):
            self._records += 1
            yield from self._new(self._read(record))
        if self._known_elsewhere is not None:
            yield from self._new(self._ask(self._known_elsewhere))

    def _ask(self, known: Known) -> Iterator[Sent]:
        """What the file does not say of stations and tokens, a database may know."""
        for station in known.stations(key.station_id for key in self._desk.missing("station")):
            if self._desk.states[station.station_id].station is None:
                yield from self._desk.configure(station)
        yield from self._desk.know_tokens(known.accounts(key.name for key in self._desk.missing("token")))

    def _read(self, record: Record) -> list[Sent]:
        try:
            return self._handle(record.offset, read_inbound(self._reader, record))
        except UnreadableError as error:
            self._unreadable.append(Listed(record.offset + 1, "UNREADABLE", str(error)))
            return []

    def _handle(self, number: int, inbound: Inbound) -> list[Sent]:
        if isinstance(inbound, Nothing):
            self._ignored += 1
            return []
        if isinstance(inbound, StationConfigured):
            return self._desk.configure(inbound) if inbound.tenant == self._tenant else []
        if isinstance(inbound, AccountFact):
            tokens = inbound.personal.tokens if inbound.tenant == self._tenant else ()
            return self._desk.open_account(inbound.account_id, tokens)
        return self._desk.arrive([Entry(number, inbound)])

    def _new(self, sent: Iterable[Sent]) -> Iterator[SessionMessage]:
        for _, message in sent:
            name = (message.session_id, message.id)
            if name not in self._known:
                self._known.add(name)
                yield message

    def listed(self) -> list[Listed]:
        """What waits still, and what could not be read, by line."""
        waiting = (Listed(number + 1, "WAITING", reason) for number, (_, reason) in self._desk.reasons.items())
        return sorted([*self._unreadable, *waiting])

    def counts(self) -> dict[str, int]:
        """Lines by what became of them, and messages."""
        kinds = Counter(listed.kind for listed in self.listed())
        other = self._records - self._ignored - kinds.total()
        return {
            "read": self._records,
            "adapted": other,
            "ignored": self._ignored,
            "waiting": kinds["WAITING"],
            "unreadable": kinds["UNREADABLE"],
            "messages": len(self._known),
        }
