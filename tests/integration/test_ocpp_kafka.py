"""`evledger adapt ocpp` between real topics: frames in, session messages out, each once for the ledger."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from evledger.adapter import OcppAdapter
from evledger.services import consume, kafka_settings
from evledger.settings import Settings
from ledger.store.positions import control_totals
from tests.integration.consuming import CLIENT, ROOT
from tests.unit.ocpp.logs import account, bare, request, start_16, started_16, station, stop_16, values_16
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

SESSION = (
    start_16("m1", "2026-11-02T08:00:00Z", 1_000_000),
    started_16("m1", 1),
    values_16("m2", "2026-11-02T08:30:00Z", {"value": "1004000"}),
    stop_16("m3", "2026-11-02T09:00:00Z", 1_008_000),
)


@pytest.fixture
def settings(database_url: str, kafka_broker: str, topic_prefix: str) -> Settings:
    """A database and topics of the test's own."""
    names = {
        name: f"{topic_prefix}{field.default}"
        for name, field in Settings.model_fields.items()
        if name.startswith("topic_") and isinstance(field.default, str)
    }
    return Settings(
        database_url=database_url,
        kafka_bootstrap_servers=kafka_broker,
        kafka_group=f"{topic_prefix}group",
        topic_partitions=3,
        **names,
    )


@pytest.fixture
def adapter(settings: Settings, kafka_broker: str) -> OcppAdapter:
    return OcppAdapter(settings, kafka_settings(settings, kafka_broker), "default")


def produce(settings: Settings, lines: Sequence[str]) -> None:
    """Lines to the test's topics; those without a key wherever the client puts them."""
    prefix = settings.topic_ocpp_frames.removesuffix("ocpp.frames.v1")
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, acks="all", **CLIENT)
    try:
        for each in map(json.loads, lines):
            key = each.get("key")
            headers = [(name, text.encode()) for name, text in each.get("headers", {}).items()]
            value = each["value"].encode()
            producer.send(prefix + each["topic"], value, None if key is None else key.encode(), headers)
        producer.flush()
    finally:
        producer.close()


def sent(settings: Settings) -> list[dict[str, Any]]:
    """All events on the sessions topic."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest", **CLIENT)
    try:
        places = [TopicPartition(settings.topic_sessions, number) for number in range(3)]
        consumer.assign(places)
        ends, found = consumer.end_offsets(places), []
        while any(consumer.position(place) < ends[place] for place in places):
            found += [record for records in consumer.poll(500).values() for record in records]
        assert all(json.loads(record.value)["subject"].encode() == record.key for record in found)
        return [json.loads(record.value) for record in found]
    finally:
        consumer.close()


def query(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
        return connection.execute(statement).fetchall()


def test_frames_become_a_session_of_the_ledger_once(settings: Settings, adapter: OcppAdapter) -> None:
    adapter.run_once(Event(), None)  # makes the topics
    produce(settings, [*SESSION, request("h", "Heartbeat", {}), bare("not json"), station(), account()])
    totals = adapter.run_once(Event(), None)
    assert (totals.read, totals.ignored, totals.parked) == (8, 2, 1)
    assert [event["type"].split(".")[2] for event in sent(settings)] == ["started", "metered", "ended"]
    assert adapter.run_once(Event(), None).read == 0
    assert len(sent(settings)) == 3
    consumed = consume(settings, settings.kafka_bootstrap_servers or "", Event(), once=True)
    assert (consumed.read, consumed.appended) == (4, 4)
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:  # type: ignore[union-attr]
        assert control_totals(connection).are_complete()


def test_a_relay_that_is_killed_before_it_marks_adds_nothing(
    settings: Settings, adapter: OcppAdapter, database_url: str
) -> None:
    adapter.run_once(Event(), None)
    produce(settings, [station(), account(), *SESSION])
    adapter.read(Event(), once=True)
    command = [sys.executable, "-m", "tests.integration.ocpp_relay_process", database_url]
    arguments = [settings.kafka_bootstrap_servers or "", settings.topic_sessions]
    done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "3\n"), done.stderr
    assert query(settings, "SELECT * FROM ledger.ocpp_published") == []
    wait_until(lambda: adapter.relay().publish() == 3, "the killed relay's lock to end")
    assert len(sent(settings)) == 6
    consumed = consume(settings, settings.kafka_bootstrap_servers or "", Event(), once=True)
    assert (consumed.appended, consumed.duplicates, consumed.parked) == (4, 3, 0)


def is_sent(settings: Settings) -> bool:
    return query(settings, "SELECT position FROM ledger.ocpp_published") != []


def test_the_service_adapts_while_it_runs_and_ends_well(
    settings: Settings, adapter: OcppAdapter, tmp_path: Path
) -> None:
    adapter.run_once(Event(), None)
    environment = dict(os.environ) | {
        f"EVLEDGER_{name.upper()}": getattr(value, "get_secret_value", lambda value=value: str(value))()
        for name, value in settings
        if value is not None
    }
    command = [str(Path(sys.executable).parent / "evledger"), "adapt", "ocpp", "--json"]
    process = subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        produce(settings, [station(), account(), *SESSION])
        wait_until(lambda: process.poll() is not None or is_sent(settings), "the relay to send")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["messages"] == 3
    assert {event["subject"] for event in sent(settings)} == {"S-1:1:20261102T080000Z"}
