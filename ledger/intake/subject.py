"""What a message is about, as the intake remembers it: a stream's state, and the names of its messages."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from ledger.account import state as account_state
from ledger.intake.message import Name, without_slots
from ledger.meter import state as meter_state
from ledger.session import state as session_state
from ledger.session.events import MeterRecorded
from ledger.store.fact import Fact, FromMessage
from ledger.tariffbook import prices
from ledger.tariffbook import state as tariff_state
from ledger.tariffbook.events import PricePublished
from ledger.values.ids import stream_id

# A session of 50 readings takes about 25 kB here, so this many take about 100 MB.
SESSIONS_MAX = 4_000

# Tariffs and accounts are small (2 to 10 kB); this is more than one operator has tariffs, and 50 to 100 MB at most.
BILLING_SUBJECTS_MAX = 10_000


class SubjectKey(NamedTuple):
    """`kind` is session, meter, tariff, account or price; with tenant and id the natural key of a stream."""

    kind: str
    tenant: str
    id: str

    @property
    def stream(self) -> UUID:
        return stream_id(self.tenant, self.kind, self.id)

    @property
    def is_in_sessions_log(self) -> bool:
        """Meters stand beside the sessions, whose decisions need them; all else is in the billing log."""
        return self.kind in ("session", "meter")


Folds = Mapping[type[Fact], Callable[[Any, Any], None]]

NEW_STATE: dict[str, tuple[Callable[[], Any], Folds]] = {
    "session": (session_state.Session, session_state.FOLDS),
    "meter": (meter_state.Meter, meter_state.FOLDS),
    "tariff": (tariff_state.TariffVersions, tariff_state.FOLDS),
    "account": (account_state.Account, account_state.FOLDS),
    "price": (prices.PriceSeries, prices.FOLDS),
}


class Subject:
    """One stream as it stands after all that was decided, stored or not.

    `seen` are the messages that led to facts, by name; `parked` the content hashes of parked ones, by name; `batch` is
    the last batch that touched the subject.
    """

    __slots__ = (
        "_folds",
        "batch",
        "is_in_sessions_log",
        "is_session",
        "key",
        "parked",
        "seen",
        "state",
        "stream",
        "stream_bytes",
        "version",
    )

    def __init__(self, key: SubjectKey) -> None:
        self.key = key
        self.is_session = key.kind == "session"
        self.is_in_sessions_log = key.is_in_sessions_log
        self.stream = key.stream
        self.stream_bytes = self.stream.bytes
        self.version = 0
        self.batch = 0
        new, self._folds = NEW_STATE[key.kind]
        self.state = new()
        self.seen: dict[Name, FromMessage] = {}
        self.parked: dict[Name, set[str]] = {}

    def apply(self, fact: Fact) -> None:
        """Fold the next fact of the stream. Raises KeyError on a fact of another kind of stream."""
        self.version += 1
        self._folds[type(fact)](self.state, fact)
        if isinstance(fact, FromMessage):
            # A series has thousands of slots: they are in its state, and not kept once more with the message's name.
            remembered = without_slots(fact) if type(fact) is PricePublished else fact
            self.seen[fact.source, fact.message_id] = remembered

    def new_names(self, facts: Sequence[MeterRecorded]) -> Mapping[Name, FromMessage] | None:
        """The names of these messages; None where one is known, or stands twice among them."""
        names: dict[Name, FromMessage] = {(fact.source, fact.message_id): fact for fact in facts}
        is_new = len(names) == len(facts) and self.seen.keys().isdisjoint(names) and not self.parked
        return names if is_new else None

    def record_later(self, later: Sequence[MeterRecorded], names: Mapping[Name, FromMessage]) -> None:
        """Fold readings of a session under new names, each later than the one before, and than all that are known."""
        self.version += len(later)
        session_state.record_later(self.state, later)
        self.seen.update(names)


class SubjectCache:
    """The least recently used subjects go first, but never one that an unfinished batch has touched."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._subjects: OrderedDict[SubjectKey, Subject] = OrderedDict()

    def __len__(self) -> int:
        return len(self._subjects)

    def __getitem__(self, key: SubjectKey) -> Subject:
        return self._subjects[key]

    def get(self, key: SubjectKey) -> Subject | None:
        return self._subjects.get(key)

    def use(self, key: SubjectKey) -> bool:
        """Whether the subject is there; it then is the one that was used last."""
        is_there = key in self._subjects
        if is_there:
            self._subjects.move_to_end(key)
        return is_there

    def put(self, subject: Subject) -> None:
        self._subjects[subject.key] = subject

    def drop(self, keys: Iterable[SubjectKey]) -> None:
        for key in keys:
            self._subjects.pop(key, None)

    def clear(self) -> None:
        self._subjects.clear()

    def trim(self, finished_batch: int) -> None:
        """Drop what is over the maximum, after a batch was stored."""
        while len(self._subjects) > self._maximum:
            key, subject = next(iter(self._subjects.items()))
            if subject.batch > finished_batch:
                return
            del self._subjects[key]
