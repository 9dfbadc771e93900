"""The relay and a real broker: in order, at least once, one at a time."""

import threading
from collections import defaultdict
from functools import partial

import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from evledger.broker import Broker
from evledger.broker.configuration import LOOPBACK, free_port
from projections.outbox import relay as relaying
from projections.outbox.relay import BrokerUnavailableError, Relay
from projections.projector import Projector
from projections.single import RELAY_LOCK, AlreadyRunningError, take_lock
from tests.integration.appending import append, append_all
from tests.integration.mixed_facts import mixed_facts
from tests.integration.read_side import select
from tests.unit.projections.facts import issued, rated, started
from tests.waiting import wait_until

Received = tuple[str, bytes]


def outbox(url: str) -> list[Received]:
    rows = select(url, "SELECT key, payload FROM projection.outbox ORDER BY position", "evledger_projector")
    return [(row["key"], row["payload"]) for row in rows]


def published(url: str, topic: str) -> int:
    rows = select(url, "SELECT topic, position FROM projection.published_positions", "evledger_projector")
    return {str(row["topic"]): int(row["position"]) for row in rows}.get(topic, 0)


def is_published(url: str, topic: str, position: int) -> bool:
    return published(url, topic) == position


def read_topic(bootstrap_servers: str, topic: str) -> list[Received]:
    """All records of the topic, partition by partition, each in its order."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        received: list[Received] = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(timeout_ms=1000).values():
                received += [(record.key.decode(), record.value) for record in records]
        return received
    finally:
        consumer.close()


def by_key(records: list[Received]) -> dict[str, list[bytes]]:
    sorted_out: defaultdict[str, list[bytes]] = defaultdict(list)
    for key, payload in records:
        sorted_out[key].append(payload)
    return sorted_out


@pytest.fixture
def said_url(database_url: str) -> str:
    """A database whose outbox holds some messages."""
    append_all(database_url, mixed_facts(seed=10, sessions=30))
    Projector(database_url).catch_up()
    return database_url


@pytest.mark.kafka
def test_every_message_is_published_in_the_order_of_its_key(
    said_url: str, kafka_broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "PAGE_MESSAGES", 7)
    topic = topic_prefix + "billing"
    assert Relay(said_url, kafka_broker, topic).publish() == len(outbox(said_url)) > 7
    assert by_key(read_topic(kafka_broker, topic)) == by_key(outbox(said_url))
    assert published(said_url, topic) == len(outbox(said_url))


@pytest.mark.kafka
def test_publishing_again_sends_only_what_is_new(said_url: str, kafka_broker: str, topic_prefix: str) -> None:
    relay = Relay(said_url, kafka_broker, topic_prefix + "billing")
    first = relay.publish()
    assert relay.publish() == 0
    append(said_url, "billing", ("late", issued(9_000)))
    Projector(said_url).catch_up()
    assert relay.publish() == 2
    assert len(read_topic(kafka_broker, topic_prefix + "billing")) == first + 2


@pytest.mark.kafka
def test_publishing_from_a_position_sends_it_and_all_after_it_again(
    said_url: str, kafka_broker: str, topic_prefix: str
) -> None:
    topic = topic_prefix + "billing"
    relay = Relay(said_url, kafka_broker, topic)
    total = relay.publish()
    assert relay.publish(from_position=total - 2) == 3
    assert published(said_url, topic) == total
    assert sorted(read_topic(kafka_broker, topic)) == sorted(outbox(said_url) + outbox(said_url)[-3:])


@pytest.mark.kafka
def test_the_topic_is_made_as_the_contract_says(said_url: str, kafka_broker: str, topic_prefix: str) -> None:
    topic = topic_prefix + "billing"
    Relay(said_url, kafka_broker, topic).publish()
    admin = KafkaAdminClient(bootstrap_servers=kafka_broker)
    try:
        (described,) = admin.describe_topics([topic])
        assert len(described["partitions"]) == 12
        configs = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        assert "delete" in str(configs)
        assert str(relaying.MAX_MESSAGE_BYTES) in str(configs)
    finally:
        admin.close()


@pytest.mark.kafka
def test_a_statement_of_megabytes_gets_through(database_url: str, kafka_broker: str, topic_prefix: str) -> None:
    nets = {f"SESSION-OF-A-LARGE-FLEET-{number}": 100 for number in range(8_000)}
    append(database_url, "billing", ("i", issued(1, nets)))
    Projector(database_url).catch_up()
    assert len(outbox(database_url)[0][1]) > 1024 * 1024
    Relay(database_url, kafka_broker, topic_prefix + "billing").publish()
    assert by_key(read_topic(kafka_broker, topic_prefix + "billing")) == by_key(outbox(database_url))


@pytest.mark.kafka
def test_a_running_relay_publishes_what_is_projected(database_url: str, kafka_broker: str, topic_prefix: str) -> None:
    topic, stop = topic_prefix + "billing", threading.Event()
    thread = threading.Thread(target=Relay(database_url, kafka_broker, topic).run, args=[stop])
    thread.start()
    try:
        for number in (1, 2):
            append(database_url, "billing", ("i", issued(number, {f"S{number}": 100})))
            Projector(database_url).catch_up()
            wait_until(partial(is_published, database_url, topic, 2 * number), "the messages to be published")
    finally:
        stop.set()
        thread.join(timeout=60)
    assert not thread.is_alive()
    assert by_key(read_topic(kafka_broker, topic)) == by_key(outbox(database_url))


@pytest.mark.kafka
def test_a_relay_outlives_a_restart_of_its_broker(database_url: str, restartable_broker: Broker) -> None:
    address, topic, stop = restartable_broker.bootstrap_servers, "billing", threading.Event()
    thread = threading.Thread(target=Relay(database_url, address, topic).run, args=[stop])
    thread.start()
    try:
        append(database_url, "session", ("a", started("A")), ("a", rated("A")))
        Projector(database_url).catch_up()
        wait_until(lambda: published(database_url, topic) == 1, "the first message")
        restartable_broker.kill()
        append(database_url, "session", ("a", rated("A", revision=2)))
        Projector(database_url).catch_up()
        restartable_broker.start_again()
        wait_until(lambda: published(database_url, topic) == 2, "the message after the restart")
    finally:
        stop.set()
        thread.join(timeout=60)
    assert by_key(read_topic(address, topic)) == by_key(outbox(database_url))


@pytest.mark.usefixtures("one_try")
def test_one_relay_at_a_time(database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        take_lock(other, RELAY_LOCK, "relay")
        with pytest.raises(AlreadyRunningError, match="another relay is running"):
            Relay(database_url, f"{LOOPBACK}:{free_port()}").publish()


def test_a_broker_that_is_not_there_is_named_in_one_line(said_url: str) -> None:
    address = f"{LOOPBACK}:{free_port()}"
    with pytest.raises(BrokerUnavailableError, match=f"Kafka at {address}") as refused:
        Relay(said_url, address, bootstrap_timeout_ms=300).publish()
    assert "\n" not in str(refused.value)
    assert published(said_url, relaying.DEFAULT_TOPIC) == 0
