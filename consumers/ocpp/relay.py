"""The adapter's relay: sends its outbox to the sessions topic, in order, at least once."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event
from typing import Any, NamedTuple

import psycopg
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from consumers.kafka_client import BrokerError, KafkaSettings, reaching, said
from consumers.ocpp.rows import CHANNEL
from consumers.topics import create_missing
from ledger.store.connection import connect

# Any number of adapters may run on a database; one of them sends. The lock ends with its connection.
RELAY_LOCK_KEY = 0x6F63_7070_02

# How often one that does not send asks whether it may now.
LOCK_INTERVAL_S = 1

# A page: enough for the producer's batches to fill, little enough to hold in memory twice.
PAGE_MESSAGES = 2_000

LINGER_MS = 20
BATCH_BYTES = 256 * 1024

# How long a broker may be away in the middle of a page (a restart takes 15 s) before the relay gives up.
DELIVERY_TIMEOUT_MS = 120_000

# How long to wait for news, if nobody tells of any: also how soon a stop is noticed.
NEWS_TIMEOUT_S = 0.5

PAGE = "SELECT position, session_id, value FROM ledger.ocpp_outbox WHERE position > %s ORDER BY position LIMIT %s"

PUBLISHED = "SELECT coalesce(max(position), 0) FROM ledger.ocpp_published WHERE topic = %s"

MOVE = """
INSERT INTO ledger.ocpp_published AS p (topic, position) VALUES (%s, %s)
ON CONFLICT (topic) DO UPDATE SET position = greatest(p.position, excluded.position)
"""


class _Row(NamedTuple):
    position: int
    session_id: str
    value: bytes


class OcppRelay:
    """Sends what the outbox holds beyond the published position; both give how many messages the broker has confirmed.

    A message that was sent and not marked is sent again, under the same id: the ledger counts it as a repeat.
    """

    def __init__(self, url: str, settings: KafkaSettings, topic: str) -> None:
        self._url = url
        self._settings = settings
        self._topic = topic

    def publish(self) -> int:
        """To the end of the outbox, once; nothing while another adapter sends. Raises BrokerError."""
        with connect(self._url, "app") as connection:
            if not _is_ours(connection):
                return 0
            with self._producer() as producer:
                return self._to_the_end(connection, producer)

    def run(self, stop: Event) -> int:
        """Until stopped; as long as another adapter sends, wait for its end. Raises BrokerError."""
        sent = 0
        with connect(self._url, "app") as connection:
            while not _is_ours(connection):
                if stop.wait(LOCK_INTERVAL_S):
                    return 0
            connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(CHANNEL)))
            with self._producer() as producer:
                while not stop.is_set():
                    sent += self._to_the_end(connection, producer)
                    _wait_for_news(connection)
                return sent + self._to_the_end(connection, producer)

    @contextmanager
    def _producer(self) -> Iterator[KafkaProducer]:
        with reaching(self._settings):
            with closing(KafkaAdminClient(**self._settings.client())) as admin:
                create_missing(admin, [self._topic], self._settings.new_topics)
            producer = KafkaProducer(
                **self._settings.client(),
                acks="all",
                enable_idempotence=True,
                delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
                linger_ms=LINGER_MS,
                batch_size=BATCH_BYTES,
            )
        try:
            yield producer
        finally:
            producer.close(timeout=0)

    def _to_the_end(self, connection: psycopg.Connection[Any], producer: KafkaProducer) -> int:
        ((after,),) = connection.execute(PUBLISHED, [self._topic]).fetchall()
        sent = 0
        while page := [_Row(*row) for row in connection.execute(PAGE, [after, PAGE_MESSAGES], binary=True)]:
            self._send(producer, page)
            after = page[-1].position
            connection.execute(MOVE, [self._topic, after])
            sent += len(page)
        return sent

    def _send(self, producer: KafkaProducer, page: list[_Row]) -> None:
        """Send a page, and wait until the broker has confirmed each of its messages."""
        try:
            futures = [producer.send(self._topic, key=row.session_id.encode(), value=row.value) for row in page]
            producer.flush()
            for future in futures:
                future.get(timeout=0)
        except KafkaError as error:
            address = self._settings.bootstrap_servers
            raise BrokerError(f"Kafka at {address}, topic {self._topic}: {said(error)}") from error


def _is_ours(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [RELAY_LOCK_KEY]).fetchone()
    return row == (True,)


def _wait_for_news(connection: psycopg.Connection[Any]) -> None:
    for _ in connection.notifies(timeout=NEWS_TIMEOUT_S, stop_after=1):
        return
