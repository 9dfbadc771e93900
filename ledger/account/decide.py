"""Opening and changing an account."""

import msgspec

from ledger.account.events import AccountChanged, AccountFact, AccountOpened
from ledger.account.state import Account


def open_or_change(account: Account, proposal: AccountFact) -> AccountFact:
    """The proposal: AccountOpened for a new account, else AccountChanged, as `opened` twice counts as changed."""
    cls = AccountOpened if account.current is None else AccountChanged
    if type(proposal) is cls:
        return proposal
    return cls(**msgspec.structs.asdict(proposal))
