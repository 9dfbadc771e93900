"""The broker's process: start, stop, kill, start again on the same data."""

import contextlib
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from evledger.broker.configuration import LOOPBACK, Node, create_node
from evledger.broker.errors import BrokerError

# After a SIGKILL with 2 million messages in its log a broker took 13 s; serving takes 4 s otherwise.
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30
POLL_INTERVAL_S = 0.05
HEAP_MAX = "-Xmx512m"


@dataclass
class Broker:
    """A node that runs as our child, on loopback only."""

    node: Node
    jars: Path
    process: "subprocess.Popen[bytes]"

    @property
    def bootstrap_servers(self) -> str:
        """What a client is given: `host:port`."""
        return f"{LOOPBACK}:{self.node.port}"

    def stop(self) -> None:
        """Stop cleanly; kill it if that takes longer than STOP_TIMEOUT_S."""
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: what a power cut is to the broker's process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def start_again(self) -> None:
        """Start on the same data and ports, after `stop` or `kill`."""
        self.process = _start(self.node, self.jars)


def start_broker(folder: Path, jars: Path, port: int | None = None) -> Broker:
    """A new broker with its files in `folder`; ports not given are asked from the system.

    Returns when its port accepts connections.

    Raises:
        BrokerError: it did not start; the message names the reason and the log.
    """
    node = create_node(folder, jars, port)
    return Broker(node, jars, _start(node, jars))


def _start(node: Node, jars: Path) -> "subprocess.Popen[bytes]":
    logging = f"-Dlog4j2.configurationFile={node.folder / 'log4j2.properties'}"
    # The JVM itself expands `lib/*`. A session of its own: an interrupt at the keyboard is ours to pass on.
    command = ["java", HEAP_MAX, logging, "-cp", f"{jars}/*", "kafka.Kafka", str(node.properties)]
    with _log(node).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=node.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_serving(node, process)
    except BaseException:  # an interrupt too must not leave a broker behind
        process.kill()
        process.wait()
        raise
    return process


def _wait_until_serving(node: Node, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not accepts(node.port):
        if process.poll() is not None:
            raise BrokerError(f"the broker did not start: {_last_error(node)} ({_log(node)})")
        if time.monotonic() > deadline:
            raise BrokerError(f"the broker was not ready after {START_TIMEOUT_S} s ({_log(node)})")
        time.sleep(POLL_INTERVAL_S)


def accepts(port: int) -> bool:
    """Whether a plain TCP connection to `port` on loopback is accepted."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def _log(node: Node) -> Path:
    return node.folder / "broker.log"


def _last_error(node: Node) -> str:
    lines = _log(node).read_text(errors="replace").splitlines()
    told = [line for line in lines if "ERROR" in line or "Exception" in line] or lines
    return (told or ["no message"])[-1].strip()
