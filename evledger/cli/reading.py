"""`evledger session`, `evledger invoice`, `evledger account`: what the tables say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from psycopg import Connection

from evledger import listing
from evledger.cli.errors import NoError
from evledger.cli.output import as_json_option, print_fields, print_json, print_rows, tenant_option
from evledger.settings import load_settings
from evledger.wiring import database_url
from ledger.store.connection import NO_TIMEOUT_MS, connect


@click.group()
def session() -> None:
    """Charging sessions and what they cost."""


@session.command("list", epilog="Example: evledger session list --json | head -1")
@tenant_option
@as_json_option
def list_sessions(tenant: str, as_json: bool) -> None:
    """All sessions, as far as they are projected (`evledger project --once`)."""
    with finance() as connection:
        columns = ("session_id", "status", "account_id", "started_at", "energy_kwh", "currency", "incl_vat")
        print_rows(listing.sessions(connection, tenant), (*columns, "invoice_number"), as_json, "Sessions")


@session.command("show", epilog="Example: evledger session show NL-ABC-2026-000001")
@click.argument("session_id")
@tenant_option
@as_json_option
def show_session(session_id: str, tenant: str, as_json: bool) -> None:
    """One session."""
    with finance() as connection:
        found = next(listing.sessions(connection, tenant, session_id), None)
    if found is None:
        raise NoError(f"session {session_id} is not in the tables: was it ingested, and `evledger project --once` run?")
    print_fields(found, as_json, session_id)


@click.group()
def invoice() -> None:
    """Issued invoices."""


@invoice.command("list", epilog="Example: evledger invoice list")
@tenant_option
@as_json_option
def list_invoices(tenant: str, as_json: bool) -> None:
    """The invoice register."""
    with finance() as connection:
        columns = ("number", "account_id", "issued_on", "due_on", "net", "vat", "gross", "currency", "status")
        print_rows(listing.invoices(connection, tenant), columns, as_json, "Invoices")


@invoice.command("show", epilog="Example: evledger invoice show EVL-2026-000001")
@click.argument("number")
@tenant_option
@as_json_option
def show_invoice(number: str, tenant: str, as_json: bool) -> None:
    """One invoice with its lines."""
    with finance() as connection:
        found = next(listing.invoices(connection, tenant, number), None)
        lines = listing.invoice_lines(connection, tenant, number)
    if found is None:
        raise NoError(f"invoice {number} is not in the tables: was it issued, and `evledger project --once` run?")
    if as_json:
        print_json({**found, "lines": lines})
    else:
        print_invoice(found, lines)


def print_invoice(found: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """An invoice for people."""
    columns = ("line", "description", "session_id", "quantity", "unit", "unit_price", "vat_percent", "net")
    print_rows(lines, columns, False, f"Invoice {found['number']} for {found['account_id']}")
    click.echo(
        f"net {found['net']}  VAT {found['vat']}  gross {found['gross']} {found['currency']}"
        f"   issued {found['issued_on']}, due {found['due_on']}"
    )


@click.group()
def account() -> None:
    """Payers."""


@account.command("show", epilog="Example: evledger account show ACC-1")
@click.argument("account_id")
@tenant_option
@as_json_option
def show_account(account_id: str, tenant: str, as_json: bool) -> None:
    """What an account owes."""
    with finance() as connection:
        found = listing.balances(connection, tenant, account_id)
    if as_json:
        print_json({"account_id": account_id, "balances": found})
    else:
        print_rows(found, ("currency", "balance", "prepaid"), False, f"Balances of {account_id}")


@contextmanager
def finance() -> Iterator[Connection[Any]]:
    """A connection that can read the finance views, and nothing else."""
    url = database_url(load_settings())
    with connect(url, "finance", transaction_timeout_ms=NO_TIMEOUT_MS) as connection:
        yield connection
