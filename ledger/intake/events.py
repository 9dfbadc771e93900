"""Facts about messages that led to no other fact, in the sessions log: one stream for each message."""

from datetime import datetime

from ledger.store.fact import Fact, topic


@topic("parked.MessageDiscarded")
class MessageDiscarded(Fact, frozen=True, kw_only=True):
    """A person decided that a parked message leads to nothing; the store says when that was recorded.

    Where it was read (`consumer_group`, `topic`, `partition`, `offset`), why it was parked (`kind`, `reason`), the
    SHA-256 of its raw value, and its names where it could be read. `because` is the reason that `actor` gave.
    """

    occurred_at: datetime
    consumer_group: str
    topic: str
    partition: int
    offset: int
    kind: str
    reason: str
    because: str
    actor: str
    value_sha256: str | None = None
    tenant: str | None = None
    subject: str | None = None
    source: str | None = None
    message_id: str | None = None
