"""One row per payer and currency: what is owed."""

from collections import Counter

import msgspec

from ledger.posting import POSTED, JournalEntry, journal_entry
from projections.page import Page
from projections.projection import Projection, Write

ADD = """
INSERT INTO {table} AS t SELECT * FROM json_populate_recordset(NULL::{table}, %s::json)
ON CONFLICT (tenant, account_id, currency) DO UPDATE SET balance_minor = t.balance_minor + EXCLUDED.balance_minor,
  prepaid_minor = t.prepaid_minor + EXCLUDED.prepaid_minor
"""

PayerKey = tuple[str, str, str]  # tenant, account id, currency


class BalanceChange(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `projection.customer_balances`: a positive balance is what the payer owes."""

    tenant: str
    account_id: str
    currency: str
    balance_minor: int
    prepaid_minor: int = 0


def to_writes(page: Page) -> list[Write]:
    """What the page's entries add to each payer's balance: one row per payer and currency."""
    changes: Counter[PayerKey] = Counter()
    for entry in page.entries:
        for payer, minor in receivable_changes(journal_entry(entry.fact)).items():
            changes[payer] += minor
    rows = [
        BalanceChange(tenant=tenant, account_id=account_id, currency=currency, balance_minor=minor)
        for (tenant, account_id, currency), minor in changes.items()
    ]
    return [Write(rows, ADD)]


def receivable_changes(entry: JournalEntry) -> dict[PayerKey, int]:
    """By how much the entry moves what its payer owes, by currency."""
    moved = entry.balance_minor("receivable")
    return {(entry.tenant, entry.account_id, currency): minor for currency, minor in moved.items()}


CUSTOMER_BALANCES = Projection("customer_balances", "billing", POSTED, to_writes)
