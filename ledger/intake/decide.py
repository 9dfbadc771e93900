"""A batch of messages to facts, duplicates and parked messages: exactly one outcome for each message."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ledger.account.decide import open_or_change
from ledger.account.events import AccountChanged, AccountOpened
from ledger.account.state import Account
from ledger.intake.batch import Batch
from ledger.intake.choosing import charge_start
from ledger.intake.following import Following
from ledger.intake.loading import AWAITED, Loaded, Loader, Retries, key_of
from ledger.intake.message import Arrival, Message, Misaddressed, Part, ReadingRun, Unreadable, content_sha256
from ledger.intake.names import refuse_known_name, refuse_stored_name
from ledger.intake.retrying import let_in_because, settled, without_subject
from ledger.intake.station import station_row
from ledger.intake.subject import Subject, SubjectKey
from ledger.meter.decide import configure_meter, register_key, replace_meter
from ledger.meter.events import KeyRegistered, MeterConfigured, MeterReplaced
from ledger.session.consequences import held_for
from ledger.session.decide import (
    Pins,
    TwoEndsError,
    Unstarted,
    change_state,
    end_session,
    first_of_the_later,
    record_reading,
    start_session,
)
from ledger.session.events import (
    MeterRecorded,
    SessionEnded,
    SessionStarted,
    StateChanged,
    TariffChoice,
    TariffPin,
)
from ledger.session.plausibility.rules import DEFAULT_RULES, Rules
from ledger.session.state import Session
from ledger.store.fact import Fact, FromMessage
from ledger.store.parking import Settled, Waiting
from ledger.store.stations import StationName
from ledger.tariffbook.events import PricePublished, TariffPublished
from ledger.tariffbook.prices import publish_prices
from ledger.tariffbook.state import TariffVersions
from ledger.values.refusal import RefusedError, RepeatedError


class Waits(Exception):  # noqa: N818 - not an error: the message waits
    """The message comes too early: it waits for `subject`."""

    def __init__(self, subject: Subject, reason: str) -> None:
        super().__init__(reason)
        self.subject = subject


def _publish(_tariff: TariffVersions, fact: TariffPublished) -> TariffPublished:
    return fact


# Decisions that need nothing but the state of the message's own stream.
DECISIONS: dict[type[FromMessage], Callable[[Any, Any], FromMessage]] = {
    MeterRecorded: record_reading,
    StateChanged: change_state,
    SessionEnded: end_session,
    TariffPublished: _publish,
    PricePublished: publish_prices,
    AccountOpened: open_or_change,
    AccountChanged: open_or_change,
    KeyRegistered: register_key,
    MeterReplaced: replace_meter,
    MeterConfigured: configure_meter,
}

# What is to be done to a session: the facts, from the session as it stands.
Act = Callable[[Session], Iterable[Fact]]


def _accept_name(_subject: Subject, _message: Message) -> None:
    """The name was looked at when the message was read."""


class Decider:
    """Decides batches, in order, upon the subjects in memory; stores nothing."""

    def __init__(self, loader: Loader, default_legal_entity: str, rules: Rules = DEFAULT_RULES) -> None:
        self._loader = loader
        self._subjects = loader.subjects
        self._legal_entity = default_legal_entity
        self._following = Following(loader, rules)

    def decide(self, number: int, parts: Sequence[Part]) -> Batch:
        """What these messages lead to. States in memory move on as if the batch were stored already."""
        batch = Batch(number, parts)
        loaded = self._loader.load(parts)
        self._following.begin()
        for part, subject in zip(parts, loaded.subjects, strict=True):
            if isinstance(part, ReadingRun):
                self._record(batch, part, loaded.retries)
            elif subject is None and isinstance(part, Message):
                self._configure(batch, part, loaded.stations)
            else:
                self._arrive(batch, part, subject, loaded.retries)
        return self._complete(batch, loaded)

    def retry(self, number: int, parked: Sequence[Waiting], arrivals: Sequence[Arrival]) -> Batch:
        """What messages that were parked lead to now; `arrivals` are the same, read again."""
        batch = Batch(number, ())
        loaded = self._loader.load(arrivals)
        self._following.begin()
        for waiting, arrival, subject in zip(parked, arrivals, loaded.subjects, strict=True):
            if subject is None or not isinstance(arrival, Message):
                batch.settle(without_subject(batch, waiting, arrival, loaded.stations))
            else:
                self._retry(batch, waiting, arrival, loaded.retries, refuse_stored_name)
        return self._complete(batch, loaded)

    def _complete(self, batch: Batch, loaded: Loaded) -> Batch:
        """What follows for sessions from all messages of the batch together."""
        self._following.try_priced(batch, loaded.priced)
        self._following.try_concerned(batch)
        self._following.verify(batch)
        batch.complete()
        return batch

    def act(self, number: int, acts: Mapping[SubjectKey, Act]) -> Batch:
        """What a person, or a tick, does to sessions: the facts of each act, and what follows from them.

        Raises RefusedError when an act refuses; then nothing of the batch may be stored.
        """
        batch = Batch(number, ())
        self._loader.load_sessions(acts)
        self._following.begin()
        for key, act in acts.items():
            subject, version = self._subjects[key], self._subjects[key].version
            for fact in act(subject.state):
                batch.append(subject, fact)
            if subject.version > version:
                self._following.follow(batch, subject, is_released=not subject.state.held)
        self._following.verify(batch)
        batch.complete()
        return batch

    def _record(self, batch: Batch, run: ReadingRun, retries: Retries) -> None:
        """A run of readings: at once from where nothing speaks against any of them, one by one before that."""
        subject = self._subjects[SubjectKey("session", run.tenant, run.subject)]
        first = first_of_the_later(subject.state, run.facts)
        for message in run.messages(0, first):
            self._arrive(batch, message, subject, retries)
        names = subject.new_names(run.facts[first:])
        if names is not None:
            batch.append_run(subject, run, first, names)
            return
        for message in run.messages(first):
            self._arrive(batch, message, subject, retries)

    def _arrive(self, batch: Batch, arrival: Arrival, subject: Subject | None, retries: Retries) -> None:
        """One message that was just read: count it, and give it its outcome."""
        if isinstance(arrival, Message) and subject is not None:
            batch.counts_of(arrival.record).read(arrival.record.offset, arrival.fact.occurred_at)
            self._outcome(batch, arrival, subject, retries, refuse_known_name)
        else:
            self._park_at_once(batch, arrival, subject)

    def _outcome(
        self,
        batch: Batch,
        message: Message,
        subject: Subject,
        retries: Retries,
        refuse_name: Callable[[Subject, Message], None],
    ) -> None:
        """A message of this batch: just read, or one that waited for another one of this batch (its name is known)."""
        try:
            refuse_name(subject, message)
            self._append(batch, subject, message)
        except RepeatedError:
            batch.counts_of(message.record).duplicates += 1
        except RefusedError as refusal:
            self._refuse(batch, message, subject, refusal)
        except (Waits, Unstarted) as early:
            self._let_wait(batch, message, subject, early)
        else:
            batch.counts_of(message.record).appended += 1
            if type(message.fact) in AWAITED:
                self._try_again(batch, subject, retries)

    @staticmethod
    def _configure(batch: Batch, message: Message, known: dict[StationName, str]) -> None:
        """A message about a station becomes its row."""
        counts, station = batch.counts_of(message.record), message.fact
        counts.read(message.record.offset, station.occurred_at)
        try:
            row = station_row(station, known)
        except RepeatedError:
            counts.duplicates += 1
        except RefusedError as refusal:
            batch.park(message, "REFUSED", str(refusal))
        else:
            known[row[:4]] = row.content_sha256
            batch.stations.append(row)
            counts.appended += 1

    def _park_at_once(self, batch: Batch, arrival: Arrival, subject: Subject | None) -> None:
        message = arrival.message if isinstance(arrival, Misaddressed) else arrival
        counts = batch.counts_of(message.record)
        counts.read(message.record.offset)
        if isinstance(arrival, Unreadable):
            batch.park(arrival, "UNREADABLE", arrival.reason)
        elif isinstance(arrival, Misaddressed) and subject is not None:
            self._park_misaddressed(batch, arrival, subject)
        elif isinstance(arrival, Misaddressed):
            batch.park(arrival, "REFUSED", arrival.reason)

    def _park_misaddressed(self, batch: Batch, arrival: Misaddressed, subject: Subject) -> None:
        try:
            refuse_known_name(subject, arrival.message)
        except RepeatedError:
            batch.counts_of(arrival.message.record).duplicates += 1
        except RefusedError as refusal:
            self._refuse(batch, arrival.message, subject, refusal)
        else:
            self._refuse(batch, arrival.message, subject, RefusedError(arrival.reason))

    def _refuse(self, batch: Batch, message: Message, subject: Subject, refusal: RefusedError) -> None:
        _remember_parked(batch, message, subject)
        batch.park(message, "REFUSED", str(refusal))
        self._hold_for(batch, subject, refusal)

    def _hold_for(self, batch: Batch, subject: Subject, refusal: RefusedError) -> None:
        """A session with two ends is held for the second one, which is refused."""
        if isinstance(refusal, TwoEndsError):
            for fact in held_for(subject.state, refusal.reason):
                batch.append(subject, fact)
                batch.newly_held.add(subject.key)

    @staticmethod
    def _let_wait(batch: Batch, message: Message, subject: Subject, early: Exception) -> None:
        _remember_parked(batch, message, subject)
        awaited = _awaited(subject, early)
        batch.wait_for(awaited)
        batch.waiting.setdefault(awaited.stream, []).append((message, str(early)))

    def _append(self, batch: Batch, subject: Subject, message: Message) -> None:
        """Decide, and append the fact with all that follows from it."""
        fact = message.fact
        if isinstance(fact, SessionStarted):
            batch.append(subject, self._start(subject.state, message.tenant, fact))
        else:
            batch.append(subject, DECISIONS[type(fact)](subject.state, fact))
        if type(fact) in AWAITED:
            batch.brings.add(subject.stream)
            if type(fact) is TariffPublished:
                self._loader.chooser.publish(subject.key)
        if subject.is_session and (type(fact) is SessionStarted or subject.state.ended is not None):
            self._following.follow(batch, subject)
        elif subject.key.kind == "meter":
            self._following.bring(batch, subject)

    def _start(self, session: Session, tenant: str, fact: SessionStarted) -> SessionStarted:
        if session.started is not None:
            return start_session(session, fact, Pins())
        account = self._account(tenant, fact.account_id)
        groups = account.groups_at(fact.occurred_at)
        pin, choice = self._pin(tenant, fact, groups)
        seller = account.current.legal_entity if account.current is not None else self._legal_entity
        return start_session(session, fact, Pins(pin, choice, account.terms(), groups, seller))

    def _account(self, tenant: str, account_id: str | None) -> Account:
        """The payer's account; one without content for an ad-hoc session. Raises Waits when it is unknown."""
        if account_id is None:
            return Account()
        subject = self._subjects[SubjectKey("account", tenant, account_id)]
        account: Account = subject.state
        if account.current is None:
            raise Waits(subject, f"account {account_id} is not known yet")
        return account

    def _pin(
        self, tenant: str, start: SessionStarted, groups: tuple[str, ...]
    ) -> tuple[TariffPin | None, TariffChoice | None]:
        """The version that the start names, or the one that is chosen for it."""
        if start.tariff_id is not None:
            return self._named(tenant, start, start.tariff_id), None
        chosen = self._loader.chooser.choose(tenant, charge_start(start, groups))
        if chosen is None:
            return None, None
        offer = chosen.offer
        return offer.pin, TariffChoice(matched=chosen.matched, priority=offer.priority, passed_over=chosen.passed_over)

    def _named(self, tenant: str, start: SessionStarted, tariff_id: str) -> TariffPin:
        subject = self._subjects[SubjectKey("tariff", tenant, tariff_id)]
        book: TariffVersions = subject.state
        version = book.at(start.occurred_at)
        if version is None:
            raise Waits(subject, f"tariff {tariff_id} has no version at the start of the session")
        tariff_hash = book.versions[version - 1].tariff_hash
        return TariffPin(tariff_id=tariff_id, tariff_version=version, tariff_hash=tariff_hash)

    def _try_again(self, batch: Batch, subject: Subject, retries: Retries) -> None:
        """Give what waited for the subject another try: first what was parked before, then what came in this batch."""
        for waiting, arrival in retries.pop(subject.stream, ()):
            self._retry(batch, waiting, arrival, retries)
        for message, _ in batch.waiting.pop(subject.stream, ()):
            self._outcome(batch, message, self._subjects[key_of(message)], retries, _accept_name)

    def _retry(
        self,
        batch: Batch,
        waiting: Waiting,
        arrival: Arrival,
        retries: Retries,
        refuse_name: Callable[[Subject, Message], None] = _accept_name,
    ) -> None:
        """A message that was parked before, and what becomes of it now, unless it went in with what it waited for."""
        if batch.has_left_parking(waiting.parked_id):
            return
        if not isinstance(arrival, Message):
            batch.settle(settled(waiting, "PARKED", "it can no longer be read"))
            return
        subject = self._subjects[key_of(arrival)]
        try:
            refuse_name(subject, arrival)
            self._append(batch, subject, arrival)
        except RepeatedError:
            batch.settle(settled(waiting, "DUPLICATE", "a repeat"))
        except RefusedError as refusal:
            batch.settle(settled(waiting, "PARKED", str(refusal)))
            self._hold_for(batch, subject, refusal)
        except (Waits, Unstarted) as early:
            awaited = _awaited(subject, early)
            batch.wait_for(awaited)
            batch.settle(Settled(waiting.parked_id, "PARKED", "WAITING", str(early), awaited.stream))
            retries.setdefault(awaited.stream, []).append((waiting, arrival))  # it may come later in this batch
        else:
            batch.settle(settled(waiting, "APPENDED", let_in_because(waiting)))
            if type(arrival.fact) in AWAITED:
                self._try_again(batch, subject, retries)


def _awaited(subject: Subject, early: Exception) -> Subject:
    """The subject that a message waits for: the one it names, or the session's own start."""
    return early.subject if isinstance(early, Waits) else subject


def _remember_parked(batch: Batch, message: Message, subject: Subject) -> None:
    batch.touch(subject)
    subject.parked.setdefault(message.name, set()).add(content_sha256(message.fact))
