"""`evledger explain`: from the registers to the cent, for a person."""

import click
import msgspec

from evledger.cli.errors import NoError
from evledger.cli.output import as_json_option, print_json, tenant_option
from evledger.cli.tables import console, print_rows
from evledger.examples import example
from evledger.settings import load_settings
from evledger.wiring import database_url
from ledger.audit.explain import Explanation, SessionExplained, UnknownInvoiceError, find_invoice
from ledger.audit.explain import explain as explain_invoice
from ledger.store.connection import connect

COLUMNS = (
    "dimension", "from", "until", "quantity", "billed_quantity", "unit_price", "vat_percent", "excl_vat", "incl_vat",
    "because",
)  # fmt: skip
SPARE = ("billed_quantity", "from", "until", "because")


@click.command(
    short_help="Every step of an invoice, from register to cent.",
    epilog=example("evledger explain EVL-2026-000001", "evledger explain EVL-2026-000001 --line 1"),
)
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
    console.print(f"Invoice {found.number} for {found.account_id}, amounts in {found.currency}", style="bold")
    for session in found.sessions:
        _show_session(session)
    for vat in found.vat:
        console.print(f"VAT: {vat}")
    console.print(found.totals, style="bold")


def _show_session(session: SessionExplained) -> None:
    console.print(f"\nSession {session.session_id}", style="bold")
    console.print(f"  register at the start  {session.started} kWh")
    console.print(f"  register at the end    {session.ended} kWh")
    console.print(f"  energy                 {session.energy_kwh} kWh, {session.readings} readings between")
    for substituted in session.substituted:
        console.print(f"  substituted            {substituted}")
    if session.credited_by is not None:
        console.print(f"  billed before          taken off that invoice by {session.credited_by}")
    for reason in session.registers_because:
        console.print(f"  registers by           {reason}")
    for signature in session.signatures:
        console.print(f"  signed                 {signature}")
    console.print(f"  tariff                 {session.tariff}, sha256 {session.tariff_hash[:16]}…")
    print_rows([step.line for step in session.steps], COLUMNS, False, "", SPARE)
    console.print(f"  exact, {session.side}: {session.exact} → {session.rounded} ({session.rounding})")
    if session.day_cap is not None:
        console.print(f"  {session.day_cap}")
    for line in session.lines:
        console.print(f"  {line}")
