"""A journal entry: postings that balance per currency, or it does not exist."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Account = Literal[
    "receivable",
    "revenue",
    "vat_payable",
    "clearing",
    "prepayment",
    "bank",
    "fees",
    "rounding",
    "disputed_receivable",
    "write_off",
]


class UnbalancedEntryError(Exception):
    """Debits and credits of a currency differ; the message names the document and both sums."""


@dataclass(frozen=True)
class Posting:
    """One side of one account, in minor units: exactly one of the two amounts is positive, the other 0."""

    account: Account
    debit_minor: int
    credit_minor: int
    currency: str

    def __post_init__(self) -> None:
        if min(self.debit_minor, self.credit_minor) != 0 or max(self.debit_minor, self.credit_minor) <= 0:
            raise ValueError(f"a posting has one positive side: {self}")


@dataclass(frozen=True)
class JournalEntry:
    """What one fact means for the books. `document` is the invoice's number or the payment's id.

    Raises UnbalancedEntryError when debits and credits of a currency differ.
    """

    tenant: str
    occurred_at: datetime
    document: str
    account_id: str
    legal_entity: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        for currency, balance_minor in _balances(self.postings).items():
            if balance_minor != 0:
                raise UnbalancedEntryError(f"{self.document}: debits and credits differ by {balance_minor} {currency}")

    def balance_minor(self, account: Account) -> Counter[str]:
        """Debits less credits of an account, by currency."""
        return _balances(tuple(posting for posting in self.postings if posting.account == account))


def debit(account: Account, amount_minor: int, currency: str) -> tuple[Posting, ...]:
    """A debit; a negative amount is a credit, and 0 is no posting."""
    if amount_minor == 0:
        return ()
    return (Posting(account, max(amount_minor, 0), max(-amount_minor, 0), currency),)


def credit(account: Account, amount_minor: int, currency: str) -> tuple[Posting, ...]:
    """A credit; a negative amount is a debit, and 0 is no posting."""
    return debit(account, -amount_minor, currency)


def _balances(postings: tuple[Posting, ...]) -> Counter[str]:
    balances: Counter[str] = Counter()
    for posting in postings:
        balances[posting.currency] += posting.debit_minor - posting.credit_minor
    return balances
