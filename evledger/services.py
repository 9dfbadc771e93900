"""Services that go on until stopped: each alone (one command, one process), or all in one process."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from threading import Event
from time import monotonic
from typing import TypeVar

import psycopg
from eventsourcing.persistence import PersistenceError

from consumers.kafka_client import KafkaSettings
from consumers.loop import ConsumerLoop, Progress
from consumers.ocpp.outcomes import AdapterTotals
from consumers.pipeline import Totals
from consumers.session_log import Biller
from consumers.ticks import Ticker
from consumers.topics import TopicSettings
from evledger.adapter import OcppAdapter
from evledger.following import follow_billing
from evledger.settings import Settings
from evledger.wiring import carried, database_url, open_ledger, open_pipeline, owner_name
from ledger.application import UnavailableError, one_line
from projections.outbox.relay import BrokerUnavailableError, Relay
from projections.projector import Projector

log = logging.getLogger("evledger.services")

OUTAGES = (UnavailableError, BrokerUnavailableError, PersistenceError, psycopg.OperationalError, psycopg.InternalError)

# A service that cannot begin says so and ends; one that ran for as long as this is worth waiting for an outage to end.
BEGUN_AFTER_S = 15.0

RETRY_S = 2.0  # servers restart in seconds; more tries would only fill the log

# What ticks end are waits of hours and days.
TICK_INTERVAL_S = 300.0

Body = Callable[[Event], object]

Result = TypeVar("Result")


def kafka_settings(settings: Settings, bootstrap_servers: str) -> KafkaSettings:
    """How the consumer reaches Kafka, and what it reads."""
    return KafkaSettings(
        bootstrap_servers=bootstrap_servers,
        owner=owner_name(),
        topics=carried(settings),
        new_topics=TopicSettings(settings.topic_partitions, retention_days=settings.topic_retention_days),
        session_timeout_ms=settings.kafka_session_timeout_ms,
        group_instance_id=settings.kafka_instance_id,
    )


def consume(
    settings: Settings, bootstrap_servers: str, stop: Event, once: bool = False, progress: Progress | None = None
) -> Totals:
    """The Kafka consumer; it waits for outages by itself."""
    with (
        open_ledger(settings) as ledger,
        open_pipeline(settings, ledger, settings.kafka_group, reads_ahead=settings.read_ahead) as pipeline,
    ):
        return ConsumerLoop(ledger, pipeline, kafka_settings(settings, bootstrap_servers)).run(stop, once, progress)


def adapt(adapter: OcppAdapter, stop: Event) -> AdapterTotals:
    """The OCPP adapter with its relay, until stopped."""
    totals = list[AdapterTotals]()
    run_together({"OCPP adapter": lambda stop: totals.append(adapter.run(stop)), "OCPP relay": relay_of(adapter)}, stop)
    return totals[-1] if totals else AdapterTotals()


def relay_of(adapter: OcppAdapter) -> Body:
    """The adapter's relay as a service."""
    return lambda stop: adapter.relay().run(stop)


def bill(settings: Settings, tenant: str, stop: Event) -> int:
    """The biller: `PER_SESSION` at once, periods once a day."""
    with open_ledger(settings) as ledger:
        return follow_billing(
            ledger, Biller(ledger, settings.seller_time_zone), tenant, settings.seller_time_zone, stop
        )


def send_ticks(settings: Settings, stop: Event) -> None:
    """Ticks from the clock, until stopped."""
    with open_ledger(settings) as ledger:
        ticker = Ticker(ledger, settings.rules)
        while not stop.is_set():
            ticker.tick(datetime.now(UTC))
            stop.wait(TICK_INTERVAL_S)


def through_outages(name: str, body: Callable[[Event], Result], stop: Event) -> Result | None:
    """Run a service until it is stopped, and again after each outage. Raises what keeps it from beginning.

    The result is that of the last run, None when an outage was still on.
    """
    began = monotonic()
    while not stop.is_set():
        try:
            return body(stop)
        except OUTAGES as outage:
            if monotonic() - began < BEGUN_AFTER_S:
                raise
            log.warning("%s waits: %s", name, one_line(outage))
            stop.wait(RETRY_S)
    return None


def run_all(settings: Settings, bootstrap_servers: str, tenant: str, stop: Event) -> Totals:
    """Consume, adapt, bill, tick, project and publish until stopped; the messages consumed.

    The first failure stops all, and is raised.
    """
    url, totals = database_url(settings), list[Totals]()
    adapter = OcppAdapter(settings, kafka_settings(settings, bootstrap_servers), tenant)
    services: Mapping[str, Body] = {
        "consumer": lambda stop: totals.append(consume(settings, bootstrap_servers, stop)),
        "OCPP adapter": adapter.run,
        "OCPP relay": relay_of(adapter),
        "biller": lambda stop: bill(settings, tenant, stop),
        "ticker": lambda stop: send_ticks(settings, stop),
        "projector": lambda stop: Projector(url).run(stop),
        "relay": lambda stop: Relay(url, bootstrap_servers, settings.topic_billing).run(stop),
    }
    run_together(services, stop)
    return totals[-1] if totals else Totals()


def run_together(services: Mapping[str, Body], stop: Event) -> None:
    """Run services until stopped. The first failure stops all, and is raised."""
    with ThreadPoolExecutor(len(services), thread_name_prefix="service") as threads:
        running = [threads.submit(through_outages, name, body, stop) for name, body in services.items()]
        wait(running, return_when=FIRST_EXCEPTION)
        stop.set()
    for service in running:
        service.result()
