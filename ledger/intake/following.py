"""What follows from a batch for the sessions that it touched: judged and rated where they stand, some when the batch is
known as a whole, because a price or their meter is needed for that.
"""

from collections.abc import Iterable

from ledger.intake.batch import Batch
from ledger.intake.loading import Loader
from ledger.intake.metered import KnownMeters, MeterWaits, meter_of
from ledger.intake.priced import Priced
from ledger.intake.subject import Subject, SubjectKey
from ledger.meter.state import Meter
from ledger.session.consequences import consequences, waits_for_meter
from ledger.session.events import SessionHeld, SessionReleased
from ledger.session.plausibility.rules import Rules
from ledger.session.pricing import Slots, slots_for
from ledger.session.registers import convert_registers
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
        """Judge what must be judged by meters, with all that the batch says of them. One query for all meters."""
        self._loader.subjects.load(self._meters(batch.to_verify))
        for key, is_released in batch.to_verify.items():
            subject = self._subjects[key]
            meter = self._subjects[meter_of(subject.state.started)]
            waited = waits_for_meter(subject.state)
            self._conclude(batch, subject, meter.state, is_released=is_released)
            if waits_for_meter(subject.state):
                batch.await_meter(key, meter)
            elif waited:
                batch.forget_meter(key)

    def _meters(self, sessions: Iterable[SubjectKey]) -> set[SubjectKey]:
        return {meter_of(self._subjects[key].state.started) for key in sessions}

    def _conclude(self, batch: Batch, subject: Subject, meter: Meter | None, *, is_released: bool) -> None:
        session: Session = subject.state
        converted = None if meter is None else convert_registers(session, meter)
        if converted is not None:
            batch.append(subject, converted)
        tariff = self._tariff_of(session)
        slots = self._slots(session, tariff)
        follows = consequences(session, tariff, self._rules, slots, meter, is_released=is_released)
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
