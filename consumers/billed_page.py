"""What a page of the sessions log, and a document, mean for the biller's memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from psycopg import Cursor

from ledger.invoice.day_cap import capped_in_order
from ledger.invoice.decide import BilledSession
from ledger.invoice.events import InvoicedSession, InvoiceIssued
from ledger.session.events import SessionHeld, SessionRated, SessionWaived
from ledger.store.charges import Invoiced, credit_notes_of
from ledger.store.streams import LoggedFact

RowT = TypeVar("RowT")
GroupT = TypeVar("GroupT")


def latest_costs(facts: Sequence[LoggedFact]) -> dict[tuple[str, str], BilledSession]:
    """The last revision of each session of the page."""
    return {
        (logged.fact.tenant, logged.fact.session_id): BilledSession(logged.position, logged.fact)
        for logged in facts
        if isinstance(logged.fact, SessionRated)
    }


def own_documents(sessions: Sequence[BilledSession]) -> list[list[BilledSession]]:
    """A document for each session; what a cap of the day counts together comes in the order of its ends."""
    return [[sessions[place]] for place in capped_in_order([session.rated for session in sessions])]


def whole_groups(
    read: Callable[[GroupT, int], list[RowT]], group_of: Callable[[RowT], GroupT], first: GroupT, limit: int
) -> Iterator[list[RowT]]:
    """Rows in pages of about `limit` that end between two groups; a group of more is a page by itself.

    `read` gives the next rows behind a group, in the order of groups; `first` is before all of them.
    """
    after, wanted = first, limit
    while rows := read(after, wanted):
        unfinished = group_of(rows[-1])
        whole = rows if len(rows) < wanted else [row for row in rows if group_of(row) != unfinished]
        if whole:
            after, wanted = group_of(whole[-1]), limit
            yield whole
        else:
            wanted *= 2


def with_links(cursor: Cursor[Any], documents: Sequence[list[BilledSession]]) -> list[list[BilledSession]]:
    """The same documents; sessions that were on another one before name the credit note that took them off."""
    names = [(billed.rated.tenant, billed.rated.session_id) for sessions in documents for billed in sessions]
    notes = credit_notes_of(cursor, names)
    return [[b._replace(credited_by=notes.get((b.rated.tenant, b.rated.session_id))) for b in d] for d in documents]


def on_document(fact: InvoiceIssued, session: InvoicedSession) -> Invoiced:
    """That a session is on an invoice now."""
    number, amount_minor, cap = fact.number, session.amount_minor, session.day_cap
    invoiced = Invoiced(fact.tenant, session.session_id, number, session.revision, amount_minor)
    if cap is None:
        return invoiced
    return invoiced._replace(
        cap_tariff_id=session.tariff_id,
        cap_day=cap.day,
        capped_excl_minor=cap.billed.excl_minor,
        capped_incl_minor=cap.billed.incl_minor,
    )


def held_sessions(facts: Sequence[LoggedFact]) -> list[tuple[str, str]]:
    """The sessions that may not be billed after this page: a cost says whether something still holds it."""
    held: dict[tuple[str, str], bool] = {}
    for logged in facts:
        fact = logged.fact
        if isinstance(fact, SessionRated):
            held[fact.tenant, fact.session_id] = bool(fact.holds)
        elif isinstance(fact, SessionHeld | SessionWaived):
            held[fact.tenant, fact.session_id] = True
    return sorted(session for session, is_held in held.items() if is_held)


def billed_at(position: int, facts: dict[int, Any]) -> BilledSession:
    """The cost at a position of the log, among facts that were read."""
    return BilledSession(position, facts[position])
