"""What became of each record of a batch: adapted, a repeat, ignored, or parked; and of frames parked before."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from psycopg import Cursor

from consumers.messages.ocpp.events import Event
from consumers.ocpp import rows
from consumers.ocpp.adapting import Key
from consumers.ocpp.desk import Sent
from consumers.ocpp.rows import parked_under
from ledger.intake.message import Record
from ledger.store.parking import Kind, Outcome, Parked, Settled, Waiting, pack_headers, park, settle
from ledger.store.positions import Progress

Epochs = Mapping[tuple[str, int], int]

SETTLED_BY = "the OCPP adapter"
HAS_COME = "what it waited for has arrived"


class AdapterTotals(NamedTuple):
    """What became of records: frames that led to something, repeats, frames without meaning here, parked ones.

    `resumed` frames had been parked before; `messages` went into the outbox.
    """

    read: int = 0
    adapted: int = 0
    duplicates: int = 0
    ignored: int = 0
    parked: int = 0
    resumed: int = 0
    messages: int = 0

    def plus(self, other: "AdapterTotals") -> "AdapterTotals":
        return AdapterTotals(*(mine + its for mine, its in zip(self, other, strict=True)))


class _Place:
    """What a batch moves on one partition."""

    def __init__(self, first_offset: int) -> None:
        self.first_offset = self.next_offset = first_offset
        self.messages_read = self.adapted = self.duplicates = 0

    def progress(self, topic: str, partition: int, epoch: int) -> Progress:
        offsets = (self.first_offset, self.next_offset)
        return Progress(topic, partition, epoch, *offsets, self.messages_read, self.adapted, self.duplicates, None)


class Outcomes:
    """Counts and parked messages of one batch; exactly one outcome for each record."""

    def __init__(self, tenant: str, group: str) -> None:
        self._tenant = tenant
        self._group = group
        self._places: dict[tuple[str, int], _Place] = {}
        self._ignored: Counter[tuple[str, int, str]] = Counter()
        self._entered: dict[int, tuple[Record, Event]] = {}
        self._resumed: dict[int, Waiting] = {}
        self._parked: list[Parked] = []
        self._settled: list[Settled] = []
        self._messages = 0

    def ignore(self, record: Record, action: str) -> None:
        """A record that is none of our messages is counted by its action alone."""
        self._at(record)
        self._ignored[record.topic, record.partition, action[: rows.ACTION_LENGTH_MAX]] += 1

    def accept(self, record: Record) -> None:
        self._read(record).adapted += 1

    def repeat(self, record: Record) -> None:
        self._read(record).duplicates += 1

    def refuse(self, record: Record, kind: Kind, reason: str) -> None:
        self._read(record)
        self._parked.append(self._to_parked(record, None, kind, reason, None))

    def enter(self, number: int, record: Record, event: Event) -> None:
        """A frame whose outcome is known when the batch is done."""
        self._read(record)
        self._entered[number] = record, event

    def resume(self, row: Waiting) -> None:
        """A frame that was parked before, and goes on."""
        self._resumed[row.parked_id] = row

    def give_up(self, row: Waiting, reason: str) -> None:
        """A frame that was parked before, and that nothing can come of any more; it stays parked."""
        self._settled.append(Settled(row.parked_id, "PARKED", "UNREADABLE", reason, None))

    def settle(self, sent: Iterable[Sent], reasons: Mapping[int, tuple[Key, str]], new: set[tuple[str, str]]) -> None:
        """Give every frame its outcome: it waits, or it said something, and was it new?"""
        said: dict[int, bool] = {}
        for number, message in sent:
            said[number] = said.get(number, False) or (message.session_id, message.id) in new
        for number, (record, event) in self._entered.items():
            self._settle_new(record, event, reasons.get(number), said.get(number, True))
        for number, row in self._resumed.items():
            self._settle_resumed(row, reasons.get(number), said.get(number, True))
        self._messages = len(new)

    def store(self, cursor: Cursor[Any], epochs: Epochs) -> AdapterTotals:
        """Write counts, parked and settled messages. Raises FencedError."""
        park(cursor, self._group, self._parked)
        settle(cursor, self._settled, SETTLED_BY)
        rows.count_ignored(cursor, self._group, self._ignored)
        places = sorted(self._places.items())
        rows.move(cursor, self._group, [place.progress(*name, epochs[name]) for name, place in places])
        return AdapterTotals(
            read=sum(place.messages_read for _, place in places) + self._ignored.total(),
            adapted=sum(place.adapted for _, place in places),
            duplicates=sum(place.duplicates for _, place in places),
            ignored=self._ignored.total(),
            parked=len(self._parked),
            resumed=sum(settled.outcome != "PARKED" for settled in self._settled),
            messages=self._messages,
        )

    def _settle_new(self, record: Record, event: Event, waits: tuple[Key, str] | None, is_new: bool) -> None:
        place = self._places[record.topic, record.partition]
        if waits is not None:
            self._parked.append(self._to_parked(record, event.station_id, "WAITING", waits[1], waits[0]))
        elif is_new:
            place.adapted += 1
        else:
            place.duplicates += 1

    def _settle_resumed(self, row: Waiting, waits: tuple[Key, str] | None, is_new: bool) -> None:
        if waits is None:
            outcome: Outcome = "APPENDED" if is_new else "DUPLICATE"
            self._settled.append(Settled(row.parked_id, outcome, "REFUSED", HAS_COME, None))
        elif (waits_for := parked_under(self._tenant, waits[0])) != row.waits_for:
            self._settled.append(Settled(row.parked_id, "PARKED", "WAITING", waits[1], waits_for))

    def _to_parked(self, record: Record, station_id: str | None, kind: Kind, reason: str, waits: Key | None) -> Parked:
        raw = (record.key, record.value, pack_headers(record.headers))
        waits_for = None if waits is None else parked_under(self._tenant, waits)
        return Parked(
            *(record.topic, record.partition, record.offset, *raw, kind, reason),
            tenant=self._tenant,
            subject=station_id,
            waits_for=waits_for,
        )

    def _at(self, record: Record) -> _Place:
        place = self._places.setdefault((record.topic, record.partition), _Place(record.offset))
        place.next_offset = record.offset + 1
        return place

    def _read(self, record: Record) -> _Place:
        place = self._at(record)
        place.messages_read += 1
        return place
