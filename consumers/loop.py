"""The Kafka consumer: poll, handle, commit. The only place that polls.

Positions live in the database and move in the transaction of the facts; Kafka's committed offsets are for lag displays
only and are never read.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any, Generic

import psycopg
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError, RetriableError
from kafka.structs import OffsetAndMetadata

from consumers.handling import Handler, TotalsT_co
from consumers.kafka_client import KafkaSettings, reaching, said
from consumers.membership import Membership
from consumers.ownership import Ownership, answering
from consumers.polled import Polled, to_batches
from consumers.topics import Topic, TopicWatch
from consumers.unpacking import hand_out_records
from ledger.application import Ledger, UnavailableError
from ledger.store.positions import Place, next_offsets
from ledger.store.recorder import FencedError

log = logging.getLogger("evledger.consumers")

# How long a poll waits for records: also how soon a stop, a new partition or an idle moment is noticed.
POLL_TIMEOUT_MS = 200

# How long to wait before trying again what an outage made fail; the servers take seconds to restart.
RETRY_INTERVAL_MS = 500

# Sessions wait for tariffs and accounts that were published before the consumer began. Not for ever: a message that
# comes too early is parked and tried again by itself when what it waits for arrives.
BILLING_FIRST_TIMEOUT_S = 60

# Families whose messages refer to those of the others: to tariffs and accounts, to stations.
REFERRING = frozenset({"session", "frame"})

# How often a busy consumer asks whether it has reached the ends; an idle one asks at once.
ENDS_INTERVAL_S = 1

# Lag displays refresh about as often.
LAG_INTERVAL_S = 5

# Leaving must not wait for a broker that is gone.
LEAVE_TIMEOUT_MS = 3_000

Progress = Callable[[int], None]


class LostRangeError(Exception):
    """Messages that were never read are gone from Kafka; the message names topic, partition and offsets."""


class ConsumerLoop(Generic[TotalsT_co]):
    """Reads the topics of `settings` as a member of the pipeline's group."""

    def __init__(self, ledger: Ledger, pipeline: Handler[TotalsT_co], settings: KafkaSettings) -> None:
        self._ledger = ledger
        self._pipeline = pipeline
        self._settings = settings

    def run(self, stop: Event, once: bool = False, progress: Progress | None = None) -> TotalsT_co:
        """Read until `stop` is set; with `once` until all partitions are read to where they end now.

        `progress` is told how many messages were read. Outages of the broker or the database that begin while it
        runs are waited for. Raises BrokerError and UnavailableError when one is unreachable at the start,
        TopicChangedError, LostRangeError.
        """
        settings, group = self._settings, self._pipeline.group
        with reaching(settings), _admin(settings) as admin:
            watch = TopicWatch(self._ledger, group, admin, settings.topics)
            with answering():
                topics = watch.prepare(settings.new_topics)
            with _consumer(settings, group) as consumer:
                reading = _Reading(self._ledger, self._pipeline, settings, consumer, watch)
                reading.start(_places(topics), once)
                reading.go_on(stop, progress or _unheard)
        return self._pipeline.totals


class _Reading:
    """One run of the loop over one connection to Kafka."""

    def __init__(
        self,
        ledger: Ledger,
        pipeline: Handler[Any],
        settings: KafkaSettings,
        consumer: KafkaConsumer,
        watch: TopicWatch,
    ) -> None:
        self._ledger = ledger
        self._pipeline = pipeline
        self._consumer = consumer
        self._watch = watch
        self._own = Ownership(ledger, pipeline, consumer, settings)
        self._member = Membership(consumer, settings.topics, self._own, settings.session_timeout_ms)
        self._outage = _Outage()
        self._lag = _LagDisplay(consumer)
        self._billing = frozenset(topic for topic, family in settings.topics.items() if family not in REFERRING)
        self._billing_ends: Mapping[Place, int] = {}
        self._billing_first_until = time.monotonic() + BILLING_FIRST_TIMEOUT_S
        self._until: Mapping[Place, int] | None = None
        self._ends_due = 0.0

    def start(self, places: Sequence[TopicPartition], once: bool) -> None:
        """Join the group, give new partitions their first position, and see how far there is to read."""
        self._member.join()
        self._own.begin(self._consumer.beginning_offsets(places))
        ends = self._consumer.end_offsets(places)
        self._until = ends if once else None
        self._billing_ends = {place: end for place, end in ends.items() if place.topic in self._billing}
        self._own.hold_back({place.topic for place in places} - self._billing)

    def go_on(self, stop: Event, progress: Progress) -> None:
        """Until stopped or done; what was read is stored on return."""
        is_done = False
        while not (stop.is_set() or is_done):
            try:
                is_done = self._turn(progress)
            except FencedError as fenced:
                log.warning("%s", fenced)
                self._own.fenced(fenced.partitions)
            except UnavailableError as error:
                self._wait_for_database(error)
        with suppress(FencedError):  # then another one has read it
            self._pipeline.drain()
        self._lag.show(self._own.epochs)

    def _turn(self, progress: Progress) -> bool:
        """One poll and what it brings. True when nothing is left to do."""
        if self._watch.is_due or not self._own.is_settled:
            self._check_topics()
            self._own.settle()
        polled = self._poll()
        self._handle(polled, progress)
        self._outage.ends()
        self._lag.show_when_due(self._own.epochs)
        if polled and time.monotonic() < self._ends_due:
            return False
        self._ends_due = time.monotonic() + ENDS_INTERVAL_S
        return self._is_done()

    def _check_topics(self) -> None:
        """Raises TopicChangedError. A broker that does not answer is asked again later."""
        try:
            with answering():
                self._watch.check()
        except RetriableError as error:
            self._outage.begins(said(error))

    def _poll(self, timeout_ms: int = POLL_TIMEOUT_MS) -> Polled:
        try:
            self._member.keep()
            polled: Polled = self._consumer.poll(timeout_ms)
        except OffsetOutOfRangeError as error:
            raise self._lost_range(error.args[0]) from error
        except RetriableError as error:
            self._outage.begins(said(error))
            time.sleep(RETRY_INTERVAL_MS / 1_000)
            return {}
        return polled

    def _handle(self, polled: Polled, progress: Progress) -> None:
        epochs = self._own.epochs
        if not polled:
            self._pipeline.drain()
        for records in to_batches(polled, epochs, self._billing):
            self._pipeline.handle(records, epochs)
            progress(len(records))
        self._lag.read_to({place: messages[-1].offset + 1 for place, messages in polled.items()})

    def _is_done(self) -> bool:
        if self._billing_ends:
            self._release_sessions()
        return self._until is not None and not self._billing_ends and self._are_reached(self._until)

    def _release_sessions(self) -> None:
        """Sessions are read as soon as the tariffs and accounts that were there at the start have been."""
        if self._are_reached(self._billing_ends):
            self._billing_ends = {}
        elif time.monotonic() > self._billing_first_until:
            log.warning("tariffs and accounts are not read to their end after %d s", BILLING_FIRST_TIMEOUT_S)
            self._billing_ends = {}
        if not self._billing_ends:
            self._own.release()

    def _are_reached(self, ends: Mapping[Place, int]) -> bool:
        """Whether everything before these offsets is stored, by us or by others of the group."""
        if any(self._is_behind(place, end) for place, end in ends.items()):
            return False
        self._pipeline.drain()
        with answering():
            stored = next_offsets(self._ledger.connection, self._pipeline.group)
        return all(stored[place] >= end or self._passed(place) >= end for place, end in ends.items())

    def _is_behind(self, place: TopicPartition, end: int) -> bool:
        """Whether we ourselves have more to read: then there is no need to ask the store."""
        return self._is_ours(place) and self._passed(place) < end

    def _passed(self, place: TopicPartition) -> int:
        """How far we have come, also over offsets that hold no record (a transaction's marker)."""
        return int(self._consumer.position(place)) if self._is_ours(place) else 0

    def _is_ours(self, place: TopicPartition) -> bool:
        return place in self._own.epochs and place in self._consumer.assignment()

    def _wait_for_database(self, error: UnavailableError) -> None:
        """Stay in the group with all partitions paused. A fault of ours is no outage: raised again."""
        if _is_fault(error):
            raise error
        self._outage.begins(str(error))
        self._own.doubt()
        self._poll(RETRY_INTERVAL_MS)

    def _lost_range(self, positions: Mapping[TopicPartition, int]) -> LostRangeError:
        place, position = min(positions.items())
        begins = self._consumer.beginning_offsets([place])[place]
        ends = self._consumer.end_offsets([place])[place]
        name = f"topic {place.topic}, partition {place.partition}"
        if position < begins:
            return LostRangeError(
                f"{name}: messages {position} to {begins - 1} were never read and are gone from Kafka (retention): "
                "restore them, or move the position on in ledger.consumer_positions"
            )
        return LostRangeError(f"{name}: read to offset {position}, but Kafka's log ends at {ends}: it lost messages")


class _Outage:
    """One line when an outage begins, one when it ends."""

    def __init__(self) -> None:
        self._is_on = False

    def begins(self, cause: str) -> None:
        if not self._is_on:
            log.warning("%s: reading goes on when this is over", cause)
        self._is_on = True

    def ends(self) -> None:
        if self._is_on:
            log.warning("reading goes on")
        self._is_on = False


class _LagDisplay:
    """Tells Kafka how far we are, a little late, so that its tools can show it. Nothing reads it back."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._read: dict[Place, int] = {}
        self._stored: dict[Place, int] = {}
        self._due = 0.0

    def read_to(self, offsets: Mapping[Place, int]) -> None:
        """Handled, perhaps not stored yet."""
        self._read.update(offsets)

    def show_when_due(self, ours: Mapping[Place, int]) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + LAG_INTERVAL_S
            self._commit(self._stored, ours)
            self._stored = dict(self._read)  # by the next time

    def show(self, ours: Mapping[Place, int]) -> None:
        """At the end, when all that was read is stored."""
        self._commit(self._read, ours)

    def _commit(self, offsets: Mapping[Place, int], ours: Mapping[Place, int]) -> None:
        to_show = {place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items() if place in ours}
        with suppress(KafkaError):
            self._consumer.commit_async(to_show)


@contextmanager
def _admin(settings: KafkaSettings) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(**settings.client())
    try:
        yield admin
    finally:
        admin.close()


@contextmanager
def _consumer(settings: KafkaSettings, group: str) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(**settings.consumer(group))
    hand_out_records(consumer)
    try:
        yield consumer
    finally:
        with suppress(KafkaError):
            consumer.close(autocommit=False, timeout_ms=LEAVE_TIMEOUT_MS)


def _places(topics: Sequence[Topic]) -> list[TopicPartition]:
    return [TopicPartition(topic.name, partition) for topic in topics for partition in range(topic.partitions)]


def _is_fault(error: BaseException | None) -> bool:
    """Whether the database refuses what we ask: trying again would go on for ever."""
    while error is not None:
        if isinstance(error, (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError)):
            return True
        error = error.__cause__
    return False


def _unheard(_: int) -> None:
    """Nobody wants to hear of progress."""
