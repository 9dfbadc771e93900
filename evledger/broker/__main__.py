"""`python -m evledger.broker`: a local Apache Kafka in the foreground, without Docker (`make kafka`)."""

import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import click

from evledger.broker.artifacts import KAFKA_VERSION, resolve_jars
from evledger.broker.configuration import check_port
from evledger.broker.errors import BrokerError
from evledger.broker.process import Broker, start_broker

DEFAULT_PORT = 9092
EXIT_UNAVAILABLE = 3


@click.command()
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Loopback port for clients.")
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path(".kafka"), help="Folder of the jars.", show_default=True
)
def main(port: int, cache: Path) -> None:
    """Run a broker until it is interrupted. Its data are in a temporary folder, removed at the end."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _run(port, cache)
    except BrokerError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_UNAVAILABLE)


def _run(port: int, cache: Path) -> None:
    check_port(port)
    jars = resolve_jars(cache)
    with tempfile.TemporaryDirectory(prefix="evledger-kafka-") as folder:
        _serve(start_broker(Path(folder), jars, port))


def _serve(broker: Broker) -> None:
    try:
        click.echo(f"Apache Kafka {KAFKA_VERSION} listens on {broker.bootstrap_servers} (Ctrl-C stops it)")
        click.echo(f"export EVLEDGER_KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap_servers}")
        broker.process.wait()
        raise BrokerError(f"the broker ended by itself with exit code {broker.process.returncode}")
    except KeyboardInterrupt:
        click.echo("stopping", err=True)
    finally:
        broker.stop()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
