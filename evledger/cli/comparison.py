"""`evledger whatif`: recorded sessions under another tariff; changes nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from evledger.cli.errors import UnusableError
from evledger.cli.output import as_json_option, progress, tenant_option
from evledger.cli.tables import console, print_fields, print_rows
from evledger.comparing import Sums, change_json, plot
from evledger.examples import example
from evledger.settings import load_settings
from evledger.wiring import database_url
from ledger.audit.whatif import Span, what_if
from ledger.store.connection import connect
from ledger.tariff.model import Tariff
from ledger.tariff.parse import parse_tariff
from ledger.values.canonical import read_json_decimals

DAY = click.DateTime(formats=["%Y-%m-%d"])

SHOWN_GROUPS = 10  # the accounts and stations that change most; the rest is in --json


@click.command(
    short_help="Recorded sessions under another tariff.",
    epilog=example("evledger whatif --tariff new.json --from 2026-10-01 --to 2026-10-31 --plot difference.svg"),
)
@click.option("--tariff", "tariff_path", type=click.Path(path_type=Path), required=True, help="OCPI Tariff object.")
@click.option("--from", "first_day", type=DAY, required=True, help="Sessions that ended from this day (UTC) on.")
@click.option("--to", "last_day", type=DAY, required=True, help="Up to and including this day (UTC).")
@click.option("--plot", "plot_path", type=click.Path(path_type=Path, dir_okay=False), help="PNG or SVG.")
@tenant_option
@as_json_option
def whatif(  # noqa: PLR0913, PLR0917 - one argument per option
    tariff_path: Path, first_day: datetime, last_day: datetime, plot_path: Path | None, tenant: str, as_json: bool
) -> None:
    """Price recorded sessions again under another tariff: the difference per session, account, station, in total."""
    if last_day < first_day:
        raise UnusableError(f"--to {last_day:%Y-%m-%d} is before --from {first_day:%Y-%m-%d}")
    if plot_path is not None and plot_path.suffix not in (".png", ".svg"):
        raise UnusableError(f"--plot {plot_path}: name a file that ends in .png or .svg")
    until = last_day.replace(tzinfo=UTC) + timedelta(days=1)
    sums = _run(_tariff(tariff_path), Span(tenant, first_day.replace(tzinfo=UTC), until), as_json)
    if plot_path is not None:
        _plot(sums, plot_path)
    if not as_json:
        _show(sums)


def _tariff(path: Path) -> Tariff:
    try:
        return parse_tariff(read_json_decimals(path.read_bytes()))
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise UnusableError(f"{path}: {error}") from None


def _run(tariff: Tariff, span: Span, as_json: bool) -> Sums:
    """Go through the sessions; as JSON, one document whose list of sessions is written as it is found."""
    sums, separator = Sums(), ""
    with connect(database_url(load_settings()), "auditor") as connection, progress("sessions log") as step:
        if as_json:
            click.echo('{"changes": [', nl=False)
        for page in what_if(connection, tariff, span):
            for change in page.changes:
                sums.add(change)
                if as_json:
                    click.echo(separator + json.dumps(change_json(change), ensure_ascii=False), nl=False)
                    separator = ", "
            step(page.position, page.end)
    if as_json:
        click.echo("], " + json.dumps(sums.to_json(), ensure_ascii=False).removeprefix("{"))
    return sums


def _plot(sums: Sums, path: Path) -> None:
    try:
        plot(sums, path)
    except OSError as error:
        raise UnusableError(f"--plot {path}: {error.strerror}") from None


def _show(sums: Sums) -> None:
    found = sums.to_json()
    for name in ("accounts", "stations"):
        groups = found.pop(name)
        print_rows(groups[:SHOWN_GROUPS], ("id", "difference", "currency"), False, f"{name.capitalize()}, most first")
        if len(groups) > SHOWN_GROUPS:
            console.print(f"… and {len(groups) - SHOWN_GROUPS} more {name}, in --json")
    shown = {
        name: ", ".join(f"{v} {k}" for k, v in value.items()) if isinstance(value, dict) else value
        for name, value in found.items()
    }
    print_fields(shown, False, "In total")
