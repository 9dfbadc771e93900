"""`evledger run` between two topics of a real broker: meter events in, invoice events out, by the public contracts."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from evledger.contracts import FOLDER, schema_file
from evledger.settings import Settings
from tests.e2e.json_schema import faults
from tests.e2e.program import Program, ended, started
from tests.waiting import wait_until

SESSIONS, SEED = "30", "5"
# All topics of the settings: one that tests share would bring the messages of the others.
FAMILIES = [
    name.removeprefix("topic_")
    for name, field in Settings.model_fields.items()
    if name.startswith("topic_") and field.annotation is not int
]
# What a run over the sessions above must have said.
SAID = {
    "billing.session.rated.v1",
    "billing.session.held.v1",
    "billing.invoice.issued.v1",
    "billing.balance.changed.v1",
}
FOLLOWING = (["consume"], ["adapt", "ocpp"], ["project"], ["publish"], ["bill", "--follow"], ["run"])

pytestmark = pytest.mark.kafka


@pytest.fixture
def environment(in_empty: str, kafka_broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A fresh database, topics of the test's own, and where the broker is."""
    monkeypatch.setenv("EVLEDGER_DATABASE_URL", in_empty)
    monkeypatch.setenv("EVLEDGER_KAFKA_BOOTSTRAP_SERVERS", kafka_broker)
    monkeypatch.setenv("EVLEDGER_KAFKA_GROUP", f"{topic_prefix}group")
    monkeypatch.setenv("EVLEDGER_TOPIC_PARTITIONS", "3")
    for family in FAMILIES:
        monkeypatch.setenv(f"EVLEDGER_TOPIC_{family.upper()}", topic_prefix + family)
    return dict(os.environ)


def test_meter_events_become_invoice_events_while_it_runs(program: Program, environment: dict[str, str]) -> None:
    billing = environment["EVLEDGER_TOPIC_BILLING"]
    with started(environment, "run") as running:
        sent = simulate(program)
        wait_until(lambda: totals(program)["messages_read"] >= sent, "all messages to be read")
        wait_until(lambda: program("invoice", "list", "--json").documents, "an invoice in the register")
        wait_until(lambda: said(environment) >= SAID, f"the messages of a run on {billing}")
        assert running.poll() is None
        running.send_signal(signal.SIGTERM)
        outcome = ended(running)
    assert (outcome.code, outcome.err) == (0, "")
    assert totals(program)["messages_complete"]
    assert_contracts(published(environment))
    numbers = {row["number"] for row in program("invoice", "list", "--json").documents}
    issued = [found["data"]["number"] for found in published(environment) if found["type"].endswith("issued.v1")]
    assert numbers >= set(issued)
    assert len(issued) == len(set(issued))


def test_command_by_command_the_same_comes_out(program: Program, environment: dict[str, str]) -> None:
    sent = simulate(program)
    consumed = program("consume", "--once", "--json").document
    assert consumed["read"] == consumed["appended"] == sent
    assert program("consume", "--once", "--json").document["read"] == 0
    issued = program("bill", "--now", "2026-12-01T12:00:00Z", "--json").document["issued"]
    assert issued > 0
    assert program("project", "--once").code == 0
    count = program("publish", "--once", "--json").document["published"]
    assert program("publish", "--once", "--json").document == {"published": 0}
    found = list(published(environment))
    assert len(found) == count
    assert_contracts(found)
    assert sum(message["type"] == "billing.invoice.issued.v1" for message in found) == issued
    assert program("publish", "--once", "--from", "1", "--json").document == {"published": count}
    assert sorted(message["id"] for message in published(environment)) == sorted(message["id"] for message in found * 2)


@pytest.mark.parametrize("command", FOLLOWING, ids=" ".join)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_asked_to_stop_ends_well(
    environment: dict[str, str], in_empty: str, command: list[str], number: signal.Signals
) -> None:
    with started(environment, *command, "--json") as process:
        wait_until(lambda: catches_signals(process.pid), "the service to be at work")
        process.send_signal(number)
        outcome = ended(process)
    assert (outcome.code, outcome.err) == (0, ""), (outcome, in_empty)
    assert json.loads(outcome.out) is not None


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"n": "1.0", "rows": []}, []),
        ({"n": 1, "rows": []}, ["$.n is no string"]),
        ({"n": "x", "rows": []}, ["$.n does not match ^[0-9.]+$"]),
        ({"rows": []}, ["$ has no n"]),
        ({"n": "1", "rows": [], "more": 1}, ["$ has more, which is not in the contract"]),
        ({"n": "1", "rows": [None, "A", "B"]}, ["$.rows[2] fits none"]),
    ],
)
def test_the_check_of_contracts_sees_each_fault(message: Any, said: list[str]) -> None:
    schema = {
        "$defs": {"row": {"anyOf": [{"type": "null"}, {"const": "A"}]}},
        "type": "object",
        "required": ["n"],
        "additionalProperties": False,
        "properties": {
            "n": {"type": "string", "pattern": "^[0-9.]+$"},
            "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}},
        },
    }
    found = list(faults(message, schema))
    assert len(found) == len(said)
    assert all(fault.startswith(start) for fault, start in zip(found, said, strict=True))


def catches_signals(pid: int) -> bool:
    """Whether the process has handlers of its own for SIGTERM: without, it would just die."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123
        caught = next(line for line in status if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def simulate(program: Program) -> int:
    sent = program("simulate", "--sessions", SESSIONS, "--seed", SEED, "--kafka", "--json").document
    assert sent["sessions"] == int(SESSIONS)
    return int(sent["messages"])


def totals(program: Program) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(program("audit", "completeness", "--json").out)
    return found


def said(environment: dict[str, str]) -> set[str]:
    try:
        return {message["type"] for message in published(environment)}
    except KafkaError:
        return set()


def assert_contracts(messages: Any) -> None:
    """Each message fits the published schema of its type."""
    schemas = {name: json.loads((FOLDER / schema_file(name)).read_text(encoding="utf-8")) for name in SAID}
    for message in messages:
        assert list(faults(message, schemas[message["type"]])) == [], message


def published(environment: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What is on the billing topic now."""
    topic = environment["EVLEDGER_TOPIC_BILLING"]
    servers = environment["EVLEDGER_KAFKA_BOOTSTRAP_SERVERS"]
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        if topic not in admin.list_topics():
            return
    finally:
        admin.close()
    consumer = KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(500).values():
                yield from (json.loads(record.value) for record in records)
    finally:
        consumer.close()
