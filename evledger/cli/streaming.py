"""`evledger consume`, `evledger publish`, `evledger run`, and `simulate --kafka`."""

from collections.abc import Iterable
from threading import Event

import click

from evledger.cli.errors import UnusableError
from evledger.cli.output import as_json_option, print_fields
from evledger.cli.stopping import stop_on_signals
from evledger.settings import Settings, load_settings
from evledger.simulator.record import Message
from evledger.wiring import database_url
from projections.outbox.relay import Relay


def bootstrap_servers(settings: Settings) -> str:
    """The broker's address. Raises UnusableError where none is set."""
    if settings.kafka_bootstrap_servers is None:
        raise UnusableError(
            "no broker: set EVLEDGER_KAFKA_BOOTSTRAP_SERVERS, such as 127.0.0.1:9092 after `make kafka`"
        )
    return settings.kafka_bootstrap_servers


def produce(messages: Iterable[Message]) -> int:
    """Send messages to the broker of the settings; how many it has confirmed."""
    raise UnusableError("not wired yet")


@click.command(epilog="Example: evledger consume --once")
@click.option("--once", is_flag=True, help="To the ends of the topics as they are now, then stop.")
@as_json_option
def consume(once: bool, as_json: bool) -> None:
    """Read the session, tariff and account topics into the ledger."""
    raise UnusableError("not wired yet")


@click.command(epilog="Example: evledger publish --once")
@click.option("--once", is_flag=True, help="To the end of the outbox, then stop.")
@click.option("--from", "from_position", type=click.IntRange(1), help="Send again from this position of the outbox.")
@as_json_option
def publish(once: bool, from_position: int | None, as_json: bool) -> None:
    """Relay the outbox to Kafka."""
    settings = load_settings()
    relay = Relay(database_url(settings), bootstrap_servers(settings), settings.topic_billing)
    if once:
        sent = relay.publish(from_position)
    else:
        stop = Event()
        stop_on_signals(stop)
        sent = relay.run(stop, from_position)
    print_fields({"published": sent}, as_json, "Messages")


@click.command(epilog="Example: evledger run")
def run() -> None:
    """Consume, bill, project and publish in one process, for a small installation."""
    raise UnusableError("not wired yet")
