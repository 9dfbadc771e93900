"""What `list` and `show` read: the finance views, and an account's own facts."""

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from ledger.account.events import AccountFact
from ledger.account.state import Account, evolve
from ledger.store.streams import load_streams
from ledger.values.energy import from_milliwh
from ledger.values.ids import stream_id
from ledger.values.money import minor_to_text
from ledger.values.time import from_instant

SESSION_COLUMNS = (
    "session_id", "status", "account_id", "tariff_id", "tariff_version", "started_at", "ended_at", "energy_kwh",
    "currency", "excl_vat", "incl_vat", "invoice_number", "correction_due",
)  # fmt: skip

# Rows fetched at a time from a server-side cursor, so that a list of any length takes the same memory.
FETCH_ROWS = 5_000

SESSIONS = """
SELECT session_id, status, account_id, payment_id, tariff_id, tariff_version, started_at, ended_at, energy_milliwh,
       currency, excl_minor, incl_minor, invoice_number, correction_due, held_codes, location_id, station_id, revision
  FROM finance.session_costs WHERE tenant = %(tenant)s AND (%(id)s::text IS NULL OR session_id = %(id)s)
 ORDER BY started_at, session_id COLLATE "C"
"""

INVOICES = """
SELECT number, kind, corrects, account_id, issued_on, due_on, net_minor, vat_minor, gross_minor, currency, status,
       period, document_sha256
  FROM finance.invoice_register WHERE tenant = %(tenant)s AND (%(id)s::text IS NULL OR number = %(id)s)
 ORDER BY issued_on, number COLLATE "C"
"""

LINES = """
SELECT line, description, session_id, dimension, quantity, unit, unit_price, net_minor, vat_percent, currency
  FROM finance.invoice_lines WHERE tenant = %(tenant)s AND number = %(id)s ORDER BY line
"""

# An invoice that shows what invoices look like: the first with the most lines that a screen takes.
LINES_ON_A_SCREEN = 8

TYPICAL = """
SELECT number FROM finance.invoice_lines WHERE tenant = %s GROUP BY number
 ORDER BY CASE WHEN count(*) <= %s THEN -count(*) ELSE count(*) END, number COLLATE "C" LIMIT 1
"""

BALANCES = "SELECT currency, balance_minor, prepaid_minor, as_of FROM finance.customer_balances \
WHERE tenant = %(tenant)s AND account_id = %(id)s ORDER BY currency"


def sessions(connection: Connection[Any], tenant: str, session_id: str | None = None) -> Iterator[dict[str, Any]]:
    """Sessions in the shape of `session list --json`, with a few fields more."""
    for row in _rows(connection, SESSIONS, tenant, session_id):
        yield _session(row)


def invoices(connection: Connection[Any], tenant: str, number: str | None = None) -> Iterator[dict[str, Any]]:
    """Invoices of the register; amounts as decimal texts."""
    for row in _rows(connection, INVOICES, tenant, number):
        amounts = {name: minor_to_text(row.pop(f"{name}_minor"), row["currency"]) for name in ("net", "vat", "gross")}
        yield {**row, **amounts, "issued_on": str(row["issued_on"]), "due_on": str(row["due_on"])}


def invoice_lines(connection: Connection[Any], tenant: str, number: str) -> list[dict[str, Any]]:
    """The lines of one invoice."""
    rows = _rows(connection, LINES, tenant, number)
    return [{**_texts(row), "net": minor_to_text(row["net_minor"], row["currency"])} for row in rows]


def typical_invoice(connection: Connection[Any], tenant: str) -> str | None:
    """The number of an invoice that is good to look at, None when there is none."""
    row = connection.execute(TYPICAL, [tenant, LINES_ON_A_SCREEN]).fetchone()
    return str(row[0]) if row else None


def account(connection: Connection[Any], tenant: str, account_id: str) -> AccountFact | None:
    """The account as it stands in the log, None when it was never opened."""
    found = Account()
    for _, _, fact in load_streams(connection, "billing", {stream_id(tenant, "account", account_id): 0}):
        evolve(found, fact)
    return found.current


def balances(connection: Connection[Any], tenant: str, account_id: str) -> list[dict[str, Any]]:
    """What an account owes, by currency."""
    return [
        {
            "currency": row["currency"],
            "balance": minor_to_text(row["balance_minor"], row["currency"]),
            "prepaid": minor_to_text(row["prepaid_minor"], row["currency"]),
        }
        for row in _rows(connection, BALANCES, tenant, account_id)
    ]


def _rows(connection: Connection[Any], query: str, tenant: str, name: str | None) -> Iterator[dict[str, Any]]:
    with connection.transaction(), connection.cursor("listing", row_factory=dict_row) as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(query, {"tenant": tenant, "id": name})
        yield from cursor


def _session(row: Mapping[str, Any]) -> dict[str, Any]:
    currency = row["currency"]
    named = {
        **row,
        "started_at": _instant(row["started_at"]),
        "ended_at": _instant(row["ended_at"]),
        "energy_kwh": None if row["energy_milliwh"] is None else from_milliwh(int(row["energy_milliwh"])),
        "excl_vat": None if row["excl_minor"] is None else minor_to_text(row["excl_minor"], currency),
        "incl_vat": None if row["incl_minor"] is None else minor_to_text(row["incl_minor"], currency),
        "held": row["held_codes"],
    }
    more = ("payment_id", "location_id", "station_id", "revision", "held")
    return {name: named[name] for name in (*SESSION_COLUMNS, *more)}


def _instant(value: Any) -> str | None:
    return None if value is None else from_instant(value)


def _texts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("net_minor", "currency")}
