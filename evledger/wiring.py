"""The parts put together: settings to a database, a ledger, a reader, a pipeline."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from consumers.messages.kinds import Family
from consumers.messages.reader import MessageReader
from consumers.pipeline import Pipeline, settle_process
from consumers.read_ahead import ReadAhead
from evledger.embedded import Server, ensure_running, wheel_binaries
from evledger.migrate import is_current, migrate
from evledger.settings import Settings
from ledger.application import Ledger, UnavailableError, one_line
from ledger.store.connection import conninfo
from ledger.store.positions import INGEST_GROUP


def embedded_server(settings: Settings) -> Server:
    """The embedded server of the home, started if need be. Raises EmbeddedServerError."""
    return ensure_running(settings.home)


def psql_path() -> Path:
    """The embedded server's own shell."""
    return wheel_binaries() / "psql"


def server_url(settings: Settings) -> str:
    """The database in use, whatever its schema; the embedded server is started if need be."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded_server(settings).url()


def database_url(settings: Settings) -> str:
    """The database in use, at the newest schema. Raises UnavailableError, MigrationError, EmbeddedServerError."""
    url = server_url(settings)
    try:
        if not is_current(conninfo(url)):
            migrate(conninfo(url))
    except psycopg.OperationalError as error:
        raise UnavailableError(one_line(error)) from error
    return url


def carried(settings: Settings) -> dict[str, Family]:
    """The inbound topics, and the family of messages that each carries."""
    return {
        settings.topic_sessions: "session",
        settings.topic_tariffs: "tariff",
        settings.topic_accounts: "account",
        settings.topic_meters: "meter",
        settings.topic_prices: "price",
    }


def adapted(settings: Settings) -> dict[str, str]:
    """The topics that the OCPP adapter reads, and what each carries; frames refer to stations and accounts."""
    return {
        settings.topic_stations: "station",
        settings.topic_accounts: "account",
        settings.topic_ocpp_frames: "frame",
        settings.topic_ocpp_citrineos: "frame",
    }


def message_reader(settings: Settings) -> MessageReader:
    """Reads every inbound contract; on Kafka's topics only what belongs there."""
    return MessageReader(settings.account_defaults, carried(settings))


@contextmanager
def open_ledger(settings: Settings, role: str = "app") -> Iterator[Ledger]:
    """The ledger over the database in use."""
    with Ledger(database_url(settings), role, settings.transaction_timeout_ms) as ledger:
        yield ledger


@contextmanager
def open_pipeline(
    settings: Settings, ledger: Ledger, group: str = INGEST_GROUP, *, reads_ahead: bool = False
) -> Iterator[Pipeline]:
    """A pipeline of inbound messages into the ledger; for many of them it is worth a process that reads ahead."""
    with ExitStack() as stack:
        ahead = stack.enter_context(ReadAhead(settings.account_defaults, carried(settings))) if reads_ahead else None
        settle_process()
        read = message_reader(settings).read
        yield stack.enter_context(Pipeline(ledger, read, settings.legal_entity, group, ahead, rules=settings.rules))


def owner_name() -> str:
    """Who owns a partition, for people who look at the table of positions."""
    return f"{socket.gethostname()}:{os.getpid()}"
