"""Consumers, topics and messages for the tests on a real broker."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from consumers.messages.kinds import Family
from consumers.topics import DEFAULT_TOPICS
from evledger.simulator import Message, benchmark_messages
from ledger.store.positions import ControlTotals, control_totals
from tests.integration.consumer_process import Order
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
CLIENT = {"reconnect_backoff_max_ms": 1000}
SEED = 7


@dataclass(frozen=True)
class Stage:
    """One test's database and topics."""

    url: str
    bootstrap_servers: str
    prefix: str
    folder: Path

    @property
    def group(self) -> str:
        return f"{self.prefix}group"

    @property
    def topics(self) -> dict[str, Family]:
        return {self.prefix + name: family for name, family in DEFAULT_TOPICS.items()}

    def topic(self, family: Family) -> str:
        return next(name for name, carried in self.topics.items() if carried == family)

    def order(self, owner: str, **faults: Any) -> Order:
        return Order(self.url, self.bootstrap_servers, owner, self.group, self.topics, **faults)


@dataclass
class ConsumerProcess:
    """A consumer that runs as our child; `log` is its standard error."""

    stage: Stage
    owner: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def said(self, text: str) -> bool:
        return text in self.log.read_text()

    @property
    def is_frozen(self) -> bool:
        """Whether the kernel has stopped it (state T)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rsplit(") ", 1)[1].startswith("T")

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> dict[str, int]:
        """End it politely; its totals."""
        self.send(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, self.log.read_text()
        totals: dict[str, int] = json.loads(out)
        return totals


@contextmanager
def consumer(stage: Stage, owner: str, url: str | None = None, **faults: Any) -> Iterator[ConsumerProcess]:
    """A running consumer; killed at the end if it still runs. `url`: another way to the stage's database."""
    order = msgspec.structs.replace(stage.order(owner, **faults), url=url or stage.url)
    command = [sys.executable, "-m", "tests.integration.consumer_process", msgspec.json.encode(order).decode()]
    log = stage.folder / f"{owner}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=file)
    try:
        yield ConsumerProcess(stage, owner, process, log)
    finally:
        process.kill()
        process.communicate()


def sessions_and_billing(sessions: int) -> tuple[list[Message], list[Message]]:
    """Messages of so many sessions, with two duplicates in a hundred; and the tariff and accounts they refer to."""
    messages = list(benchmark_messages(sessions, SEED))
    about_sessions = [message for message in messages if message.topic == "ev.sessions.v1"]
    return about_sessions, [message for message in messages if message.topic != "ev.sessions.v1"]


def expected(*messages: Sequence[Message]) -> ControlTotals:
    """What control totals must say when each of these messages was read once."""
    everything = [(message.key, message.value) for part in messages for message in part]
    unique = len(set(everything))
    return ControlTotals(len(everything), unique, len(everything) - unique, parked=0, discarded=0)


def produce(stage: Stage, messages: Sequence[Message]) -> None:
    """Send messages to the stage's topics, and wait until the broker has them all."""
    producer = KafkaProducer(
        bootstrap_servers=stage.bootstrap_servers, acks="all", enable_idempotence=True, linger_ms=5, **CLIENT
    )
    try:
        sent = [
            producer.send(stage.prefix + message.topic, message.value, message.key.encode(), list(message.headers))
            for message in messages
        ]
        producer.flush()
        for future in sent:
            future.get(timeout=60)
    finally:
        producer.close()


@contextmanager
def admin(stage: Stage) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=stage.bootstrap_servers, **CLIENT)
    try:
        yield client
    finally:
        client.close()


def totals(stage: Stage) -> ControlTotals:
    """The control totals in the stage's database."""
    with psycopg.connect(stage.url, autocommit=True) as connection:
        return control_totals(connection)


def wait_for_totals(stage: Stage, wanted: ControlTotals) -> None:
    """Wait until so many messages were read."""
    wait_until(lambda: totals(stage).messages_read >= wanted.messages_read, f"{wanted}; there is {totals(stage)}")


def owners(stage: Stage) -> dict[str, int]:
    """How many partitions each consumer owns by the database."""
    with psycopg.connect(stage.url, autocommit=True) as connection:
        rows = connection.execute("SELECT owner, count(*) FROM ledger.consumer_positions GROUP BY owner").fetchall()
    return {owner: count for owner, count in rows if owner}


def session_partitions(stage: Stage) -> dict[str, int]:
    """How many partitions of the sessions topic each consumer owns by the database."""
    query = "SELECT owner, count(*) FROM ledger.consumer_positions WHERE topic = %s AND owner <> '' GROUP BY owner"
    with psycopg.connect(stage.url, autocommit=True) as connection:
        return dict(connection.execute(query, [stage.topic("session")]).fetchall())


def committed(stage: Stage) -> int:
    """The sum of the offsets that Kafka shows for the group, on the sessions topic."""
    client = KafkaConsumer(bootstrap_servers=stage.bootstrap_servers, group_id=stage.group, **CLIENT)
    try:
        places = [TopicPartition(stage.topic("session"), partition) for partition in range(12)]
        return sum(client.committed(place) or 0 for place in places)
    finally:
        client.close()
