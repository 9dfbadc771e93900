"""Replay: every issued invoice recomputed from the events alone, and compared byte for byte.

From the readings of each session to its cost, from the costs to the invoice: the same pure functions that made them,
given what was recorded as known then. Anything that differs is named.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from ledger.account.events import AccountFact
from ledger.account.state import Account
from ledger.account.state import evolve as evolve_account
from ledger.invoice.decide import BilledSession, Issue, issue_invoice
from ledger.invoice.events import InvoicedSession, InvoiceIssued
from ledger.session.events import SessionRated, TariffPin
from ledger.session.rating import rate_session
from ledger.session.state import Session, evolve
from ledger.store.connection import Database
from ledger.store.fact import Fact
from ledger.store.serial import encode_fact
from ledger.store.streams import LoggedFact, head, load_streams, load_until, read_page
from ledger.tariffbook.compiled import CompiledTariffs
from ledger.tariffbook.events import TariffPublished
from ledger.values.ids import stream_id

TOPIC = "invoice.InvoiceIssued"

# Invoices are read in pages of this many positions, and their sessions in portions of this many at a time: a session of
# 50 readings is 25 kB in memory.
PAGE_POSITIONS = 2_000
PAGE_SESSIONS = 1_000


class Difference(NamedTuple):
    """An invoice that does not come out as it was issued, and where it first differs."""

    number: str
    reason: str


class Replayed(NamedTuple):
    invoices: int
    differences: list[Difference]


Progress = Callable[[int, int], None]


def replay(connection: Database, numbers: Sequence[str] | None, progress: Progress) -> Replayed:
    """Recompute the invoices with these numbers, or all (None). `progress` is told position and end of the log.

    Raises LookupError when one of the numbers was never issued.
    """
    replayer, invoices, differences = Replayer(connection), 0, list[Difference]()
    wanted = None if numbers is None else set(numbers)
    end = head(connection, "billing")
    for after in range(0, end, PAGE_POSITIONS):
        page = list(read_page(connection, "billing", after, min(after + PAGE_POSITIONS, end), [TOPIC]))
        chosen = [logged for logged in page if _is_wanted(logged, wanted)]
        invoices += len(chosen)
        differences.extend(replayer.differences(chosen))
        progress(min(after + PAGE_POSITIONS, end), end)
    if wanted is not None and invoices < len(wanted):
        raise LookupError(f"{len(wanted) - invoices} of the invoices named were never issued")
    return Replayed(invoices, differences)


def _is_wanted(logged: LoggedFact, numbers: set[str] | None) -> bool:
    return isinstance(logged.fact, InvoiceIssued) and (numbers is None or logged.fact.number in numbers)


class Replayer:
    """Recomputes invoices; keeps compiled tariffs."""

    def __init__(self, connection: Database) -> None:
        self._connection = connection
        self._tariffs = CompiledTariffs()

    def differences(self, invoices: Sequence[LoggedFact]) -> Iterator[Difference]:
        """The invoices that come out otherwise."""
        facts = [logged.fact for logged in invoices if isinstance(logged.fact, InvoiceIssued)]
        accounts = self._accounts(facts)
        for portion in _portions(facts):
            rated = self._rated(portion)
            for fact in portion:
                reason = _difference(fact, accounts[fact.tenant, fact.account_id], rated)
                if reason is not None:
                    yield Difference(fact.number, reason)

    def _accounts(self, facts: Iterable[InvoiceIssued]) -> dict[tuple[str, str], list[AccountFact]]:
        keys = {stream_id(fact.tenant, "account", fact.account_id): (fact.tenant, fact.account_id) for fact in facts}
        versions: dict[tuple[str, str], list[AccountFact]] = {key: [] for key in keys.values()}
        for stream, _, fact in load_streams(self._connection, "billing", dict.fromkeys(keys, 0)):
            if isinstance(fact, AccountFact):
                versions[keys[stream]].append(fact)
        return versions

    def _rated(self, facts: Sequence[InvoiceIssued]) -> dict[int, tuple[SessionRated, SessionRated | None]]:
        """For each position: the cost as it was stored, and as it comes out now."""
        wanted = {stream_id(f.tenant, "session", s.session_id): s for f in facts for s in f.sessions}
        until = {stream: s.rated_position for stream, s in wanted.items()}
        rows = load_until(self._connection, "session", until)
        tariffs = self._published(fact for stream in rows.values() for _, fact in stream)
        return {
            wanted[stream].rated_position: self._rate_again(wanted[stream], stream_facts, tariffs)
            for stream, stream_facts in rows.items()
        }

    def _published(self, facts: Iterable[Fact]) -> dict[UUID, list[TariffPublished]]:
        streams = {_tariff_stream(f.tenant, f.tariff_pin) for f in facts if isinstance(f, SessionRated)}
        versions: dict[UUID, list[TariffPublished]] = {stream: [] for stream in streams}
        for stream, _, fact in load_streams(self._connection, "billing", dict.fromkeys(streams, 0)):
            if isinstance(fact, TariffPublished):
                versions[stream].append(fact)
        return versions

    def _rate_again(
        self,
        invoiced: InvoicedSession,
        facts: Sequence[tuple[int, Fact]],
        tariffs: dict[UUID, list[TariffPublished]],
    ) -> tuple[SessionRated, SessionRated | None]:
        stored = facts[-1][1] if facts else None
        if not isinstance(stored, SessionRated):
            raise LookupError(f"session {invoiced.session_id} was not rated at position {invoiced.rated_position}")
        session = Session()
        for _, fact in facts[:-1]:
            evolve(session, fact)
        if session.started is None or session.ended is None:
            return stored, None
        pin = stored.tariff_pin
        published = tariffs[_tariff_stream(stored.tenant, pin)][pin.tariff_version - 1]
        tariff = self._tariffs.of(published.tariff_hash, published.tariff, stored.time_zone)
        rated = rate_session(session, session.started, session.ended, tariff)
        return stored, rated and msgspec.structs.replace(rated, holds=_holds(session))


def _holds(session: Session) -> tuple[str, ...]:
    return tuple(sorted({reason.code for reason in session.held}))


def _tariff_stream(tenant: str, pin: TariffPin) -> UUID:
    return stream_id(tenant, "tariff", pin.tariff_id)


def _portions(facts: Sequence[InvoiceIssued]) -> Iterator[list[InvoiceIssued]]:
    """Invoices with about as many sessions together as fit into memory; one with more is taken alone."""
    portion: list[InvoiceIssued] = []
    sessions = 0
    for fact in facts:
        if portion and sessions + len(fact.sessions) > PAGE_SESSIONS:
            yield portion
            portion, sessions = [], 0
        portion.append(fact)
        sessions += len(fact.sessions)
    if portion:
        yield portion


def _difference(
    issued: InvoiceIssued,
    accounts: Sequence[AccountFact],
    rated: dict[int, tuple[SessionRated, SessionRated | None]],
) -> str | None:
    """Where the invoice first differs from what comes out now; None when it is the same to the byte."""
    for session in issued.sessions:
        stored, again = rated[session.rated_position]
        if again is None or encode_fact(stored) != encode_fact(again):
            return f"the cost of session {session.session_id} comes out otherwise: {_first_change(stored, again)}"
    sessions = [BilledSession(s.rated_position, rated[s.rated_position][0]) for s in issued.sessions]
    again_issued = issue_invoice(_issue_of(issued), _account_at(accounts, issued), sessions)
    if encode_fact(again_issued) != encode_fact(issued):
        return f"the document comes out otherwise: {_first_change(issued, again_issued)}"
    return None


def _account_at(accounts: Sequence[AccountFact], issued: InvoiceIssued) -> AccountFact:
    account = Account()
    for fact in accounts[: issued.account_version]:
        evolve_account(account, fact)
    if account.current is None:
        raise LookupError(f"account {issued.account_id} was never opened")
    return account.current


def _issue_of(issued: InvoiceIssued) -> Issue:
    return Issue(
        series=issued.series,
        number_in_series=issued.number_in_series,
        issued_at=issued.occurred_at,
        seller_zone=issued.seller_zone,
        sessions_position=issued.sessions_position,
        account_version=issued.account_version,
        period=issued.period,
    )


def _first_change(stored: Fact, again: Fact | None) -> str:
    if again is None:
        return "no cost comes out"
    before, after = msgspec.to_builtins(stored), msgspec.to_builtins(again)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return f"{names[0]} was {before.get(names[0])}, is {after.get(names[0])}" if names else "the order of fields"
