"""The local broker is a real one: it keeps what it acknowledged, also through a SIGKILL."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from evledger.broker import Broker, BrokerError, resolve_jars
from evledger.broker.artifacts import pom
from evledger.broker.configuration import Node, check_port, new_cluster_id, properties_of
from tests.brokers import JAR_CACHE, assert_cluster

pytestmark = pytest.mark.kafka
CLIENT = {"reconnect_backoff_max_ms": 1000}


def create_topic(bootstrap_servers: str, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers, **CLIENT)
    admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    admin.close()


def produce(bootstrap_servers: str, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", **CLIENT)
    for value in values:
        producer.send(topic, value).get(timeout=60)
    producer.close()


def consume(bootstrap_servers: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False, **CLIENT)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    values: list[bytes] = []
    while len(values) < count:
        records = consumer.poll(timeout_ms=60_000)
        assert records, f"{len(values)} of {count} messages came"
        values += [record.value for record in records[partition]]
    consumer.close()
    return values


def test_messages_come_back_in_order(kafka_broker: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}order"
    create_topic(kafka_broker, topic)
    values = [b"%d" % number for number in range(100)]
    produce(kafka_broker, topic, values)
    assert consume(kafka_broker, topic, len(values)) == values


def test_a_killed_broker_keeps_what_it_acknowledged(restartable_broker: Broker, topic_prefix: str) -> None:
    address, topic = restartable_broker.bootstrap_servers, f"{topic_prefix}kept"
    create_topic(address, topic)
    produce(address, topic, [b"before"])
    restartable_broker.kill()
    restartable_broker.start_again()
    assert_cluster(address, restartable_broker.node.cluster_id)
    produce(address, topic, [b"after"])
    assert consume(address, topic, 2) == [b"before", b"after"]


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    settings = settings_of(Node(tmp_path, 1, 2, new_cluster_id()))
    addresses = [*addresses_of(settings["listeners"]), *addresses_of(settings["advertised.listeners"])]
    assert [address for address in addresses if not address.startswith("//127.0.0.1:")] == []
    assert len(addresses) == 4


def test_topics_are_never_made_by_a_typing_error(tmp_path: Path) -> None:
    assert settings_of(Node(tmp_path, 1, 2, new_cluster_id()))["auto.create.topics.enable"] == "false"


def settings_of(node: Node) -> dict[str, str]:
    return dict(line.split("=", 1) for line in properties_of(node).splitlines())


def addresses_of(listeners: str) -> list[str]:
    return [listener.split(":", 1)[1] for listener in listeners.split(",")]


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "evledger.broker", "--port", str(port), "--cache", str(JAR_CACHE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        with pytest.raises(BrokerError, match=f"port {port}"):
            check_port(port)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith(f"error: port {port} on 127.0.0.1")
    assert "Traceback" not in done.stderr


def test_without_java_the_error_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError, match="java is not installed"):
        resolve_jars(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_the_pom_names_a_logger_because_kafka_publishes_none() -> None:
    assert "<artifactId>kafka_2.13</artifactId><version>4.1.1</version>" in pom()
    assert "<artifactId>log4j-core</artifactId>" in pom()


def test_a_cluster_id_never_looks_like_an_option() -> None:
    identities = [new_cluster_id() for _ in range(500)]
    assert not [identity for identity in identities if identity.startswith("-")]
    assert {len(identity) for identity in identities} == {22}
