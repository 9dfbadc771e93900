"""What the database knows of stations and tokens, also where it came by another way than the adapter's topics."""

from collections.abc import Iterable
from typing import Any

from psycopg import Connection, Cursor

from consumers.ocpp import rows
from consumers.ocpp.rows import AccountTokens
from ledger.account.events import AccountFact
from ledger.application import Ledger
from ledger.intake.station import StationConfigured
from ledger.store.streams import head, read_page

# So many positions of the billing log are looked at in one transaction: enough to catch up fast, few to be brief.
FOLLOWED_MAX = 10_000

ACCOUNT_TOPICS = ("account.AccountOpened", "account.AccountChanged")


def tokens_of(account: AccountFact) -> AccountTokens:
    """What an account's message says about its tokens."""
    return AccountTokens(account.account_id, account.occurred_at, account.personal.tokens)


def follow_accounts(connection: Connection[Any], cursor: Cursor[Any], tenant: str) -> list[AccountTokens] | None:
    """Follow the billing log one page on; the tenant's accounts in it, None at its end. The caller stores them."""
    position, end = rows.followed_to(cursor, tenant), head(connection, "billing")
    until = min(end, position + FOLLOWED_MAX)
    if until <= position:
        return None
    rows.follow_to(cursor, tenant, until)
    facts = (logged.fact for logged in read_page(connection, "billing", position, until, ACCOUNT_TOPICS))
    return [tokens_of(fact) for fact in facts if isinstance(fact, AccountFact) and fact.tenant == tenant]


class Known:
    """Stations and accounts of a database, for whoever adapts a file."""

    def __init__(self, ledger: Ledger, tenant: str) -> None:
        self._ledger = ledger
        self._tenant = tenant

    def stations(self, station_ids: Iterable[str]) -> list[StationConfigured]:
        """Those of these stations that are known."""
        return rows.load_stations(self._ledger.connection.cursor(), self._tenant, station_ids)

    def accounts(self, token_uids: Iterable[str]) -> dict[str, str]:
        """The accounts that hold these tokens (in capital letters)."""
        while self._follow():
            pass
        return rows.load_accounts(self._ledger.connection.cursor(), self._tenant, token_uids)

    def _follow(self) -> bool:
        connection = self._ledger.connection
        with connection.transaction(), connection.cursor() as cursor:
            rows.lock(cursor)
            accounts = follow_accounts(connection, cursor, self._tenant)
            rows.put_tokens(cursor, self._tenant, accounts or ())
            return accounts is not None
