"""What follows from a batch for the sessions that it touched: judged and rated where they stand, some when the batch is
known as a whole, because a price or their meter is needed for that.
"""

from collections.abc import Mapping, Sequence

from ledger.intake.batch import Batch
from ledger.intake.loading import Loader
from ledger.intake.metered import KnownMeters, MeterWaits, meter_of
from ledger.intake.paging import Paging
from ledger.intake.priced import Priced
from ledger.intake.subject import Subject, SubjectKey
from ledger.session.consequences import consequences, waits_for_meter
from ledger.session.events import SessionHeld, SessionReleased, SessionStarted
from ledger.session.plausibility.rules import Rules
from ledger.session.pricing import Slots, slots_for
from ledger.session.registers import convert_registers
from ledger.session.signatures import Meters, new_meter_id
from ledger.session.state import Session
from ledger.store.fact import Fact
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.pricer import NO_SLOTS
from ledger.tariff.spot import PriceMissingError
from ledger.tariffbook.compiled import CompiledTariffs
from ledger.tariffbook.prices import PriceSeries
from ledger.tariffbook.state import TariffVersions
from ledger.values.time import from_us


class Following:
    """Judges and rates sessions upon the subjects in memory; stores nothing."""

    def __init__(self, loader: Loader, rules: Rules) -> None:
        self._loader = loader
        self._subjects = loader.subjects
        self._rules = rules
        self._tariffs = CompiledTariffs()
        self._known = KnownMeters(loader.connect)
        self._paging = Paging()
        self._failures_seen = 0
        self._waits = MeterWaits(loader.connect, lambda: loader.subjects.failures)

    def begin(self) -> None:
        """Before a batch: learn which meters something is known of."""
        self._known.refresh()

    def bring(self, batch: Batch, meter: Subject) -> None:
        """The batch says something of this meter."""
        self._known.add(meter.stream)
        batch.bring_meter(meter)

    def follow(self, batch: Batch, subject: Subject, *, is_released: bool = False) -> None:
        """Append what follows for a session now, or, where its meter must be asked, when the batch is known."""
        session: Session = subject.state
        started, ended = session.started, session.ended
        if started is None or ended is None or session.is_waived:
            self._conclude(batch, subject, None, is_released=is_released)
        elif waits_for_meter(session) or self._known.concern(session, started):
            batch.touch(subject)
            batch.to_verify[subject.key] = is_released or batch.to_verify.get(subject.key, False)
        else:
            self._conclude(batch, subject, None, is_released=is_released)
            if waits_for_meter(session):
                batch.to_verify[subject.key] = False

    def try_priced(self, batch: Batch, priced: Priced) -> None:
        """Rate what waited for a price: of earlier batches, and of this one, whose prices may have come after it."""
        batch.priced = priced
        for key in sorted({*priced.sessions, *(batch.awaited_prices if priced.has_new else ())}):
            batch.forget_price(key)
            self.follow(batch, self._subjects[key])

    def try_concerned(self, batch: Batch) -> None:
        """Have those sessions of earlier batches judged again that new facts about their meters concern."""
        batch.concerned = self._waits.after(batch.meters.values())
        self._loader.load_sessions(batch.concerned.sessions)
        for key in batch.concerned.sessions:
            batch.to_verify.setdefault(key, False)

    def verify(self, batch: Batch) -> None:
        """Judge what must be judged by meters, with all that the batch says of them; then the sessions that come after
        these by the pages of their meters.
        """
        if not batch.to_verify:
            return
        batch.paging = self._next_paging()
        self._judge(batch, batch.to_verify)
        later = [SubjectKey("session", *name) for name in batch.paging.concerned(self._loader.connect())]
        if later:
            self._loader.load_sessions(later)
            self._judge(batch, dict.fromkeys(later, False))

    def _next_paging(self) -> Paging:
        """On top of the batch before, which may be on its way, unless one has failed since."""
        has_failed = self._failures_seen != self._subjects.failures
        self._failures_seen = self._subjects.failures
        self._paging = Paging(None if has_failed else self._paging)
        return self._paging

    def _judge(self, batch: Batch, sessions: Mapping[SubjectKey, bool]) -> None:
        """In the order of their starts, each upon those before it. A few queries for all of them."""
        keys = sorted(sessions, key=lambda key: (self._started(key).occurred_at, key))
        meters = self._meters(keys)
        signed = [key for key in keys if self._subjects[key].state.is_signed]
        batch.paging.look(
            self._loader.connect(), [(self._started(key), [meter.key.id for meter in meters[key]]) for key in signed]
        )
        for key in keys:
            self._judge_one(batch, self._subjects[key], meters[key], is_released=sessions[key])

    def _judge_one(self, batch: Batch, subject: Subject, meters: Sequence[Subject], *, is_released: bool) -> None:
        session, started = subject.state, self._started(subject.key)
        waited = waits_for_meter(session)
        pages = () if session.verified is None else session.verified.judgement.pages
        last_pages = {meter.key.id: batch.paging.last_pages(started, meter.key.id) for meter in meters}
        first, second = [*(meter.state for meter in meters), None][:2]
        known = Meters(first, second, last_pages)
        self._conclude(batch, subject, known, is_released=is_released)
        batch.paging.note(session, pages)
        if waits_for_meter(session):
            batch.await_meters(subject.key, meters)
        elif waited:
            batch.await_meters(subject.key, ())

    def _meters(self, sessions: Sequence[SubjectKey]) -> dict[SubjectKey, list[Subject]]:
        """The meter that each session began on, and the one that took its place. Two queries at most."""
        self._subjects.load({meter_of(self._started(key)) for key in sessions})
        exchanged = {key: new for key in sessions if (new := self._exchanged(key)) is not None}
        self._subjects.load(exchanged.values())
        names = {key: [meter_of(self._started(key)), *filter(None, [exchanged.get(key)])] for key in sessions}
        return {key: [self._subjects[name] for name in of_session] for key, of_session in names.items()}

    def _exchanged(self, key: SubjectKey) -> SubjectKey | None:
        session: Session = self._subjects[key].state
        started, ended = session.started, session.ended
        if started is None or ended is None:
            return None
        new = new_meter_id(started, ended, self._subjects[meter_of(started)].state)
        return None if new is None else SubjectKey("meter", started.tenant, new)

    def _started(self, key: SubjectKey) -> SessionStarted:
        started: SessionStarted = self._subjects[key].state.started
        return started

    def _conclude(self, batch: Batch, subject: Subject, meters: Meters | None, *, is_released: bool) -> None:
        session: Session = subject.state
        converted = None if meters is None else convert_registers(session, meters.first)
        if converted is not None:
            batch.append(subject, converted)
        tariff = self._tariff_of(session)
        slots = self._slots(session, tariff)
        follows = consequences(session, tariff, self._rules, slots, meters, is_released=is_released)
        for fact in follows.facts:
            batch.append(subject, fact)
            self._note_hold(batch, subject, fact)
        if follows.missing is not None:
            self._await_price(batch, subject, tariff, follows.missing)
        if session.ended is not None:
            batch.finished.append(subject.key)

    @staticmethod
    def _note_hold(batch: Batch, subject: Subject, fact: Fact) -> None:
        if isinstance(fact, SessionHeld):
            batch.newly_held.add(subject.key)
        elif isinstance(fact, SessionReleased):
            batch.forget_price(subject.key)
            if not fact.still_held:
                batch.newly_held.discard(subject.key)

    def _await_price(
        self, batch: Batch, subject: Subject, tariff: CompiledTariff | None, missing: PriceMissingError
    ) -> None:
        """A series in another currency than the tariff never has a price for it: nothing is waited for."""
        series = self._subjects[SubjectKey("price", subject.key.tenant, missing.series)]
        prices: PriceSeries = series.state
        if tariff is not None and prices.currency in (None, tariff.tariff.currency):
            batch.await_price(subject.key, series, from_us(missing.instant_us))

    def _slots(self, session: Session, tariff: CompiledTariff | None) -> Slots:
        started, ended = session.started, session.ended
        if tariff is None or not tariff.series or started is None or ended is None:
            return NO_SLOTS
        tenant = started.tenant

        def series(name: str) -> PriceSeries:
            found: PriceSeries = self._subjects[SubjectKey("price", tenant, name)].state
            return found

        return slots_for(tariff, started, ended, session.rated, series)

    def _tariff_of(self, session: Session) -> CompiledTariff | None:
        started = session.started
        if started is None or started.tariff_pin is None or session.ended is None:
            return None
        pin = started.tariff_pin
        book: TariffVersions = self._subjects[SubjectKey("tariff", started.tenant, pin.tariff_id)].state
        text = book.versions[pin.tariff_version - 1].tariff
        return self._tariffs.of(pin.tariff_hash, text, started.time_zone, started.groups)
