"""Which failure has which exit code, in one table."""

import click
import psycopg
from eventsourcing.persistence import PersistenceError
from kafka.errors import KafkaError

from consumers.files import UnusableFileError
from consumers.kafka_client import BrokerError
from consumers.loop import LostRangeError
from consumers.session_log import AlreadyBillingError
from evledger.embedded import EmbeddedServerError
from evledger.migrate import MigrationError
from evledger.settings import SettingsError
from ledger.application import StaleError, UnavailableError, one_line
from ledger.store.positions import TopicChangedError
from ledger.store.recorder import FencedError
from ledger.store.serial import UnknownFactError
from projections.outbox.relay import BrokerUnavailableError
from projections.rebuild import SwapBlockedError
from projections.single import AlreadyRunningError

NO = 1
UNUSABLE = 2
UNAVAILABLE = 3
INTERRUPTED = 130  # what a shell reports for a program that SIGINT ended


class NoError(Exception):
    """The answer is no; the message says why."""


class UnusableError(Exception):
    """Input that cannot be used; the message says what, where, and what to do."""


EXIT_CODES: dict[type[BaseException], int] = {
    NoError: NO,
    UnusableError: UNUSABLE,
    SettingsError: UNUSABLE,
    UnusableFileError: UNUSABLE,
    MigrationError: UNUSABLE,
    TopicChangedError: UNUSABLE,
    LostRangeError: UNUSABLE,
    BrokerError: UNAVAILABLE,
    UnknownFactError: UNUSABLE,
    EmbeddedServerError: UNAVAILABLE,
    UnavailableError: UNAVAILABLE,
    StaleError: UNAVAILABLE,
    FencedError: UNAVAILABLE,
    AlreadyBillingError: UNAVAILABLE,
    AlreadyRunningError: UNAVAILABLE,
    SwapBlockedError: UNAVAILABLE,
    BrokerUnavailableError: UNAVAILABLE,
    PersistenceError: UNAVAILABLE,
    psycopg.OperationalError: UNAVAILABLE,
    psycopg.InternalError: UNAVAILABLE,
    KafkaError: UNAVAILABLE,
    KeyboardInterrupt: INTERRUPTED,
}


def exit_code_of(error: BaseException) -> int | None:
    """The exit code of a failure; None for one that is a fault of the program itself."""
    if isinstance(error, click.ClickException):
        return error.exit_code
    if isinstance(error, click.Abort):
        return INTERRUPTED
    codes = (code for cls, code in EXIT_CODES.items() if isinstance(error, cls))
    return next(codes, None)


def line_of(error: BaseException) -> str:
    """What is said about a failure: one line."""
    if isinstance(error, click.ClickException):
        return " ".join(error.format_message().split())
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "stopped"
    return one_line(error)
