"""`evledger explain`: from the registers to the cent, for a person."""

import click
import msgspec
from rich.table import Table

from evledger.cli.errors import NoError
from evledger.cli.output import as_json_option, console, print_json, tenant_option
from evledger.settings import load_settings
from evledger.wiring import database_url
from ledger.audit.explain import Explanation, SessionExplained, UnknownInvoiceError, find_invoice
from ledger.audit.explain import explain as explain_invoice
from ledger.store.connection import connect


@click.command(epilog="Example: evledger explain EVL-2026-000001 --line 1")
@click.argument("number")
@click.option("--line", type=click.IntRange(1), help="Only the session behind this line.")
@tenant_option
@as_json_option
def explain(number: str, line: int | None, tenant: str, as_json: bool) -> None:
    """Every step of an invoice, recomputed from the events: registers, prices, rounding, shares, VAT."""
    with connect(database_url(load_settings()), "auditor") as connection:
        try:
            found = explain_invoice(connection, find_invoice(connection, tenant, number), line)
        except (UnknownInvoiceError, LookupError) as error:
            raise NoError(str(error)) from None
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        _show(found)


def _show(found: Explanation) -> None:
    console.print(f"[bold]Invoice {found.number}[/] for {found.account_id}, amounts in {found.currency}")
    for session in found.sessions:
        _show_session(session)
    for vat in found.vat:
        console.print(f"VAT: {vat}")
    console.print(f"[bold]{found.totals}[/]")


def _show_session(session: SessionExplained) -> None:
    console.print(f"\n[bold]Session {session.session_id}[/]")
    console.print(f"  register at the start  {session.started} kWh")
    console.print(f"  register at the end    {session.ended} kWh")
    console.print(f"  energy                 {session.energy_kwh} kWh, {session.readings} readings between")
    console.print(f"  tariff                 {session.tariff}, sha256 {session.tariff_hash[:16]}…")
    console.print(_steps(session))
    console.print(f"  exact, {session.side}: {session.exact} → {session.rounded} ({session.rounding})")
    for line in session.lines:
        console.print(f"  {line}")


def _steps(session: SessionExplained) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for column in ("dimension", "from", "until", "quantity", "billed", "× price", "VAT %", "before tax", "after tax"):
        table.add_column(column, justify="right" if column not in ("dimension", "from", "until") else "left")
    table.add_column("because")
    for step in session.steps:
        names = ("dimension", "from", "until", "quantity", "billed_quantity", "unit_price", "vat_percent")
        table.add_row(*(_shown(step.line[name]) for name in (*names, "excl_vat", "incl_vat", "because")))
    return table


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
