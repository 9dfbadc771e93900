"""`evledger tariff lint`, `evledger tariff late`."""

from pathlib import Path

import click

from evledger.cli.errors import NoError, UnusableError
from evledger.cli.output import as_json_option, print_json, tenant_option
from evledger.cli.tables import print_rows
from evledger.examples import example
from evledger.json_items import Item, JsonFileError, json_items
from evledger.late_tariffs import late_tariffs
from evledger.settings import load_settings
from evledger.wiring import database_url
from ledger.store.connection import NO_TIMEOUT_MS, connect
from ledger.tariff.json_fields import FieldError
from ledger.tariff.lint.finding import Finding
from ledger.tariff.lint.lint import lint as lint_tariff


@click.group(
    short_help="Tariffs before they are used, and late ones.",
    epilog=example("evledger tariff lint tariff.json", "evledger tariff late"),
)
def tariff() -> None:
    """OCPI tariffs, before anybody charges under them, and those that came too late for that."""


@tariff.command(
    "lint",
    short_help="What is wrong with a tariff.",
    epilog=example("evledger tariff lint tariff.json", "evledger tariff lint all-tariffs.json --json"),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_json_option
def lint(file: Path, as_json: bool) -> None:
    """Findings in OCPI Tariff objects (one, an array, or JSON Lines), one line each with JSON path and code.

    Exit code 0 without findings, 1 with, 2 where the file holds no tariff that can be read.
    """
    tariffs = findings = 0
    try:
        for item in json_items(file):
            tariffs += 1
            for finding in _findings(file, item):
                findings += 1
                _print(item, finding, as_json)
    except OSError as error:
        raise UnusableError(f"{file}: {error.strerror}") from None
    except JsonFileError as error:
        raise UnusableError(f"{file}: {error}") from None
    if not tariffs:
        raise UnusableError(f"{file}: holds no tariff")
    if findings:
        raise NoError(f"{file}: {findings} findings in {tariffs} tariffs")


@tariff.command(
    "late",
    short_help="Sessions that a tariff came too late for.",
    epilog=example("evledger tariff late", "evledger tariff late --json"),
)
@tenant_option
@as_json_option
def late(tenant: str, as_json: bool) -> None:
    """Sessions whose pinned tariff version would be another one, had all that is published by now been there.

    Nothing changes for them: the version that was stored when a start was handled prices the session.
    """
    with connect(database_url(load_settings()), "auditor", transaction_timeout_ms=NO_TIMEOUT_MS) as connection:
        columns = ("session_id", "status", "started_at", "tariff_id", "tariff_version")
        spare = ("status", "started_at")
        rows = late_tariffs(connection, tenant)
        print_rows(rows, (*columns, "today_tariff_id", "today_tariff_version"), as_json, "Late tariffs", spare)


def _findings(file: Path, item: Item) -> list[Finding]:
    try:
        return lint_tariff(item.read())
    except FieldError as error:
        raise UnusableError(f"{file}: {item.at(str(error))}") from None
    except ValueError as error:
        raise UnusableError(f"{file}: {item.at(f'$: {error}')}") from None


def _print(item: Item, finding: Finding, as_json: bool) -> None:
    path = item.at(finding.path)
    if as_json:
        print_json({"path": path, "code": finding.code.value, "text": finding.text})
    else:
        click.echo(f"{path}: {finding.code}: {finding.text}")
