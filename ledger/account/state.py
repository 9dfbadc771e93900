"""A payer's account: each fact is its full new state."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ledger.account.events import AccountChanged, AccountFact, AccountOpened, Membership, Terms
from ledger.store.fact import Fact
from ledger.values.zones import time_zone


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

    def groups_at(self, instant: datetime) -> tuple[str, ...]:
        """The groups that the payer is a member of on the day of the instant in the account's zone, sorted."""
        if self.current is None:
            return ()
        day = instant.astimezone(time_zone(self.current.time_zone)).date().isoformat()
        return tuple(sorted({m.group for m in self.current.memberships if _holds(m, day)}))


def _holds(membership: Membership, day: str) -> bool:
    return membership.from_day <= day and (membership.until_day is None or day < membership.until_day)


def _replaced(account: Account, fact: AccountFact) -> None:
    account.current = fact
    account.version += 1


FOLDS: dict[type[Fact], Callable[[Account, Any], None]] = {AccountOpened: _replaced, AccountChanged: _replaced}


def evolve(account: Account, fact: Fact) -> None:
    """Fold an opening or a change. Raises KeyError on any other fact."""
    FOLDS[type(fact)](account, fact)
