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
    psycopg.errors.InsufficientPrivilege: UNUSABLE,
    psycopg.OperationalError: UNAVAILABLE,
    psycopg.InternalError: UNAVAILABLE,
    KafkaError: UNAVAILABLE,
    # Input of a command is looked at where it is read; what is left is a disk that is full, or a folder that went.
    OSError: UNAVAILABLE,
    UnicodeError: UNUSABLE,
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
    if isinstance(error, click.UsageError):
        return _of_usage(error)
    if isinstance(error, click.ClickException):
        return _joined(error.format_message())
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "stopped"
    if isinstance(error, UnicodeError):
        return f"a text is not UTF-8: {one_line(error)}"
    if isinstance(error, OSError):
        return ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
    of_database = isinstance(error, psycopg.Error | PersistenceError | UnavailableError)
    return f"database: {one_line(error)}" if of_database else one_line(error)


def _of_usage(error: click.UsageError) -> str:
    """With the command whose help says more."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return "name a command"
    hint = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
    return _joined(error.format_message()).removesuffix(".") + hint


def _joined(text: str) -> str:
    return " ".join(text.split())
