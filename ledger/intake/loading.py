"""Before a batch is decided: load every stream it needs, in one query for each log, and what waits for it."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.account.events import AccountChanged, AccountOpened
from ledger.intake.choosing import TariffChooser
from ledger.intake.message import Arrival, Message, Misaddressed, Part, ReadingRun, Record
from ledger.intake.priced import Priced, PricedSessions
from ledger.intake.station import StationConfigured
from ledger.intake.subject import BILLING_SUBJECTS_MAX, SESSIONS_MAX, Subject, SubjectCache, SubjectKey
from ledger.meter.events import KeyRegistered, MeterConfigured, MeterReplaced
from ledger.session.events import MeterRecorded, SessionEnded, SessionStarted, StateChanged
from ledger.session.state import Session
from ledger.store.connection import Database
from ledger.store.fact import FromMessage
from ledger.store.parking import Waiting, parked_names, unpack_headers, waiting_for
from ledger.store.stations import StationName, known_station_messages
from ledger.store.streams import load_streams
from ledger.tariffbook.choice import offer_of
from ledger.tariffbook.events import PricePublished, TariffPublished
from ledger.tariffbook.state import TariffVersions

Connect = Callable[[], Database]
Reader = Callable[[Record], Arrival]


KIND_OF: dict[type[FromMessage], str] = {
    SessionStarted: "session",
    MeterRecorded: "session",
    StateChanged: "session",
    SessionEnded: "session",
    TariffPublished: "tariff",
    PricePublished: "price",
    AccountOpened: "account",
    AccountChanged: "account",
    KeyRegistered: "meter",
    MeterReplaced: "meter",
    MeterConfigured: "meter",
}

# While one of these is missing, messages may wait for it.
AWAITED = frozenset({SessionStarted, TariffPublished, AccountOpened, AccountChanged})

Retries = dict[UUID, list[tuple[Waiting, Arrival]]]


class Loaded(NamedTuple):
    """The subject of each arrival (None where there is none), and what to try again: parked messages by the stream
    that they wait for, and held sessions whose price has come.

    `stations`: the names of what was said before about the stations of this batch.
    """

    subjects: list[Subject | None]
    retries: Retries
    stations: dict[StationName, str]
    priced: Priced


def key_of(message: Message) -> SubjectKey:
    """The subject of a message."""
    return SubjectKey(KIND_OF[type(message.fact)], message.tenant, message.subject)


class Subjects:
    """The subjects of both logs, loaded on demand and kept within bounds."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._finished = 0
        self.failures = 0
        self._caches = {"session": SubjectCache(SESSIONS_MAX), "billing": SubjectCache(BILLING_SUBJECTS_MAX)}

    def __getitem__(self, key: SubjectKey) -> Subject:
        """A subject that was loaded before. Raises KeyError."""
        return self._cache(key)[key]

    def ahead(self, key: SubjectKey) -> Subject | None:
        """The subject, if a batch that may not be stored yet has touched it."""
        subject = self._cache(key).get(key)
        return subject if subject is not None and subject.batch > self._finished else None

    def load(self, keys: Iterable[SubjectKey]) -> None:
        """Bring subjects into memory: new ones whole, known ones but sessions up to date.

        Known sessions are taken as they are: only the owner of their partition appends to them, and where others do
        (a retry by command) the store's unique key says so.
        """
        wanted = {key for key in set(keys) if not self._cache(key).use(key) or key.kind != "session"}
        self._load("session", {key for key in wanted if key.is_in_sessions_log})
        self._load("billing", {key for key in wanted if not key.is_in_sessions_log})

    def drop(self, keys: Iterable[SubjectKey]) -> None:
        """Forget subjects whose batch failed; they are loaded again when next needed."""
        self.failures += 1
        for key in keys:
            self._cache(key).drop([key])

    def clear(self) -> None:
        """Forget all subjects."""
        self.failures += 1
        for cache in self._caches.values():
            cache.clear()

    def finish(self, number: int, finished: Iterable[SubjectKey]) -> None:
        """After batch `number` was stored: let go of sessions that ended, and of what is over the bounds."""
        self._finished = number
        for key in finished:
            cache = self._cache(key)
            subject = cache.get(key)
            if subject is not None and subject.batch <= number:
                cache.drop([key])
        for cache in self._caches.values():
            cache.trim(number)

    def _cache(self, key: SubjectKey) -> SubjectCache:
        return self._caches["session" if key.kind == "session" else "billing"]

    def _load(self, log: str, keys: set[SubjectKey]) -> None:
        if not keys:
            return
        new = [Subject(key) for key in keys if self._cache(key).get(key) is None]
        for subject in new:
            self._cache(subject.key).put(subject)
        by_stream = {subject.stream: subject for subject in map(self.__getitem__, keys)}
        after = {stream: subject.version for stream, subject in by_stream.items()}
        for stream, _, fact in load_streams(self._connect(), log, after):
            by_stream[stream].apply(fact)
        self._load_parked_names(new)

    def _load_parked_names(self, subjects: list[Subject]) -> None:
        by_name: dict[tuple[str, str], list[Subject]] = {}
        for subject in subjects:
            by_name.setdefault((subject.key.tenant, subject.key.id), []).append(subject)
        for tenant, name, source, message_id, content in parked_names(self._connect(), list(by_name)):
            for subject in by_name[tenant, name]:
                subject.parked.setdefault((source, message_id), set()).add(content)


class Loader:
    """Finds what a batch needs: its subjects, what starts refer to, the pinned tariffs, and what waits."""

    def __init__(self, connect: Connect, reader: Reader) -> None:
        self.connect = connect
        self._reader = reader
        self.subjects = Subjects(connect)
        self.chooser = TariffChooser(connect, self.subjects)
        self._priced = PricedSessions(
            connect, self.subjects.load, self.subjects.__getitem__, lambda: self.subjects.failures
        )

    def load(self, parts: Sequence[Part]) -> Loaded:
        """Load all that these messages touch, and all that waits for what they bring."""
        keys = [_key_in(part) for part in parts]
        distinct = {key for key in keys if key is not None}
        messages = [message for part in parts if (message := message_in(part)) is not None]
        starts = [message for message in messages if type(message.fact) in AWAITED]
        priced = self._priced.after([message for message in messages if type(message.fact) is PricePublished])
        self._load({*distinct, *priced.sessions}, starts)
        retries = self._load_waiting(self._brought(starts))
        subjects = {key: self.subjects[key] for key in distinct}
        return Loaded(
            [None if key is None else subjects[key] for key in keys], retries, self._known_stations(parts), priced
        )

    def load_sessions(self, keys: Iterable[SubjectKey]) -> None:
        """Load sessions to act upon, and the tariffs that price them."""
        self._load(set(keys), ())

    def _known_stations(self, parts: Sequence[Part]) -> dict[StationName, str]:
        stations = {
            (part.tenant, part.subject)
            for part in parts
            if type(part) is Message and type(part.fact) is StationConfigured
        }
        return known_station_messages(self.connect(), stations) if stations else {}

    def _load(self, keys: set[SubjectKey], messages: Sequence[Message]) -> None:
        starts = [(m.tenant, m.fact) for m in messages if type(m.fact) is SessionStarted]
        for tenant, start in starts:
            keys.update(references(tenant, start))
        keys.update(self.chooser.candidates([pair for pair in starts if pair[1].tariff_id is None]))
        self.subjects.load(keys)
        pinned = set(self._pinned_tariffs(key for key in keys if key.kind == "session"))
        self.subjects.load(pinned - keys)
        self.subjects.load(self._series(pinned | {key for key in keys if key.kind == "tariff"}, messages))

    def _series(self, tariffs: Iterable[SubjectKey], messages: Iterable[Message]) -> Iterable[SubjectKey]:
        """The spot prices that these tariffs follow, or will once these messages are handled."""
        for key in tariffs:
            book: TariffVersions = self.subjects[key].state
            for offer in book.offers:
                yield from (SubjectKey("price", key.tenant, name) for name in offer.series)
        for message in messages:
            if isinstance(message.fact, TariffPublished):
                for name in offer_of(message.fact, 1).series:
                    yield SubjectKey("price", message.tenant, name)

    def _pinned_tariffs(self, keys: Iterable[SubjectKey]) -> Iterable[SubjectKey]:
        for key in keys:
            state: Session = self.subjects[key].state
            if state.started is not None and state.started.tariff_pin is not None:
                yield SubjectKey("tariff", key.tenant, state.started.tariff_pin.tariff_id)

    def _load_waiting(self, streams: set[UUID]) -> Retries:
        found: Retries = {}
        while streams:
            level = [(row, self._reader(record_of(row))) for row in waiting_for(self.connect(), streams)]
            for row, arrival in level:
                if row.waits_for is not None:
                    found.setdefault(row.waits_for, []).append((row, arrival))
            messages = [message for _, arrival in level if (message := message_in(arrival)) is not None]
            self._load({key_of(message) for message in messages}, messages)
            streams = self._brought(messages) - set(found)
        return found

    def _brought(self, messages: Iterable[Message]) -> set[UUID]:
        return {self.subjects[key_of(message)].stream for message in messages if type(message.fact) in AWAITED}


def message_in(part: Part) -> Message | None:
    """The message of an arrival that is readable and has a stream: what is said about a station has a row."""
    message = part.message if isinstance(part, Misaddressed) else part
    return message if isinstance(message, Message) and type(message.fact) is not StationConfigured else None


def _key_in(part: Part) -> SubjectKey | None:
    if isinstance(part, ReadingRun):
        return SubjectKey("session", part.tenant, part.subject)
    message = message_in(part)
    return None if message is None else key_of(message)


def references(tenant: str, start: SessionStarted) -> Iterable[SubjectKey]:
    """The account and the tariff that a start names."""
    if start.account_id is not None:
        yield SubjectKey("account", tenant, start.account_id)
    if start.tariff_id is not None:
        yield SubjectKey("tariff", tenant, start.tariff_id)


def record_of(row: Waiting) -> Record:
    """The record that was parked."""
    return Record(row.topic, row.partition, row.offset, row.record_key, row.value, unpack_headers(row.headers))
