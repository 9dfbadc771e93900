"""What follows for a session from what was decided: holds, costs, and prices that it waits for."""

from ledger.intake.batch import Batch
from ledger.intake.loading import Subjects
from ledger.intake.priced import Priced
from ledger.intake.subject import Subject, SubjectKey
from ledger.session.consequences import consequences
from ledger.session.events import SessionHeld, SessionReleased
from ledger.session.plausibility.rules import Rules
from ledger.session.pricing import Slots, slots_for
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
    """Appends what follows; keeps compiled tariffs. All that it looks up was loaded for the batch."""

    def __init__(self, subjects: Subjects, rules: Rules) -> None:
        self._subjects = subjects
        self._rules = rules
        self._tariffs = CompiledTariffs()

    def follow(self, batch: Batch, subject: Subject, *, is_released: bool = False) -> None:
        """Append what follows for the session as it stands. `is_released`: somebody has just released it."""
        session: Session = subject.state
        tariff = self._tariff_of(session)
        slots = self._slots(session, tariff)
        follows = consequences(session, tariff, self._rules, slots, is_released=is_released)
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

    def try_priced(self, batch: Batch, priced: Priced) -> None:
        """Rate what waited for a price: of earlier batches, and of this one, whose prices may have come after it."""
        batch.priced = priced
        for key in sorted({*priced.sessions, *(batch.awaited_prices if priced.has_new else ())}):
            batch.forget_price(key)
            self.follow(batch, self._subjects[key])

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
