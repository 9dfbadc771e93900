"""A consumer end to end on a real broker, against a bare loop that copies the raw bytes, and two against one.

The messages are produced once, to topics of the benchmark's own, and each reader reads all of them. Rates are taken
between the first and the last commit, so that neither joining a group nor starting a process counts.
"""

import os
import struct
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import psycopg
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.child import in_child
from benchmarks.database import database
from consumers.kafka_client import PARTITION_FETCH_BYTES_MAX, KafkaSettings
from consumers.loop import ConsumerLoop
from consumers.messages.account import AccountDefaults
from consumers.messages.kinds import Family
from consumers.messages.reader import MessageReader
from consumers.pipeline import BATCH_MESSAGES_MAX, Pipeline, settle_process
from consumers.read_ahead import ReadAhead
from consumers.topics import DEFAULT_TOPICS, PARTITIONS, TopicSettings, create_missing
from evledger.broker import resolve_jars, start_broker
from evledger.simulator.benchmark import MESSAGES_PER_SESSION, benchmark_messages
from ledger.application import Epochs, Ledger
from ledger.intake.batch import Batch
from ledger.store.positions import control_totals
from ledger.store.recorder import Written

SEED = 7
LEGAL_ENTITY = "EVL"
JARS = Path(".kafka")

# All that is compared is taken in turns, so many times, and the best of each counts: whatever else runs on the machine
# makes a run slower, never faster, and seldom all runs of one kind.
RUNS = 3

# What a fast producer uses.
LINGER_MS = 20
PRODUCER_BATCH_BYTES = 256 * 1024
CLIENT = {"reconnect_backoff_max_ms": 1_000}

POLL_TIMEOUT_MS = 1_000

# Binary COPY: the header, a row of one column, the trailer.
_COPY_BEGIN = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_COPY_END = struct.pack("!h", -1)
_row = struct.Struct("!hi").pack

# Instants of commits on the machine's clock, and how many messages each brought.
Commits = Sequence[tuple[float, int]]

# What each consumer that took part did.
Run = list[dict[str, Any]]


class Topics(NamedTuple):
    """Where the messages are."""

    bootstrap_servers: str
    prefix: str

    @property
    def families(self) -> dict[str, Family]:
        return {self.prefix + name: family for name, family in DEFAULT_TOPICS.items()}

    @property
    def sessions(self) -> str:
        return next(name for name, family in self.families.items() if family == "session")


def run(events: int) -> dict[str, Any]:
    """Produce about `events` messages; rates in messages a second. `ratio` is one consumer to the bare loop."""
    with _broker() as address:
        topics = Topics(address, f"benchmark-{uuid.uuid4().hex[:12]}.")
        produced, produced_per_s = produce(topics, max(events // MESSAGES_PER_SESSION, 1))
        rounds = [_round(topics, produced) for _ in range(RUNS)]
    limit_per_s = max(each.limit_per_s for each in rounds)
    one, alone, two = (_fastest([getattr(each, name) for each in rounds]) for name in ("one", "alone", "two"))
    one_per_s, alone_per_s, two_per_s = _rate(one), _rate(alone), _rate(two)
    both_read = all(each["commits"] for each in two)
    return {
        "events": produced,
        "events_per_s": round(one_per_s),
        "limit_per_s": round(limit_per_s),
        "ratio": round(one_per_s / limit_per_s, 2),
        "alone_per_s": round(alone_per_s),
        "two_consumers_per_s": round(two_per_s),
        # In a short run the first may have read all before the second has joined: that compares nothing.
        "two_to_one": round(two_per_s / alone_per_s, 2) if both_read and alone_per_s else None,
        "cpu_us_per_event": one[0]["cpu_us_per_event"],
        "produced_per_s": round(produced_per_s),
        "peak_rss_mb": one[0]["peak_rss_mb"],
    }


class Round(NamedTuple):
    """What is compared, taken one after the other: the bare loop, one consumer as it comes, one that reads for itself,
    and two of these.
    """

    limit_per_s: float
    one: Run
    alone: Run
    two: Run


def _round(topics: Topics, produced: int) -> Round:
    with database() as place:
        limit_per_s = _rate([in_child(copy_raw_bytes, place.url, topics, produced)])
    # Reading ahead takes a core, which two consumers leave none of on the smallest machine.
    one = _consume_together(topics, produced, ["one"], reads_ahead=True)
    alone = _consume_together(topics, produced, ["one"], reads_ahead=False)
    two = _consume_together(topics, produced, ["one", "two"], reads_ahead=False)
    return Round(limit_per_s, one, alone, two)


def _fastest(runs: Sequence[Run]) -> Run:
    return max(runs, key=_rate)


def _consume_together(topics: Topics, produced: int, owners: Sequence[str], *, reads_ahead: bool) -> Run:
    """One process for each owner, in one group, into a database that knows of no positions; each message read once, by
    their own totals.
    """
    with database() as place, ThreadPoolExecutor(len(owners)) as threads:
        group = f"group-of-{len(owners)}"
        children = [threads.submit(in_child, consume, place.url, topics, group, owner, reads_ahead) for owner in owners]
        results = [child.result() for child in children]
        with Ledger(place.url) as ledger:
            totals = control_totals(ledger.connection, topics.sessions)
    assert totals.are_complete() and totals.parked == 0 and totals.messages_read == produced
    return results


def produce(topics: Topics, sessions: int) -> tuple[int, float]:
    """Send all messages; how many went to the sessions topic, and how many a second."""
    admin = KafkaAdminClient(bootstrap_servers=topics.bootstrap_servers, **CLIENT)
    create_missing(admin, topics.families, TopicSettings())
    admin.close()
    producer = KafkaProducer(
        bootstrap_servers=topics.bootstrap_servers, linger_ms=LINGER_MS, batch_size=PRODUCER_BATCH_BYTES, **CLIENT
    )
    began, produced = time.perf_counter(), 0
    for message in benchmark_messages(sessions, SEED):
        topic = topics.prefix + message.topic
        producer.send(topic, message.value, message.key.encode())
        produced += topic == topics.sessions
    producer.flush()
    producer.close()
    return produced, produced / (time.perf_counter() - began)


def copy_raw_bytes(url: str, topics: Topics, expected: int) -> dict[str, Any]:
    """The limit: poll, COPY the values as they are, commit; no group, no contract, no index."""
    consumer = KafkaConsumer(
        bootstrap_servers=topics.bootstrap_servers,
        enable_auto_commit=False,
        max_poll_records=BATCH_MESSAGES_MAX,
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES_MAX,
        metrics_enabled=False,
        **CLIENT,
    )
    consumer.assign([TopicPartition(topics.sessions, partition) for partition in range(PARTITIONS)])
    consumer.seek_to_beginning()
    commits: list[tuple[float, int]] = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS raw_bytes")
        connection.execute("CREATE TABLE raw_bytes (value bytea NOT NULL)")
        while sum(count for _, count in commits) < expected:
            values = [message.value for part in consumer.poll(POLL_TIMEOUT_MS).values() for message in part]
            if values:
                _copy(connection, values)
                commits.append((time.perf_counter(), len(values)))
    consumer.close()
    return {"commits": commits}


def _copy(connection: psycopg.Connection[Any], values: Sequence[bytes]) -> None:
    rows = b"".join([part for value in values for part in (_row(1, len(value)), value)])
    with connection.cursor() as cursor, cursor.copy("COPY raw_bytes FROM STDIN (FORMAT binary)") as copy:
        copy.write(_COPY_BEGIN + rows + _COPY_END)


class TimedLedger(Ledger):
    """The real ledger, which notes when each batch was stored."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.commits: list[tuple[float, int]] = []

    def commit(self, batch: Batch, group: str, epochs: Epochs) -> Written:
        written = super().commit(batch, group, epochs)
        self.commits.append((time.perf_counter(), sum(counts.messages_read for counts in batch.counts.values())))
        return written


def consume(url: str, topics: Topics, group: str, owner: str, reads_ahead: bool) -> dict[str, Any]:
    """The real loop to the end of the topics."""
    settings = KafkaSettings(topics.bootstrap_servers, owner, topics.families)
    contract = (AccountDefaults(LEGAL_ENTITY, "Europe/Amsterdam"), topics.families)
    reader, group = MessageReader(*contract), topics.prefix + group
    settle_process()
    with ExitStack() as stack:
        ledger = stack.enter_context(TimedLedger(url))
        ahead = stack.enter_context(ReadAhead(*contract)) if reads_ahead else None
        pipeline = stack.enter_context(Pipeline(ledger, reader.read, LEGAL_ENTITY, group, ahead))
        began = time.process_time()
        totals = ConsumerLoop(ledger, pipeline, settings).run(Event(), once=True)
        cpu_us = (time.process_time() - began) * 1e6 / max(totals.read, 1)
        return {"commits": ledger.commits, "read": totals.read, "cpu_us_per_event": round(cpu_us, 1)}


def _rate(run: Run) -> float:
    """Messages a second of all readers together, from when each of them had its first commit behind it."""
    busy: list[Commits] = [each["commits"] for each in run if each["commits"]]
    began = max(commits[0][0] for commits in busy)
    ended = max(commits[-1][0] for commits in busy)
    counted = sum(count for commits in busy for instant, count in commits if instant > began)
    return counted / (ended - began) if counted else 0.0


@contextmanager
def _broker() -> Iterator[str]:
    """The broker by address, or one of the benchmark's own."""
    address = os.environ.get("EVLEDGER_KAFKA_BOOTSTRAP_SERVERS")
    if address:
        yield address
        return
    with tempfile.TemporaryDirectory(prefix="evledger-bench-kafka-") as folder:
        broker = start_broker(Path(folder), resolve_jars(JARS))
        try:
            yield broker.bootstrap_servers
        finally:
            broker.stop()
