"""docker-compose.yml fits the model, exposes nothing, and its services do their work as it starts them."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaConsumer

from evledger.broker import Broker
from tests.e2e.compose import (
    FILE,
    PROGRAM,
    Addresses,
    Model,
    model_of,
    read_model,
    running,
    stop_as_an_engine_does,
)
from tests.waiting import wait_until

OURS = ("migrate", "consumer", "adapter", "biller", "projector", "relay")
FOLLOWING = ("consumer", "adapter", "biller", "projector", "relay")
TOPICS_IN = {"ev.sessions.v1", "ev.tariffs.v1", "ev.accounts.v1", "ev.prices.v1"}
TOPIC_OUT = "billing.events.v1"
REPLACEABLE_PASSWORD = "${EVLEDGER_POSTGRES_PASSWORD:-development-only}"  # noqa: S105


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(read_model(FILE))


@pytest.fixture
def addresses(empty_database_url: str, restartable_broker: Broker) -> Addresses:
    """A database without any table and a broker without any topic: what a first `up` meets."""
    return Addresses(empty_database_url, restartable_broker.bootstrap_servers)


def test_the_file_has_the_broker_the_database_and_our_services(model: Model) -> None:
    assert set(model["services"]) == {"kafka", "postgres", *OURS}


def test_the_check_refuses_a_typing_error(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(FILE.read_text().replace("command:", "comand:", 1))
    assert read_model(broken).returncode != 0


def test_every_port_is_bound_to_this_machine(model: Model) -> None:
    ports = [port for service in model["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_the_database_keeps_its_data_where_the_image_of_18_wants_them(model: Model) -> None:
    postgres = model["services"]["postgres"]
    assert postgres["image"] == "postgres:18"
    assert [volume["target"] for volume in postgres["volumes"]] == ["/var/lib/postgresql"]


def test_the_password_is_for_development_and_can_be_replaced(model: Model) -> None:
    assert "development-only" in str(model["services"])
    written = json.dumps(model_of(read_model(FILE, "-no-interpolation")))
    assert "development-only" not in written.replace(REPLACEABLE_PASSWORD, "")


@pytest.mark.parametrize("name", ["kafka", "postgres"])
def test_what_others_wait_for_has_a_health_check(model: Model, name: str) -> None:
    assert model["services"][name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", FOLLOWING)
def test_services_start_when_the_schema_is_there(model: Model, name: str) -> None:
    service = model["services"][name]
    assert service["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_the_file_exists(model: Model, name: str) -> None:
    command = [PROGRAM, *model["services"][name]["command"], "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.kafka
def test_the_services_turn_meter_events_into_invoice_events(model: Model, addresses: Addresses, tmp_path: Path) -> None:
    services = model["services"]
    with running(services["migrate"], addresses, tmp_path) as migrate:
        assert migrate.wait(60) == 0
    with contextlib.ExitStack() as stack:
        started = {name: stack.enter_context(running(services[name], addresses, tmp_path)) for name in FOLLOWING}
        wait_until(lambda: topics(addresses) >= TOPICS_IN, "the consumer to make the topics that it reads")
        simulate(addresses, tmp_path)
        wait_until(lambda: rows(addresses, "ledger.billing_events"), "the biller to write")
        wait_until(lambda: rows(addresses, "finance.invoice_register"), "the projector to write")
        issued = next(message for message in published(addresses) if message["type"] == "billing.invoice.issued.v1")
        assert issued["data"]["number"] in numbers(addresses)
        assert {name: process.poll() for name, process in started.items()} == dict.fromkeys(FOLLOWING)
        codes = {name: stop_as_an_engine_does(process) for name, process in started.items()}
    assert codes == dict.fromkeys(FOLLOWING, 0)


def simulate(addresses: Addresses, folder: Path) -> None:
    """Sessions onto the broker, by the program itself."""
    environment = {"PATH": os.environ["PATH"], "EVLEDGER_KAFKA_BOOTSTRAP_SERVERS": addresses.bootstrap_servers}
    command = [PROGRAM, "simulate", "--sessions", "40", "--seed", "1", "--kafka"]
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=120)


def topics(addresses: Addresses) -> set[str]:
    admin = KafkaAdminClient(bootstrap_servers=addresses.bootstrap_servers, reconnect_backoff_max_ms=1000)
    try:
        return set(admin.list_topics())
    finally:
        admin.close()


def published(addresses: Addresses) -> Iterator[dict[str, Any]]:
    """What the relay published, from the beginning, as it comes."""
    wait_until(lambda: TOPIC_OUT in topics(addresses), "the relay to make its topic")
    consumer = KafkaConsumer(
        TOPIC_OUT,
        bootstrap_servers=addresses.bootstrap_servers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=60_000,
    )
    try:
        for record in consumer:
            yield msgspec.json.decode(record.value)
    finally:
        consumer.close()


def rows(addresses: Addresses, table: str) -> int:
    with psycopg.connect(addresses.database_url) as connection:
        query = psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(*table.split(".")))
        return int(connection.execute(query).fetchone()[0])  # type: ignore[index]


def numbers(addresses: Addresses) -> set[str]:
    with psycopg.connect(addresses.database_url) as connection:
        return {row[0] for row in connection.execute("SELECT number FROM finance.invoice_register")}
