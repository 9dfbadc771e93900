"""A real broker for the tests: by address, by Docker, or from the Maven artifacts."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from evledger.broker import KAFKA_VERSION, Broker, BrokerError, resolve_jars, start_broker
from evledger.broker.configuration import LOOPBACK, free_port, new_cluster_id
from tests.waiting import wait_until

JAR_CACHE = Path(__file__).parent.parent / ".kafka"
IMAGE = f"apache/kafka:{KAFKA_VERSION}"
DOCKER_TIMEOUT_S = 300
# Read before the fixtures clear the settings of whoever runs the tests.
GIVEN_ADDRESS = os.environ.get("EVLEDGER_KAFKA_BOOTSTRAP_SERVERS")


@contextmanager
def session_broker(folder: Path) -> Iterator[str]:
    """The address of a test session's broker, by the first way that there is."""
    if GIVEN_ADDRESS:
        yield GIVEN_ADDRESS
    elif docker_answers():
        with _docker_broker() as started:
            yield started
    else:
        with maven_broker(folder) as broker:
            yield broker.bootstrap_servers


@contextmanager
def maven_broker(folder: Path) -> Iterator[Broker]:
    """A broker from the Maven artifacts that the test may kill; skipped aloud when there is none to be had."""
    broker = _start_or_skip(folder)
    try:
        assert_cluster(broker.bootstrap_servers, broker.node.cluster_id)
        yield broker
    finally:
        broker.stop()


def _start_or_skip(folder: Path) -> Broker:
    try:
        return start_broker(folder, resolve_jars(JAR_CACHE))
    except BrokerError as error:
        skip_or_fail(f"NO REAL KAFKA, its promises go untested: {error}")


def skip_or_fail(reason: str) -> NoReturn:
    """In CI a missing tool is a failure; elsewhere a skip that says so."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def assert_cluster(bootstrap_servers: str, expected: str) -> None:
    """Nothing is created or dropped on a broker but the one that was started here."""
    assert cluster_id(bootstrap_servers) == expected


def cluster_id(bootstrap_servers: str) -> str | None:
    """The id by which the cluster at an address knows itself; None while it does not answer."""
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers, reconnect_backoff_max_ms=1000)
    except KafkaError:
        return None
    try:
        return str(admin.describe_cluster()["cluster_id"])
    except KafkaError:
        return None
    finally:
        admin.close()


def docker_answers() -> bool:
    """Whether there is an engine: a client without one is common, so only `docker info` tells."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30).returncode == 0


@contextmanager
def _docker_broker() -> Iterator[str]:
    port, identity = free_port(), new_cluster_id()
    address, name = f"{LOOPBACK}:{port}", f"evledger-test-{identity}"
    command = ["docker", "run", "--detach", "--rm", "--name", name, "--publish", f"{address}:{port}"]
    subprocess.run([*command, *_docker_settings(port, identity), IMAGE], check=True, timeout=DOCKER_TIMEOUT_S)
    try:
        # Docker's own proxy accepts connections at once, so a port that accepts proves nothing here.
        wait_until(lambda: cluster_id(address) == identity, f"the broker in Docker at {address}")
        yield address
    finally:
        subprocess.run(["docker", "stop", name], check=False, timeout=DOCKER_TIMEOUT_S)


def _docker_settings(port: int, identity: str) -> list[str]:
    settings = {
        "CLUSTER_ID": identity,
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{LOOPBACK}:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }
    return [part for name, value in settings.items() for part in ("--env", f"{name}={value}")]
