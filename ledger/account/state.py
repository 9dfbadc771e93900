"""A payer's account: each fact is its full new state."""

from ledger.account.events import AccountFact, Terms
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


def evolve(account: Account, fact: Fact) -> None:
    """Fold an opening or a change. Raises TypeError on any other fact."""
    if not isinstance(fact, AccountFact):
        raise TypeError(f"{type(fact).__name__} is no fact about accounts")
    account.current = fact
    account.version += 1
