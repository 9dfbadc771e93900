"""Replay: every issued invoice recomputed from the events alone, and compared byte for byte.

From the readings of each session to its cost, from the costs to the invoice: the same pure functions that made them,
given what was recorded as known then. Anything that differs is named.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from ledger.account.events import AccountFact
from ledger.account.state import Account
from ledger.account.state import evolve as evolve_account
from ledger.audit.history import History, PastSession, RatedAt
from ledger.invoice.credit import Correction, issue_credit_note
from ledger.invoice.day_cap import NOTHING_BILLED, totals_before
from ledger.invoice.decide import BilledSession, Issue, issue_invoice
from ledger.invoice.events import CreditNoteIssued, Document, InvoiceIssued
from ledger.invoice.number import place_of
from ledger.session.events import SessionRated
from ledger.session.rating import rate_session
from ledger.store.connection import Database
from ledger.store.fact import Fact
from ledger.store.serial import UnknownFactError, encode_fact
from ledger.store.streams import LoggedFact, facts_at, head, load_streams, read_page
from ledger.values.ids import stream_id

TOPICS = ("invoice.InvoiceIssued", "invoice.CreditNoteIssued")

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

Accounts = dict[tuple[str, str], list[AccountFact]]  # all versions, by tenant and id

# What altered or missing facts lead to: the invoice is named, and the others are still compared.
UNREADABLE = (LookupError, ValueError, UnknownFactError)


def replay(connection: Database, numbers: Sequence[str] | None, progress: Progress) -> Replayed:
    """Recompute the invoices with these numbers, or all (None). `progress` is told position and end of the log.

    Raises LookupError when one of the numbers was never issued.
    """
    replayer, invoices, differences = Replayer(connection), 0, list[Difference]()
    wanted = None if numbers is None else set(numbers)
    missing = set(wanted or ())
    end = head(connection, "billing")
    for after in range(0, end, PAGE_POSITIONS):
        page = list(read_page(connection, "billing", after, min(after + PAGE_POSITIONS, end), TOPICS))
        chosen = [logged for logged in page if _is_wanted(logged, wanted)]
        invoices += len(chosen)
        missing -= {logged.fact.number for logged in chosen if isinstance(logged.fact, Document)}
        differences.extend(replayer.differences(chosen))
        progress(min(after + PAGE_POSITIONS, end), end)
    if missing:
        raise LookupError(f"never issued: {', '.join(sorted(missing))}")
    return Replayed(invoices, differences)


def _is_wanted(logged: LoggedFact, numbers: set[str] | None) -> bool:
    return isinstance(logged.fact, Document) and (numbers is None or logged.fact.number in numbers)


class Replayer:
    """Recomputes invoices."""

    def __init__(self, connection: Database) -> None:
        self._connection = connection
        self._history = History(connection)

    def differences(self, invoices: Sequence[LoggedFact]) -> Iterator[Difference]:
        """The invoices that come out otherwise."""
        facts = [logged.fact for logged in invoices if isinstance(logged.fact, InvoiceIssued)]
        accounts = self._accounts(facts)
        for portion in _portions(facts):
            yield from self._differences(portion, accounts)
        yield from self._of_credit_notes([logged.fact for logged in invoices])

    def _of_credit_notes(self, facts: Sequence[Fact]) -> Iterator[Difference]:
        """Credit notes come from the invoices that they correct, and from nothing else."""
        notes = [fact for fact in facts if isinstance(fact, CreditNoteIssued)]
        places = [_place_corrected(fact) for fact in notes]
        known = [place for place in places if place is not None]
        corrected = facts_at(self._connection, "billing", sorted(set(known)))
        for fact, place in zip(notes, places, strict=True):
            reason = _credit_difference(fact, None if place is None else corrected.get(place))
            if reason is not None:
                yield Difference(fact.number, reason)

    def _differences(self, portion: Sequence[InvoiceIssued], accounts: Accounts) -> Iterator[Difference]:
        wanted = [RatedAt(fact.tenant, s.session_id, s.rated_position) for fact in portion for s in fact.sessions]
        try:
            past = self._history.rated(wanted)
        except UNREADABLE as error:
            yield from self._one_by_one(portion, accounts, error)
            return
        for fact in portion:
            reason = _difference_or_fault(fact, accounts[fact.tenant, fact.account_id], past)
            if reason is not None:
                yield Difference(fact.number, reason)

    def _one_by_one(
        self, portion: Sequence[InvoiceIssued], accounts: Accounts, error: Exception
    ) -> Iterator[Difference]:
        """What cannot be read belongs to some of the invoices: the others are still compared."""
        if len(portion) == 1:
            yield Difference(portion[0].number, f"it cannot be recomputed: {error}")
            return
        for fact in portion:
            yield from self._differences([fact], accounts)

    def _accounts(self, facts: Iterable[InvoiceIssued]) -> Accounts:
        keys = {stream_id(fact.tenant, "account", fact.account_id): (fact.tenant, fact.account_id) for fact in facts}
        versions: Accounts = {key: [] for key in keys.values()}
        for stream, _, fact in load_streams(self._connection, "billing", dict.fromkeys(keys, 0)):
            if isinstance(fact, AccountFact):
                versions[keys[stream]].append(fact)
        return versions


def rate_again(past: PastSession) -> SessionRated:
    """The cost as it comes out now, by the policies and spot prices that it was made with then."""
    rated = rate_session(past.session, past.pricing)
    holds = tuple(sorted({reason.code for reason in past.session.held}))
    return msgspec.structs.replace(rated, holds=holds)


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


def _difference_or_fault(
    issued: InvoiceIssued, accounts: Sequence[AccountFact], past: Mapping[int, PastSession]
) -> str | None:
    try:
        return _difference(issued, accounts, past)
    except UNREADABLE as error:
        return f"it cannot be recomputed: {error}"


def _difference(issued: InvoiceIssued, accounts: Sequence[AccountFact], past: Mapping[int, PastSession]) -> str | None:
    """Where the invoice first differs from what comes out now; None when it is the same to the byte."""
    for session in issued.sessions:
        stored = past[session.rated_position].stored
        again = rate_again(past[session.rated_position])
        if encode_fact(stored) != encode_fact(again):
            return f"the cost of session {session.session_id} comes out otherwise: {_first_change(stored, again)}"
    sessions = [BilledSession(s.rated_position, past[s.rated_position].stored, s.credited_by) for s in issued.sessions]
    issued_again = issue_invoice(_issue_of(issued), _account_at(accounts, issued), sessions)
    if encode_fact(issued_again) != encode_fact(issued):
        return f"the document comes out otherwise: {_first_change(issued, issued_again)}"
    return None


def _place_corrected(issued: CreditNoteIssued) -> tuple[UUID, int] | None:
    """The place of the invoice; none where what the credit note names is no number."""
    try:
        return place_of(issued.tenant, issued.corrects)
    except ValueError:
        return None


def _credit_difference(issued: CreditNoteIssued, invoice: Fact | None) -> str | None:
    """Where the credit note first differs from what comes out now; None when it is the same to the byte."""
    if not isinstance(invoice, InvoiceIssued):
        return f"it cannot be recomputed: invoice {issued.corrects} was never issued"
    correction = Correction(invoice, {session.session_id for session in issued.sessions})
    try:
        again = issue_credit_note(_issue_of(issued), correction)
    except UNREADABLE as error:
        return f"it cannot be recomputed: {error}"
    if encode_fact(again) != encode_fact(issued):
        return f"the document comes out otherwise: {_first_change(issued, again)}"
    return None


def _account_at(accounts: Sequence[AccountFact], issued: InvoiceIssued) -> AccountFact:
    account = Account()
    for fact in accounts[: issued.account_version]:
        evolve_account(account, fact)
    if account.current is None:
        raise LookupError(f"account {issued.account_id} was never opened")
    return account.current


def _issue_of(issued: Document) -> Issue:
    return Issue(
        series=issued.series,
        number_in_series=issued.number_in_series,
        issued_at=issued.occurred_at,
        seller_zone=issued.seller_zone,
        sessions_position=issued.sessions_position,
        account_version=issued.account_version,
        period=issued.period,
        day_totals=totals_before(issued) if isinstance(issued, InvoiceIssued) else NOTHING_BILLED,
    )


def _first_change(stored: Fact, again: Fact) -> str:
    before, after = msgspec.to_builtins(stored), msgspec.to_builtins(again)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return f"{names[0]} was {before.get(names[0])}, is {after.get(names[0])}" if names else "the order of fields"
