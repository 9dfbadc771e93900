"""Where persons and ticks act upon sessions: load, decide, save."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from ledger.application import Ledger
from ledger.attempts import Attempts
from ledger.intake.batch import Batch
from ledger.intake.decide import Act, Decider
from ledger.intake.loading import Loader
from ledger.intake.message import Arrival, Record
from ledger.intake.subject import SubjectKey
from ledger.session.plausibility.rules import DEFAULT_RULES, Rules
from ledger.session.release import (
    Order,
    Substitute,
    refuse_above,
    refuse_unbillable,
    release_session,
    waive_session,
)
from ledger.session.state import Session
from ledger.store.charges import invoice_of
from ledger.values.refusal import RefusedError


class Desk:
    """Acts upon sessions through the ledger's one door."""

    def __init__(self, ledger: Ledger, rules: Rules = DEFAULT_RULES) -> None:
        self._ledger = ledger
        self._loader = Loader(lambda: ledger.connection, _reads_no_messages)
        self._decider = Decider(self._loader, "", rules)
        self._attempts = Attempts(ledger, self._loader)

    def release(
        self, key: SubjectKey, order: Order, substitutes: Sequence[Substitute], operator_amount_max: Decimal
    ) -> Session:
        """Release a held session, with other registers where there are any; the session as it is then.

        Raises RefusedError where it is not held, still cannot be billed, or is for finance to decide on.
        """

        def refuse(session: Session) -> None:
            refuse_unbillable(session)
            refuse_above(session.rated, order, operator_amount_max)

        self.act({key: lambda session: release_session(session, order, substitutes)}, refuse)
        return self._session(key)

    def waive(self, key: SubjectKey, order: Order, operator_amount_max: Decimal) -> Session:
        """Waive a held session: it is not billed. Raises RefusedError, also for one that is on an invoice."""
        number = invoice_of(self._ledger.connection, key.tenant, key.id)
        if number is not None:
            raise RefusedError(f"session {key.id} is on invoice {number}: release it, and its correction follows")
        self.act(
            {key: lambda session: waive_session(session, order)},
            lambda session: refuse_above(session.rated, order, operator_amount_max),
        )
        return self._session(key)

    def act(self, acts: Mapping[SubjectKey, Act], refuse: Callable[[Session], None] | None = None) -> Batch:
        """Store what these acts lead to, in one transaction, all or nothing.

        `refuse` looks at each session as it would be then. Raises RefusedError, StaleError, UnavailableError.
        """

        def decide(number: int) -> Batch:
            batch = self._decider.act(number, acts)
            if refuse is not None:
                for key in acts:
                    refuse(self._session(key))
            return batch

        return self._attempts.until_stored(decide)

    def _session(self, key: SubjectKey) -> Session:
        session: Session = self._loader.subjects[key].state
        return session


def _reads_no_messages(_record: Record) -> Arrival:
    raise LookupError("an act brings nothing that a message could wait for")
