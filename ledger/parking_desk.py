"""Where persons settle parked messages: try them again, or discard them."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from ledger.application import Ledger
from ledger.attempts import Attempts
from ledger.intake.batch import Batch
from ledger.intake.decide import Decider
from ledger.intake.events import MessageDiscarded
from ledger.intake.loading import Loader, record_of
from ledger.intake.message import Arrival, Record
from ledger.session.plausibility.rules import DEFAULT_RULES, Rules
from ledger.store.parking import Parked, Settled, parked_messages, still_parked
from ledger.values.ids import stream_id
from ledger.values.refusal import RefusedError


class ParkingDesk:
    """Settles parked messages through the ledger's one door."""

    def __init__(
        self, ledger: Ledger, read: Callable[[Record], Arrival], legal_entity: str, rules: Rules = DEFAULT_RULES
    ) -> None:
        self._ledger = ledger
        self._read = read
        loader = Loader(lambda: ledger.connection, read)
        self._decider = Decider(loader, legal_entity, rules)
        self._attempts = Attempts(ledger, loader)

    def retry(self, parked_ids: Sequence[int], actor: str) -> list[Settled]:
        """Handle messages as if they came now, in the order of arrival, with all that waits for them: one transaction.

        What became of each; one that is parked no longer, or that does not exist, is not among them. Raises StaleError,
        UnavailableError.
        """
        return self._attempts.until_stored(lambda number: self._retried(number, parked_ids, actor)).settled

    def discard(self, parked_ids: Sequence[int], actor: str, at: datetime, because: str) -> dict[int, MessageDiscarded]:
        """Decide that messages lead to nothing, all or none: their facts. Their counts move from parked to discarded.

        Raises RefusedError where one is parked no longer or does not exist, StaleError, UnavailableError.
        """
        facts: dict[int, MessageDiscarded] = {}

        def discarded(number: int) -> Batch:
            batch = Batch(number, ())
            batch.settled_by, batch.settled_because = actor, because
            for parked_id, (group, parked) in self._parked(parked_ids).items():
                facts[parked_id] = message_discarded(group, parked, actor, at, because)
                batch.sessions.append(_stream_of(facts[parked_id]), 1, facts[parked_id])
                batch.settle(Settled(parked_id, "DISCARDED", parked.kind, parked.reason, parked.waits_for))
            return batch

        self._attempts.until_stored(discarded)
        return facts

    def _retried(self, number: int, parked_ids: Sequence[int], actor: str) -> Batch:
        parked = still_parked(self._ledger.connection, parked_ids)
        batch = self._decider.retry(number, parked, [self._read(record_of(row)) for row in parked])
        batch.settled_by = actor
        return batch

    def _parked(self, parked_ids: Sequence[int]) -> dict[int, tuple[str, Parked]]:
        found = parked_messages(self._ledger.connection, parked_ids)
        for parked_id in parked_ids:
            if parked_id not in found:
                raise RefusedError(f"no message was parked under {parked_id}: `evledger parked list` shows the numbers")
            _, outcome, _ = found[parked_id]
            if outcome != "PARKED":
                raise RefusedError(f"message {parked_id} is parked no longer, its outcome is {outcome}")
        return {parked_id: (found[parked_id][0], found[parked_id][2]) for parked_id in parked_ids}


def _stream_of(fact: MessageDiscarded) -> UUID:
    """A message is at one place, so it is discarded once."""
    return stream_id("", "parked", fact.consumer_group, fact.topic, str(fact.partition), str(fact.offset))


def message_discarded(group: str, parked: Parked, actor: str, at: datetime, because: str) -> MessageDiscarded:
    """The fact that a parked message leads to nothing."""
    return MessageDiscarded(
        occurred_at=at,
        consumer_group=group,
        topic=parked.topic,
        partition=parked.partition,
        offset=parked.offset,
        kind=parked.kind,
        reason=parked.reason,
        because=because,
        actor=actor,
        value_sha256=None if parked.value is None else hashlib.sha256(parked.value).hexdigest(),
        tenant=parked.tenant,
        subject=parked.subject,
        source=parked.source,
        message_id=parked.message_id,
    )
