"""What one batch of messages led to, before it is stored."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ledger.intake.message import Arrival, Message, Misaddressed, Name, Part, ReadingRun, Record, content_sha256
from ledger.intake.metered import Concerned
from ledger.intake.paging import Paging
from ledger.intake.priced import Priced
from ledger.intake.station import StationConfigured
from ledger.intake.subject import Subject, SubjectKey
from ledger.session.events import MeterRecorded
from ledger.store.awaited_meters import AwaitedMeter, MeterAt
from ledger.store.awaited_prices import AwaitedPrice
from ledger.store.fact import Fact, FromMessage
from ledger.store.parking import Kind, Parked, Settled, pack_headers
from ledger.store.positions import Progress
from ledger.store.rows import EventRows
from ledger.store.stations import StationRow

REASON_LENGTH_MAX = 1_000  # one line that a person reads; a hostile message must not choose how long it is


# Who settles a parked message, where no person does.
ARRIVAL = "the message it waited for"


class Counts:
    """What became of the messages of one partition."""

    __slots__ = ("appended", "duplicates", "first_offset", "messages_read", "newest_at", "next_offset")

    def __init__(self, first_offset: int) -> None:
        self.first_offset = first_offset
        self.next_offset = first_offset
        self.messages_read = 0
        self.appended = 0
        self.duplicates = 0
        self.newest_at: datetime | None = None

    def read(self, offset: int, occurred_at: datetime | None = None, messages: int = 1) -> None:
        """Of several messages of one outcome the last offset and the newest time."""
        self.messages_read += messages
        if offset >= self.next_offset:
            self.next_offset = offset + 1
        if occurred_at is not None and (self.newest_at is None or occurred_at > self.newest_at):
            self.newest_at = occurred_at

    def progress(self, topic: str, partition: int, epoch: int) -> Progress:
        return Progress(
            topic, partition, epoch, self.first_offset, self.next_offset,
            self.messages_read, self.appended, self.duplicates, self.newest_at,
        )  # fmt: skip


class Batch:
    """Facts for both logs, parked messages, totals, and what the batch took for granted about missing streams.

    `waiting` are messages of this batch that came too early, by the stream that they wait for; what still waits when
    the batch is complete is parked. `awaits` are then those streams, and the version that was known of each. `brings`
    are streams that began or went on here and that messages may wait for. `finished` are sessions that ended.
    `awaited_prices` are sessions that wait for a price now, or (None) no longer; `priced` those that were tried
    again. `meters` are those of which the batch says something; `to_verify` the sessions that are judged when it is
    known (and whether somebody has just released them), `concerned` those of earlier batches among them, and
    `awaited_meters` what sessions wait for about their meters now, which may be nothing any longer. `settled_by` and
    `settled_because`: who settles parked messages here, and why if a person does.
    """

    def __init__(self, number: int, parts: Sequence[Part]) -> None:
        self.number = number
        self.parts = parts
        self.sessions = EventRows()
        self.billing = EventRows()
        self.parked: list[Parked] = []
        self.stations: list[StationRow] = []
        self._settled: dict[int, Settled] = {}
        self.settled_by = ARRIVAL
        self.settled_because: str | None = None
        self.counts: dict[tuple[str, int], Counts] = {}
        self._topic, self._partition = "", -1
        self._counts = Counts(0)
        self.waiting: dict[UUID, list[tuple[Message, str]]] = {}
        self._awaited: dict[UUID, Subject] = {}
        self.awaits: dict[UUID, int] = {}
        self.awaits_billing = False
        self.brings: set[UUID] = set()
        self.touched: list[SubjectKey] = []
        self.finished: list[SubjectKey] = []
        self.newly_held: set[SubjectKey] = set()
        self.awaited_prices: dict[SubjectKey, AwaitedPrice | None] = {}
        self.priced = Priced([], [], has_new=False)
        self.meters: dict[SubjectKey, MeterAt] = {}
        self.to_verify: dict[SubjectKey, bool] = {}
        self.concerned = Concerned([], [])
        self.awaited_meters: dict[SubjectKey, list[AwaitedMeter]] = {}
        self.paging = Paging()
        self._awaited_by_sessions: set[UUID] = set()

    def append(self, subject: Subject, fact: Fact) -> None:
        """Decide on a fact: it joins its log's rows and the subject's state."""
        if subject.batch != self.number:
            self.touch(subject)
        subject.apply(fact)
        rows = self.sessions if subject.is_in_sessions_log else self.billing
        rows.add(subject.stream_bytes, subject.version, fact)

    def append_run(self, subject: Subject, run: ReadingRun, first: int, names: Mapping[Name, FromMessage]) -> None:
        """Append a run of readings from one of them on; they have these names."""
        later, version = run.facts[first:], subject.version
        if not later:
            return
        self.touch(subject)
        subject.record_later(later, names)
        self.sessions.extend(subject.stream_bytes, version + 1, MeterRecorded, run.states[first:])
        counts = self.counts_of(run.records[first])
        counts.read(later[-1].offset, later[-1].occurred_at, len(later))
        counts.appended += len(later)

    def touch(self, subject: Subject) -> None:
        """Remember that the subject is not as the store has it until the batch is stored."""
        if subject.batch != self.number:
            subject.batch = self.number
            self.touched.append(subject.key)

    def counts_of(self, record: Record) -> Counts:
        """The counts of the record's partition; the last one asked for is at hand, as records come in runs."""
        if record.partition == self._partition and record.topic == self._topic:
            return self._counts
        self._topic, self._partition = place = (record.topic, record.partition)
        counts = self.counts.get(place)
        if counts is None:
            counts = self.counts[place] = Counts(record.offset)
        self._counts = counts
        return counts

    def park(self, arrival: Arrival, kind: Kind, reason: str, waits_for: UUID | None = None) -> None:
        """Keep a message that leads to no fact."""
        message = arrival.message if isinstance(arrival, Misaddressed) else arrival
        record = message.record
        names = _names(message) if isinstance(message, Message) else _NO_NAMES
        raw = (record.key, record.value, pack_headers(record.headers))
        line = " ".join(reason.split())[:REASON_LENGTH_MAX]
        self.parked.append(Parked(record.topic, record.partition, record.offset, *raw, kind, line, *names, waits_for))

    @property
    def settled(self) -> list[Settled]:
        """What became of messages that were parked before."""
        return list(self._settled.values())

    def settle(self, settled: Settled) -> None:
        """Remember what became of a parked message; of several tries in this batch the last one counts."""
        self._settled[settled.parked_id] = settled

    def has_left_parking(self, parked_id: int) -> bool:
        """Whether a message that was parked before got another outcome in this batch."""
        found = self._settled.get(parked_id)
        return found is not None and found.outcome != "PARKED"

    def wait_for(self, subject: Subject) -> None:
        """Remember a stream that something waits for."""
        self._awaited[subject.stream] = subject

    def await_price(self, session: SubjectKey, series: Subject, at: datetime) -> None:
        """Remember that the session is held until the series has a price at an instant."""
        self.awaited_prices[session] = AwaitedPrice(session.tenant, session.id, series.key.id, at)
        self._awaited_by_sessions.add(series.stream)
        self.wait_for(series)

    def bring_meter(self, meter: Subject) -> None:
        """Remember that the batch says something of a meter."""
        self.meters[meter.key] = MeterAt(meter.key.tenant, meter.key.id, meter.version)

    def await_meters(self, session: SubjectKey, meters: Iterable[Subject]) -> None:
        """Remember that the session may be judged otherwise when more is known of these meters."""
        awaited = {meter.key: meter for meter in meters}
        self.awaited_meters[session] = [
            AwaitedMeter(*session[1:], key.id, meter.stream, meter.version) for key, meter in awaited.items()
        ]
        for meter in awaited.values():
            self._awaited_by_sessions.add(meter.stream)
            self.wait_for(meter)

    def forget_price(self, session: SubjectKey) -> None:
        """Remember that the session waits for no price any longer."""
        self.awaited_prices[session] = None

    def complete(self) -> None:
        """Park what still waits, and remember how far the streams that are waited for were known."""
        for stream, messages in self.waiting.items():
            for message, reason in messages:
                self.park(message, "WAITING", reason, stream)
        streams = self.waiting.keys() | {s.waits_for for s in self.settled if s.waits_for is not None}
        streams |= self._awaited_by_sessions
        self.awaits = {stream: self._awaited[stream].version for stream in streams}
        self.awaits_billing = any(not self._awaited[stream].is_in_sessions_log for stream in streams)


Names = tuple[str | None, str | None, str | None, str | None, str | None]

_NO_NAMES: Names = (None, None, None, None, None)


def _names(message: Message) -> Names:
    fact = message.fact
    if isinstance(fact, StationConfigured):
        return message.tenant, message.subject, fact.source, None, None  # its names are kept with its rows
    return message.tenant, message.subject, fact.source, fact.message_id, content_sha256(fact)
