"""Credit notes for what was invoiced and costs something else by now: numbers, facts, one write."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from psycopg import Connection, Cursor

from consumers.numbering import Numbers, Series
from ledger.invoice.credit import Correction, credit_series_of, issue_credit_note
from ledger.invoice.decide import Issue, series_of
from ledger.invoice.events import InvoiceIssued
from ledger.invoice.number import place_of, stream_of
from ledger.store.charges import Overtaken
from ledger.store.recorder import LedgerRecorder
from ledger.store.rows import EventRows
from ledger.store.streams import facts_at


class Issuing(NamedTuple):
    """When and where documents are issued, and how far the sessions log was known."""

    at: datetime
    seller_zone: str
    sessions_position: int


def corrections_of(connection: Connection[Any], overtaken: Sequence[Overtaken]) -> list[Correction]:
    """By invoice, in the order of their numbers. Raises LookupError when one of the invoices is not in the log."""
    sessions = {
        invoice: {item.session_id for item in items}
        for invoice, items in groupby(overtaken, key=lambda item: (item.tenant, item.invoice_number))
    }
    places = {invoice: place_of(*invoice) for invoice in sessions}
    facts = facts_at(connection, "billing", list(places.values()))
    found = [(facts.get(places[invoice]), session_ids) for invoice, session_ids in sessions.items()]
    if not all(isinstance(fact, InvoiceIssued) for fact, _ in found):
        raise LookupError("an invoice that is to be corrected is not in the log")
    return [Correction(fact, session_ids) for fact, session_ids in found if isinstance(fact, InvoiceIssued)]


def issue_credit_notes(
    recorder: LedgerRecorder, cursor: Cursor[Any], corrections: Sequence[Correction], issuing: Issuing
) -> dict[tuple[str, str], str]:
    """Append a credit note for each invoice, under the log's lock; their numbers, by tenant and invoice number."""
    wanted = [_series(correction, issuing) for correction in corrections]
    numbers = Numbers(cursor, set(wanted))
    rows, issued = EventRows(), dict[tuple[str, str], str]()
    for series, correction in zip(wanted, corrections, strict=True):
        issue = _issue(series.name, numbers.allot(series), correction.invoice, issuing)
        fact = issue_credit_note(issue, correction)
        rows.append(stream_of(*series), fact.number_in_series, fact)
        issued[fact.tenant, fact.corrects] = fact.number
    recorder.write(cursor, rows)
    return issued


def _series(correction: Correction, issuing: Issuing) -> Series:
    """Of the seller and the year in which the credit note is issued."""
    invoice = correction.invoice
    return Series(invoice.tenant, credit_series_of(series_of(invoice.legal_entity, issuing.at, issuing.seller_zone)))


def _issue(series: str, number: int, invoice: InvoiceIssued, issuing: Issuing) -> Issue:
    return Issue(
        series=series,
        number_in_series=number,
        issued_at=issuing.at,
        seller_zone=issuing.seller_zone,
        sessions_position=issuing.sessions_position,
        account_version=invoice.account_version,
        period=invoice.period,
    )
