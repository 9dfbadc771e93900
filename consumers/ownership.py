"""Which partitions this consumer may write for: Kafka assigns them, an epoch in the database makes them ours.

Kafka's word is not enough: it can have given a partition away while we were frozen, and the client hands out buffered
records of partitions that are gone. So a partition is read only after its epoch was raised in our name, from the
position that was stored with it, and whoever held it before is fenced from then on.
"""

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

from consumers.handling import Handler
from consumers.kafka_client import KafkaSettings
from ledger.application import Ledger, UnavailableError, one_line
from ledger.store.positions import Place, TopicChangedError, acquire, begin, renew

log = logging.getLogger("evledger.consumers")

Positions = Mapping[Place, tuple[int, int]]

# A partition that Kafka assigns has no position until we give it one; with none the client looks for one of its own.
NO_POSITION_YET = 0


class Ownership(ConsumerRebalanceListener):  # type: ignore[misc]  # the client is untyped
    """The epochs of the partitions that are ours, and what to do when they come and go.

    The listener's methods (`on_…`) run on the client's thread, but only while ours waits in `poll`. They touch no
    database: a heartbeat that waits for one would cost us all partitions. Taking is done by `settle`, between polls.
    """

    def __init__(
        self,
        ledger: Ledger,
        pipeline: Handler[Any],
        consumer: KafkaConsumer,
        settings: KafkaSettings,
    ) -> None:
        self._ledger = ledger
        self._pipeline = pipeline
        self._consumer = consumer
        self._settings = settings
        self._starts: Mapping[Place, int] = {}
        self.epochs: Mapping[Place, int] = {}
        self._gone: set[Place] = set()
        self._lost: dict[Place, float] = {}
        self._held_back: frozenset[str] = frozenset()
        self._in_doubt = False
        self._is_rebalancing = False

    def begin(self, starts: Mapping[Place, int]) -> None:
        """Give every partition that was never read its first position. Raises UnavailableError."""
        self._starts = starts
        with answering():
            begin(self._ledger.connection, self._pipeline.group, starts)

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        for partition in assigned:
            self._consumer.pause(partition)
            self._consumer.seek(partition, NO_POSITION_YET)
            self._lost.pop(partition, None)
        self._is_rebalancing = False

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._is_rebalancing = True
        # A third: heartbeats wait for this, and the next owner only for us.
        self._pipeline.wait(self._settings.session_timeout_ms // 3_000)
        self._gone.update(revoked)

    def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        self._gone.update(lost)

    @property
    def is_settled(self) -> bool:
        """Whether everything that Kafka assigns is ours and nothing else is."""
        return not (self._gone or self._in_doubt or self._missing())

    def settle(self) -> None:
        """Give up what is gone, and take what is assigned. Raises FencedError, UnavailableError, TopicChangedError."""
        if self._gone:
            self._give_up()
        if self._in_doubt:
            self._renew()
        if missing := self._missing():
            self._take(missing)

    def fenced(self, places: Collection[Place]) -> None:
        """Another consumer wrote for these: let go of them, and ask the store about the others."""
        self._let_go(places)
        self.doubt()

    def doubt(self) -> None:
        """Nothing is known of what was on its way: read nothing until the store was asked (`settle`)."""
        self._pipeline.forget()
        self._in_doubt = True
        self._pause(self.epochs)

    def hold_back(self, topics: Collection[str]) -> None:
        """Own these topics' partitions, but do not read them yet."""
        self._held_back = frozenset(topics)

    def release(self) -> None:
        """Read what was held back."""
        self._held_back = frozenset()
        if not self._in_doubt:
            self._consumer.resume(*self._assigned(self.epochs))

    def _assigned(self, places: Collection[Place]) -> list[TopicPartition]:
        return [partition for partition in self._consumer.assignment() if partition in places]

    def _missing(self) -> set[Place]:
        """What is assigned and not ours. Nothing in the middle of a rebalance: a poll may end there, the client still
        names what was revoked, and what is taken then stays paused when it is assigned again.
        """
        if self._is_rebalancing:
            return set()
        now = time.monotonic()
        unowned: set[Place] = self._consumer.assignment() - self.epochs.keys()
        return {place for place in unowned if self._lost.get(place, now) <= now}

    def _give_up(self) -> None:
        gone, self._gone = self._gone, set()
        self.epochs = {place: epoch for place, epoch in self.epochs.items() if place not in gone}
        self._start_afresh()

    def _start_afresh(self) -> None:
        """What we remember of a partition's sessions holds only while nobody else can write to them."""
        self._pipeline.drain()
        self._pipeline.forget()

    def _renew(self) -> None:
        with answering():
            renewed = renew(self._ledger.connection, self._pipeline.group, self.epochs)
        self._in_doubt = False
        self._let_go(self.epochs.keys() - renewed.keys())
        self._continue(renewed)

    def _take(self, missing: set[Place]) -> None:
        if unknown := missing - self._starts.keys():
            topic, partition = min(unknown)
            raise TopicChangedError(f"topic {topic} has a partition {partition} that was not there at the start")
        self._start_afresh()
        with answering():
            starts = {place: self._starts[place] for place in missing}
            taken = acquire(self._ledger.connection, self._pipeline.group, self._settings.owner, starts)
        log.info("%d partitions taken", len(taken))
        self._continue(taken)

    def _let_go(self, places: Collection[Place]) -> None:
        """Not ours any more. If Kafka still assigns them after a session timeout, the other one was mistaken: a frozen
        owner that woke just before it took partitions, and has lost them since.
        """
        again = time.monotonic() + self._settings.session_timeout_ms / 1_000
        self._lost.update(dict.fromkeys(places, again))
        self._pause(places)
        self.epochs = {place: epoch for place, epoch in self.epochs.items() if place not in places}

    def _pause(self, places: Collection[Place]) -> None:
        self._consumer.pause(*self._assigned(places))

    def _continue(self, positions: Positions) -> None:
        """Read on from stored positions, under their epochs."""
        self.epochs = {**self.epochs, **{place: epoch for place, (_, epoch) in positions.items()}}
        for partition in self._assigned(positions):
            self._consumer.seek(partition, positions[partition][0])
            if partition.topic not in self._held_back:
                self._consumer.resume(partition)


@contextmanager
def answering() -> Iterator[None]:
    """A database that does not answer inside is an UnavailableError."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InternalError) as error:  # the latter: ended by a time limit
        raise UnavailableError(one_line(error)) from error
