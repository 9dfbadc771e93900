"""The checks that `demo` and `audit` run: control totals, completeness, books."""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from ledger.store.positions import control_totals
from ledger.values.money import minor_to_text

SESSIONS = """
SELECT count(*), count(ended_at), count(*) FILTER (WHERE status IN ('RATED', 'BILLED', 'FREE')),
       count(*) FILTER (WHERE status = 'HELD'), count(*) FILTER (WHERE status = 'BILLED')
  FROM finance.session_costs WHERE tenant = %s
"""

COMPLETENESS = """
SELECT coalesce(sum(ended), 0), coalesce(sum(billed), 0), coalesce(sum(pending), 0), coalesce(sum(held), 0),
       coalesce(sum(waived), 0), coalesce(sum(free), 0), coalesce(sum(unexplained), 0)
  FROM finance.completeness WHERE tenant = %s
"""

INVOICES = """
SELECT currency, count(*), sum(net_minor), sum(vat_minor), sum(gross_minor) FROM finance.invoice_register
 WHERE tenant = %s GROUP BY currency ORDER BY currency
"""

JOURNAL = """
SELECT currency, sum(debit_minor), sum(credit_minor) FROM finance.gl_journal WHERE tenant = %s
 GROUP BY currency ORDER BY currency
"""

CATEGORIES = ("ended", "billed", "pending", "held", "waived", "free", "unexplained")


def session_counts(connection: Connection[Any], tenant: str) -> dict[str, int]:
    """How many sessions started, ended, were rated and may be billed, are held, are billed."""
    row = connection.execute(SESSIONS, [tenant]).fetchone() or (0,) * 5
    return dict(zip(("started", "ended", "rated", "held", "billed"), map(int, row), strict=True))


def message_counts(connection: Connection[Any]) -> dict[str, int]:
    """The control totals over all partitions."""
    totals = control_totals(connection)
    return {
        "read": totals.messages_read,
        "appended": totals.appended,
        "duplicates": totals.duplicates,
        "parked": totals.parked,
        "discarded": totals.discarded,
    }


def completeness_counts(connection: Connection[Any], tenant: str) -> dict[str, int]:
    """Ended sessions by what became of them, each counted by its own rule."""
    row = connection.execute(COMPLETENESS, [tenant]).fetchone() or (0,) * len(CATEGORIES)
    return dict(zip(CATEGORIES, map(int, row), strict=True))


def invoice_sums(connection: Connection[Any], tenant: str) -> dict[str, Any]:
    """Issued invoices and their sums by currency."""
    rows = connection.execute(INVOICES, [tenant]).fetchall()
    sums = {"net": 2, "vat": 3, "gross": 4}
    return {
        "issued": sum(row[1] for row in rows),
        **{name: {row[0]: minor_to_text(int(row[place]), row[0]) for row in rows} for name, place in sums.items()},
    }


def journal_sums(connection: Connection[Any], tenant: str) -> dict[str, dict[str, str]]:
    """Debits and credits by currency."""
    rows = connection.execute(JOURNAL, [tenant]).fetchall()
    return {
        name: {row[0]: minor_to_text(int(row[place]), row[0]) for row in rows}
        for name, place in {"debit": 1, "credit": 2}.items()
    }


def completeness(connection: Connection[Any], tenant: str) -> dict[str, Any]:
    """Both sums of `audit completeness`, and whether the messages add up."""
    totals = control_totals(connection)
    return {
        **{f"messages_{name}": count for name, count in message_counts(connection).items()},
        "messages_complete": totals.are_complete(),
        **completeness_counts(connection, tenant),
    }


def is_sound(messages: Mapping[str, int], completed: Mapping[str, int], journal: Mapping[str, Any]) -> bool:
    """Control totals hold, every ended session is explained, debits are credits."""
    outcomes = sum(messages[name] for name in ("appended", "duplicates", "parked", "discarded"))
    categories = sum(completed[name] for name in CATEGORIES[1:-1])
    return (
        messages["read"] == outcomes
        and completed["unexplained"] == 0
        and completed["ended"] == categories
        and journal["debit"] == journal["credit"]
    )
