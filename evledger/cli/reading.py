"""`evledger session`, `evledger invoice`, `evledger account`: what the tables say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from psycopg import Connection

from evledger import listing
from evledger.cli.errors import NoError
from evledger.cli.output import as_json_option, print_json, tenant_option
from evledger.cli.tables import console, print_fields, print_projected, print_rows
from evledger.examples import example
from evledger.settings import load_settings
from evledger.wiring import database_url
from ledger.store.connection import NO_TIMEOUT_MS, connect

# How an account is billed; who it is stays in its facts.
ACCOUNT_TERMS = (
    "kind", "billing", "currency", "country", "legal_entity", "time_zone", "closing_day", "payment_terms_days",
    "parent_account_id",
)  # fmt: skip


@click.group(epilog=example("evledger session list", "evledger session show NL-ABC-2026-000001"))
def session() -> None:
    """Charging sessions and what they cost."""


@session.command(
    "list",
    short_help="All sessions.",
    epilog=example("evledger session list", "evledger session list --json | head -1"),
)
@tenant_option
@as_json_option
def list_sessions(tenant: str, as_json: bool) -> None:
    """All sessions, as far as they are projected (`evledger project --once`)."""
    with finance() as connection:
        columns = ("session_id", "status", "account_id", "started_at", "energy_kwh", "incl_vat", "currency")
        spare = ("account_id", "started_at", "currency")
        rows = listing.sessions(connection, tenant)
        print_projected(rows, (*columns, "invoice_number"), as_json, "Sessions", spare)


@session.command("show", epilog=example("evledger session show NL-ABC-2026-000001"))
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


@click.group(epilog=example("evledger invoice list", "evledger invoice show EVL-2026-000001"))
def invoice() -> None:
    """Issued invoices."""


@invoice.command("list", epilog=example("evledger invoice list"))
@tenant_option
@as_json_option
def list_invoices(tenant: str, as_json: bool) -> None:
    """The invoice register."""
    with finance() as connection:
        columns = ("number", "account_id", "issued_on", "due_on", "net", "vat", "gross", "currency", "status")
        spare = ("due_on", "vat", "net", "status")
        print_projected(listing.invoices(connection, tenant), columns, as_json, "Invoices", spare)


@invoice.command("show", epilog=example("evledger invoice show EVL-2026-000001"))
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
    columns = ("line", "session_id", "description", "quantity", "unit", "unit_price", "vat_percent", "net")
    dates = f"issued {found['issued_on']}, due {found['due_on']}"
    print_rows(lines, columns, False, f"Invoice {found['number']} for {found['account_id']}, {dates}", ("line", "unit"))
    sums = f"net {found['net']} + VAT {found['vat']} = gross {found['gross']} {found['currency']}"
    console.print(f"  {sums}", style="bold")


@click.group(epilog=example("evledger account show ACC-1"))
def account() -> None:
    """Payers."""


@account.command("show", epilog=example("evledger account show ACC-1"))
@click.argument("account_id")
@tenant_option
@as_json_option
def show_account(account_id: str, tenant: str, as_json: bool) -> None:
    """How an account is billed, and what it owes."""
    with connect(database_url(load_settings()), "auditor") as connection:
        found = listing.account(connection, tenant, account_id)
        balances = listing.balances(connection, tenant, account_id)
    if found is None:
        raise NoError(f"account {account_id} was never opened: was its message ingested?")
    terms = {"account_id": account_id, **{name: getattr(found, name) for name in ACCOUNT_TERMS}}
    if as_json:
        print_json({**terms, "balances": balances})
        return
    print_fields(terms, False, f"Account {account_id}")
    print_rows(balances, ("currency", "balance", "prepaid"), False, "Owes")


@contextmanager
def finance() -> Iterator[Connection[Any]]:
    """A connection that can read the finance views, and nothing else."""
    url = database_url(load_settings())
    with connect(url, "finance", transaction_timeout_ms=NO_TIMEOUT_MS) as connection:
        yield connection
