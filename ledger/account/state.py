"""A payer's account: each fact is its full new state."""

from collections.abc import Callable
from typing import Any

from ledger.account.events import AccountChanged, AccountFact, AccountOpened, Terms
from ledger.store.fact import Fact


class Account:
    """The account in force (None before it was opened) and its version in the stream."""

    __slots__ = ("current", "version")

    def __init__(self) -> None:
        self.current: AccountFact | None = None
        self.version = 0

    def terms(self) -> Terms | None:
        """The terms that a session which starts now is billed under."""
        if self.current is None:
            return None
        return Terms(account_version=self.version, kind=self.current.kind, billing=self.current.billing)


def _replaced(account: Account, fact: AccountFact) -> None:
    account.current = fact
    account.version += 1


FOLDS: dict[type[Fact], Callable[[Account, Any], None]] = {AccountOpened: _replaced, AccountChanged: _replaced}


def evolve(account: Account, fact: Fact) -> None:
    """Fold an opening or a change. Raises KeyError on any other fact."""
    FOLDS[type(fact)](account, fact)
