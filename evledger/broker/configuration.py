"""The files of a single KRaft node: its properties, its logging, its formatted storage."""

import base64
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

from evledger.broker.artifacts import run
from evledger.broker.errors import BrokerError

LOOPBACK = "127.0.0.1"
FORMAT_TIMEOUT_S = 120
LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
"""


@dataclass(frozen=True)
class Node:
    """A broker's folder and ports; all that is needed to start it again on the same data."""

    folder: Path
    port: int
    controller_port: int
    cluster_id: str

    @property
    def properties(self) -> Path:
        """The file that Kafka is started with."""
        return self.folder / "server.properties"


def create_node(folder: Path, jars: Path, port: int | None) -> Node:
    """Write the configuration of a new node into `folder` and format its storage.

    Ports not given are asked from the system. `folder` must not hold a node yet.
    """
    controller_port = free_port()
    node = Node(folder.absolute(), port or free_port(), controller_port, new_cluster_id())
    node.folder.mkdir(parents=True, exist_ok=True)
    (node.folder / "log4j2.properties").write_text(LOGGING)
    node.properties.write_text(properties_of(node))
    _format(node, jars)
    return node


def check_port(port: int) -> None:
    """Refuse a port that something listens on, by a line that says so, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise BrokerError(f"port {port} on {LOOPBACK}: {error.strerror}; stop what listens there") from error


def free_port() -> int:
    """A port that the system says is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def new_cluster_id() -> str:
    """16 random bytes in URL-safe base64 without padding; Kafka's tool takes a leading '-' for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def properties_of(node: Node) -> str:
    """The node's server.properties: one broker that is its own controller, reachable on loopback only."""
    listeners = f"PLAINTEXT://{LOOPBACK}:{node.port},CONTROLLER://{LOOPBACK}:{node.controller_port}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{node.controller_port}",
        "listeners": listeners,
        "advertised.listeners": listeners,
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(node.folder / "data"),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A broker that was killed is let in again only when its old session has ended: 9 s by default.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "500",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _format(node: Node, jars: Path) -> None:
    tool = ["java", "-cp", f"{jars}/*", "kafka.tools.StorageTool", "format", "--standalone"]
    done = run([*tool, "-t", node.cluster_id, "-c", str(node.properties)], node.folder, FORMAT_TIMEOUT_S)
    if done.returncode != 0:
        said = ((done.stderr or done.stdout).strip().splitlines() or ["no message"])[0]
        raise BrokerError(f"Kafka's storage in {node.folder} could not be formatted: {said}")
