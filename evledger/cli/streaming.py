"""`evledger consume`, `evledger publish`, `evledger run`, and `simulate --kafka`: what needs a broker."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from threading import Event

import click
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from consumers.kafka_client import reaching
from consumers.topics import DEFAULT_TOPICS, create_missing
from evledger.cli.errors import UnusableError
from evledger.cli.ingestion import totals_json
from evledger.cli.output import as_json_option, progress, say, tenant_option
from evledger.cli.stopping import stop_on_signals
from evledger.cli.tables import print_fields
from evledger.examples import example
from evledger.services import consume as consume_service
from evledger.services import kafka_settings, run_all, through_outages
from evledger.settings import Settings, load_settings
from evledger.simulator.record import Message
from evledger.wiring import carried, database_url
from projections.outbox.relay import Relay

# The simulator writes faster than one record at a time could be sent.
PRODUCER_LINGER_MS = 20
PRODUCER_BATCH_BYTES = 256 * 1024


def bootstrap_servers(settings: Settings) -> str:
    """The broker's address. Raises UnusableError where none is set."""
    if settings.kafka_bootstrap_servers is None:
        raise UnusableError(
            "no broker: set EVLEDGER_KAFKA_BOOTSTRAP_SERVERS, such as 127.0.0.1:9092 after `make kafka`"
        )
    return settings.kafka_bootstrap_servers


def produce(messages: Iterable[Message]) -> int:
    """Send messages to the broker of the settings; how many it has confirmed. Raises BrokerError."""
    settings = load_settings()
    kafka = kafka_settings(settings, bootstrap_servers(settings))
    batching = {
        "linger_ms": PRODUCER_LINGER_MS,
        "batch_size": PRODUCER_BATCH_BYTES,
        "acks": "all",
        "enable_idempotence": True,
    }
    with reaching(kafka):
        with closing(KafkaAdminClient(**kafka.client())) as admin:
            create_missing(admin, kafka.topics, kafka.new_topics)
        with closing(KafkaProducer(**kafka.client(), **batching)) as producer:
            return _send(producer, messages, topic_names(settings))


def topic_names(settings: Settings) -> dict[str, str]:
    """The names that the settings give to the inbound topics, by the default names that messages are made under."""
    of_family = {family: topic for topic, family in carried(settings).items()}
    return {default: of_family[family] for default, family in DEFAULT_TOPICS.items()}


def _send(producer: KafkaProducer, messages: Iterable[Message], names: Mapping[str, str]) -> int:
    count, failures = 0, list[KafkaError]()
    for message in messages:
        topic = names[message.topic]
        sent = producer.send(topic, message.value, message.key.encode(), headers=list(message.headers))
        sent.add_errback(failures.append)
        count += 1
    producer.flush()
    if failures:
        raise failures[0]
    return count


@click.command(
    short_help="Read the Kafka topics into the ledger.",
    epilog=example("evledger consume --once", "evledger consume"),
)
@click.option("--once", is_flag=True, help="To the ends of the topics as they are now, then stop.")
@as_json_option
def consume(once: bool, as_json: bool) -> None:
    """Read the topics of sessions, tariffs, accounts, meters and prices into the ledger."""
    settings = load_settings()
    servers = bootstrap_servers(settings)
    stop = Event()
    stop_on_signals(stop)
    say(f"reading {', '.join(carried(settings))} from {servers}; Ctrl-C stops")
    with progress("messages") as step:
        totals = consume_service(settings, servers, stop, once, lambda read: step(read, None))
    print_fields(totals_json(totals), as_json, "Messages, and sessions held")


@click.command(epilog=example("evledger publish --once", "evledger publish --from 1 --once"))
@click.option("--once", is_flag=True, help="To the end of the outbox, then stop.")
@click.option("--from", "from_position", type=click.IntRange(1), help="Send again from this position of the outbox.")
@as_json_option
def publish(once: bool, from_position: int | None, as_json: bool) -> None:
    """Relay the outbox to Kafka."""
    settings = load_settings()
    servers = bootstrap_servers(settings)
    relay = Relay(database_url(settings), servers, settings.topic_billing)
    if once:
        sent = relay.publish(from_position)
    else:
        stop = Event()
        stop_on_signals(stop)
        say(f"publishing to {settings.topic_billing}; Ctrl-C stops")
        sent = relay.publish(from_position) if from_position is not None else 0
        sent += through_outages("relay", relay.run, stop) or 0
    print_fields({"published": sent}, as_json, "Messages")


@click.command(
    short_help="Consume, bill, project and publish in one process.",
    epilog=example("EVLEDGER_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 evledger run"),
)
@tenant_option
@as_json_option
def run(tenant: str, as_json: bool) -> None:
    """Consume, bill, project and publish in one process, for a small installation, until stopped."""
    settings = load_settings()
    servers = bootstrap_servers(settings)
    stop = Event()
    stop_on_signals(stop)
    say(f"{', '.join(carried(settings))} from {servers} to {settings.topic_billing}; Ctrl-C stops")
    totals = run_all(settings, servers, tenant, stop)
    print_fields(totals_json(totals), as_json, "Messages, and sessions held")
