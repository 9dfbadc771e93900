"""The relay: publishes the outbox to Kafka, in order, at least once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any, NamedTuple

import psycopg
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from ledger.store.connection import connect
from projections.outbox.outbox import CHANNEL
from projections.projector import listen, wait_for_news
from projections.single import RELAY_LOCK, take_lock

DEFAULT_TOPIC = "billing.events.v1"
PARTITIONS = 12

# A monthly statement of a large fleet has megabytes. The topic takes what the producer sends.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
# Messages and bytes of a page: enough for the producer's batches to fill, little enough to hold in memory twice.
PAGE_MESSAGES = 2_000
PAGE_BYTES = 8 * 1024 * 1024

# How long to look for a broker before saying that there is none.
BOOTSTRAP_TIMEOUT_MS = 10_000
# How long a broker may be away in the middle of a page (a restart takes 15 s) before the relay gives up.
DELIVERY_TIMEOUT_MS = 120_000
# The client's default of 30 s would leave the relay idle long after a broker's restart.
RECONNECT_BACKOFF_MAX_MS = 1_000
LINGER_MS = 20
BATCH_BYTES = 256 * 1024

READ_PAGE = """
SELECT position, key, payload FROM (
  SELECT *, sum(octet_length(payload)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING)
    - octet_length(payload) AS bytes_before
  FROM projection.outbox WHERE position > %s ORDER BY position LIMIT %s
) messages WHERE bytes_before < %s ORDER BY position
"""

PUBLISHED = "SELECT coalesce(max(position), 0) FROM projection.published_positions WHERE topic = %s"

MOVE = """
INSERT INTO projection.published_positions AS p (topic, position) VALUES (%s, %s)
ON CONFLICT (topic) DO UPDATE SET position = greatest(p.position, EXCLUDED.position)
"""


class BrokerUnavailableError(Exception):
    """No broker at the address, or it did not take the messages; nothing was counted as published."""


class _Record(NamedTuple):
    position: int
    key: str
    payload: bytes


class Relay:
    """Publishes what the outbox holds beyond the published position. One at a time per database.

    `publish` and `run` return the number of messages that the broker acknowledged; they raise
    BrokerUnavailableError, and AlreadyRunningError when another relay has the database.
    """

    def __init__(self, url: str, bootstrap_servers: str, topic: str = DEFAULT_TOPIC, **client: Any) -> None:
        """`client`: further settings of the Kafka client, such as TLS and SASL."""
        self._url = url
        self._client: dict[str, Any] = {
            "bootstrap_servers": bootstrap_servers,
            "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
            "reconnect_backoff_max_ms": RECONNECT_BACKOFF_MAX_MS,
            **client,
        }
        self._topic = topic

    def publish(self, from_position: int | None = None) -> int:
        """Publish to the end of the outbox, once.

        `from_position` sends again from that position of the outbox on (inclusive), on purpose; what was already
        published stays counted as published.
        """
        with self._open() as (connection, producer):
            return self._to_the_end(connection, producer, self._start(connection, from_position))

    def run(self, stop: Event, from_position: int | None = None) -> int:
        """Publish until stopped, woken by the projector's notifications."""
        with self._open() as (connection, producer):
            listen(connection, (CHANNEL,))
            sent = self._to_the_end(connection, producer, self._start(connection, from_position))
            while not stop.is_set():
                wait_for_news(connection)
                sent += self._to_the_end(connection, producer, self._start(connection, None))
        return sent

    @contextmanager
    def _open(self) -> Iterator[tuple[psycopg.Connection[Any], KafkaProducer]]:
        with connect(self._url, "projector") as connection:
            take_lock(connection, RELAY_LOCK, "relay")
            producer = self._producer()
            try:
                yield connection, producer
            finally:
                producer.close(timeout=0)

    def _producer(self) -> KafkaProducer:
        try:
            create_topic(self._topic, self._client)
            return KafkaProducer(
                **self._client,
                acks="all",
                enable_idempotence=True,
                delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
                max_request_size=MAX_MESSAGE_BYTES,
                linger_ms=LINGER_MS,
                batch_size=BATCH_BYTES,
            )
        except KafkaError as error:
            raise self._unavailable(error) from error

    def _start(self, connection: psycopg.Connection[Any], from_position: int | None) -> int:
        if from_position is not None:
            return from_position - 1
        ((position,),) = connection.execute(PUBLISHED, [self._topic]).fetchall()
        return int(position)

    def _to_the_end(self, connection: psycopg.Connection[Any], producer: KafkaProducer, after: int) -> int:
        sent = 0
        while records := _page(connection, after):
            self._send(producer, records)
            after = records[-1].position
            connection.execute(MOVE, [self._topic, after])
            sent += len(records)
        return sent

    def _send(self, producer: KafkaProducer, records: list[_Record]) -> None:
        """Send a page and wait until the broker has acknowledged each of its messages."""
        try:
            futures = [producer.send(self._topic, key=each.key.encode(), value=each.payload) for each in records]
            producer.flush()
            for future in futures:
                future.get(timeout=0)
        except KafkaError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: KafkaError) -> BrokerUnavailableError:
        address = self._client["bootstrap_servers"]
        text, name = " ".join(str(error).split()), type(error).__name__
        said = text if name in text else f"{name} {text}".strip()
        return BrokerUnavailableError(f"Kafka at {address}, topic {self._topic}: {said}")


def create_topic(topic: str, client: dict[str, Any]) -> None:
    """Create the topic as the contract has it, unless it is there. Raises KafkaError."""
    settings = {"cleanup.policy": "delete", "max.message.bytes": str(MAX_MESSAGE_BYTES)}
    admin = KafkaAdminClient(**client)
    try:
        if topic not in admin.list_topics():
            admin.create_topics([NewTopic(topic, PARTITIONS, topic_configs=settings)], wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return  # another process was first
    finally:
        admin.close()


def _page(connection: psycopg.Connection[Any], after: int) -> list[_Record]:
    rows = connection.execute(READ_PAGE, [after, PAGE_MESSAGES, PAGE_BYTES], binary=True).fetchall()
    return [_Record(*row) for row in rows]
