"""`evledger demo`."""

from contextlib import closing
from time import monotonic
from typing import Any

import click
from rich.panel import Panel

from evledger import listing
from evledger.cli.errors import NoError, UnusableError
from evledger.cli.output import as_json_option, console, print_fields, print_json
from evledger.cli.reading import print_invoice
from evledger.demo import TENANT, DemoRefusedError, run_demo
from evledger.settings import Settings, load_settings
from evledger.simulator.simulation import MAX_SESSIONS
from evledger.wiring import database_url
from ledger.store.connection import connect

NEXT = """\
evledger session list                  what each session cost, and what became of it
evledger invoice show {number}   the invoice above, from the tables
evledger replay --all                  recompute every invoice from the events
evledger audit completeness            nothing missing, nothing twice
evledger db psql -c '\\dv finance.*'    the views that finance pulls
evledger db stop                       stop the embedded PostgreSQL"""


@click.command(epilog="Example: evledger demo --sessions 200 --seed 7")
@click.option("--sessions", type=click.IntRange(1, MAX_SESSIONS), default=200, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--force", is_flag=True, help="Run in the database of EVLEDGER_DATABASE_URL.")
@as_json_option
def demo(sessions: int, seed: int, force: bool, as_json: bool) -> None:
    """The main job on an empty machine: simulated messages to invoices, tables and proofs, without a broker."""
    settings = load_settings()
    if settings.database_url is not None and not force:
        raise UnusableError("the demo would write to the database of EVLEDGER_DATABASE_URL: unset it, or give --force")
    started = monotonic()
    try:
        figures = run_demo(settings, sessions, seed, lambda line: click.echo(f"· {line}", err=True))
    except DemoRefusedError as error:
        raise UnusableError(str(error)) from None
    figures["seconds"] = round(monotonic() - started, 1)
    if as_json:
        print_json(figures)
    else:
        _show(settings, figures)
    if not figures["verified"]:
        raise NoError("the demo's figures do not add up")


def _show(settings: Settings, figures: dict[str, Any]) -> None:
    for name in ("messages", "sessions", "completeness"):
        print_fields(figures[name], False, name.capitalize())
    invoices = figures["invoices"]
    print_fields(
        {"issued": invoices["issued"], **{name: _amounts(invoices[name]) for name in ("net", "vat", "gross")}},
        False,
        "Invoices",
    )
    number = _show_one_invoice(settings)
    verdict = "verified: control totals, completeness, books, and every invoice recomputed to the byte"
    console.print(f"[bold green]✓[/] {verdict}, in {figures['seconds']} s" if figures["verified"] else "[red]✗[/]")
    console.print(Panel(NEXT.format(number=number), title="What to try next", title_align="left", expand=False))


def _show_one_invoice(settings: Settings) -> str:
    with closing(connect(database_url(settings), "finance")) as connection:
        found = next(listing.invoices(connection, TENANT))
        lines = listing.invoice_lines(connection, TENANT, found["number"])
    print_invoice(found, lines)
    return str(found["number"])


def _amounts(by_currency: dict[str, str]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in by_currency.items())
