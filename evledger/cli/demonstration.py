"""`evledger demo`."""

import os
import shutil
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import click
from rich.columns import Columns
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from evledger import listing
from evledger.cli.errors import NoError, UnusableError
from evledger.cli.output import as_json_option, print_json, say
from evledger.cli.reading import print_invoice
from evledger.cli.tables import console, fields_table
from evledger.demo import TENANT, Demonstrated, DemoRefusedError, run_demo
from evledger.examples import example
from evledger.settings import Settings, load_settings
from evledger.simulator.simulation import MAX_SESSIONS
from evledger.verification import Check
from evledger.wiring import database_url
from ledger.store.connection import connect

NEXT = (
    ("evledger invoice show {number}", "an invoice, from the tables"),
    ("evledger explain {number}", "every step, from register to cent"),
    ("evledger session list", "what each session cost and became"),
    ("evledger held list", "sessions that may not be billed"),
    ("evledger replay --all", "recompute every invoice"),
    ("evledger audit completeness", "nothing missing, nothing twice"),
    (r"evledger db psql -c '\dv finance.*'", "the views that finance pulls"),
    ("evledger db stop", "stop the embedded PostgreSQL"),
)


@click.command(
    short_help="The main job on an empty machine.",
    epilog=example("evledger demo", "evledger demo --sessions 2000 --seed 1 --json"),
)
@click.option("--sessions", type=click.IntRange(1, MAX_SESSIONS), default=200, show_default=True, help="How many.")
@click.option("--seed", type=int, default=7, show_default=True, help="Same seed, same sessions.")
@click.option("--force", is_flag=True, help="Run in the database of EVLEDGER_DATABASE_URL.")
@as_json_option
def demo(sessions: int, seed: int, force: bool, as_json: bool) -> None:
    """The main job on an empty machine: simulated messages to invoices, tables and proofs, without a broker."""
    settings = load_settings()
    if settings.database_url is not None and not force:
        raise UnusableError("the demo would write to the database of EVLEDGER_DATABASE_URL: unset it, or give --force")
    started = monotonic()
    try:
        demonstrated = run_demo(settings, sessions, seed, say)
    except DemoRefusedError as error:
        raise UnusableError(str(error)) from None
    figures = {**demonstrated.figures, "seconds": round(monotonic() - started, 1)}
    if as_json:
        print_json(figures)
    else:
        _show(settings, demonstrated._replace(figures=figures))
    if not figures["verified"]:
        raise NoError("the demo's figures do not add up")


def _show(settings: Settings, demonstrated: Demonstrated) -> None:
    figures = demonstrated.figures
    invoices = {name: _amounts(value) for name, value in figures["invoices"].items()}
    tables = [fields_table(figures[name], name.capitalize()) for name in ("messages", "sessions")]
    tables.append(fields_table(invoices, "Invoices"))
    console.print(Columns(tables, padding=(0, 3)))
    number = _show_one_invoice(settings)
    _show_checks(demonstrated.checks)
    console.print(f"Done in {figures['seconds']} s.\n")
    _show_next(number)


def _show_one_invoice(settings: Settings) -> str:
    """One with a few lines; its number, or a word in its place when none was issued."""
    with closing(connect(database_url(settings), "finance")) as connection:
        number = listing.typical_invoice(connection, TENANT)
        if number is None:
            return "NUMBER"
        found = next(listing.invoices(connection, TENANT, number))
        lines = listing.invoice_lines(connection, TENANT, number)
    console.print()
    print_invoice(found, lines)
    console.print()
    return number


def _show_checks(checks: list[Check]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for check in checks:
        mark = Text("✓", "bold green") if check.holds else Text("✗", "bold red")
        table.add_row(mark, Text(check.name, "bold"), check.text)
    console.print(table)


def _show_next(number: str) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    for command, what in NEXT:
        table.add_row(command.format(number=number), what)
    console.print(Panel(table, title=f"What to try next{_where()}", title_align="left", expand=False))


def _where() -> str:
    """After `make demo` the program is in the project's own environment, and not on the shell's path."""
    program = Path(sys.argv[0])
    known = shutil.which(program.name)
    if known is not None and Path(known).resolve() == program.resolve():
        return ""
    return f" (evledger is {os.path.relpath(program)})"


def _amounts(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(f"{amount} {currency}" for currency, amount in value.items())
