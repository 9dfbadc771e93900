"""`evledger tariff lint`."""

from pathlib import Path

import click

from evledger.cli.errors import NoError, UnusableError
from evledger.cli.output import as_json_option, print_json
from evledger.examples import example
from evledger.json_items import Item, JsonFileError, json_items
from ledger.tariff.json_fields import FieldError
from ledger.tariff.lint.finding import Finding
from ledger.tariff.lint.lint import lint as lint_tariff


@click.group(short_help="Tariffs before they are used.", epilog=example("evledger tariff lint tariff.json"))
def tariff() -> None:
    """OCPI tariffs, before anybody charges under them."""


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
