"""Being a member of the group, and becoming one again when the client has silently stopped being one."""

import logging
import time
from collections.abc import Iterable

from kafka import KafkaConsumer
from kafka.structs import MemberState

from consumers.ownership import Ownership

log = logging.getLogger("evledger.consumers")


class Membership:
    """One consumer's place in its group.

    The client (kafka-python 3.0.12) can forget to finish a rebalance: when changed metadata called for it and a poll
    ended in the middle, no later poll goes on with it. The consumer then goes on polling without heartbeats, is put
    out of the group, and is fenced or idle for ever. So whoever is not a full member for a session timeout joins anew.
    """

    def __init__(self, consumer: KafkaConsumer, topics: Iterable[str], own: Ownership, session_timeout_ms: int) -> None:
        self._consumer = consumer
        self._topics = list(topics)
        self._own = own
        self._patience_s = session_timeout_ms / 1_000
        self._member_at = time.monotonic()

    def join(self) -> None:
        """Join at the next poll. Whoever asks the client for offsets in between spares a second rebalance right after
        the first: it has all metadata then.
        """
        self._consumer.subscribe(self._topics, listener=self._own)

    def keep(self) -> None:
        """Between polls: join anew after too long a time outside. Raises KafkaError."""
        now = time.monotonic()
        if self._consumer.group_metadata().state == MemberState.STABLE:
            self._member_at = now
        elif now - self._member_at > self._patience_s:
            log.warning("not a member of the group for %g s: joining anew", self._patience_s)
            self._member_at = now
            self._own.on_partitions_lost(self._consumer.assignment())
            self._consumer.unsubscribe()
            self._consumer.subscribe(self._topics, listener=self._own)
