"""Taking sessions off an issued invoice: a pure function of that invoice. The invoice itself never changes."""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from ledger.invoice.amounts import LineAmount, document_totals
from ledger.invoice.decide import Issue, day_of, net_by_session
from ledger.invoice.document import document_sha256
from ledger.invoice.events import CreditNoteIssued, InvoiceIssued, InvoiceLine
from ledger.invoice.number import number_of
from ledger.session.events import RatedLine
from ledger.values.ids import stream_id


class Correction(NamedTuple):
    """An invoice, and the sessions of it that cost something else by now."""

    invoice: InvoiceIssued
    session_ids: Collection[str]


def credit_series_of(invoice_series: str) -> str:
    """The series of credit notes beside one of invoices: `ABC-NL-2026` gives `ABC-NL-CN-2026`."""
    entity, _, year = invoice_series.rpartition("-")
    return f"{entity}-CN-{year}"


def issue_credit_note(issue: Issue, correction: Correction) -> CreditNoteIssued:
    """The credit note over the lines of some sessions, with the amounts that they have on the invoice.

    VAT is computed once per category on the credit note's own sum, as on any document (EN 16931 BR-CO-17).
    Raises ValueError when the invoice has none of the sessions.
    """
    invoice = correction.invoice
    lines = [line for line in invoice.lines if line.session_id in correction.session_ids]
    sessions = [session for session in invoice.sessions if session.session_id in correction.session_ids]
    if not sessions:
        raise ValueError(f"invoice {invoice.number} has none of the sessions that it is to be credited for")
    totals, nets = document_totals([_amount(line) for line in lines], invoice.authority)
    credited = [_line(number, line, net) for number, (line, net) in enumerate(zip(lines, nets, strict=True), 1)]
    session_nets = net_by_session(credited)
    number = number_of(issue.series, issue.number_in_series)
    issued_on = day_of(issue.issued_at, issue.seller_zone).isoformat()
    fields = msgspec.structs.asdict(invoice) | {
        "invoice_id": str(stream_id(invoice.tenant, "invoice", number)),
        "series": issue.series,
        "number_in_series": issue.number_in_series,
        "number": number,
        "occurred_at": issue.issued_at,
        "issued_on": issued_on,
        "due_on": issued_on,
        "lines": tuple(credited),
        "sessions": tuple(msgspec.structs.replace(s, net_minor=session_nets[s.session_id]) for s in sessions),
        "totals": totals,
        "sessions_position": issue.sessions_position,
        "document_sha256": "",
        "seller_zone": issue.seller_zone,
        "corrects": invoice.number,
    }
    fact = CreditNoteIssued(**fields)
    return msgspec.structs.replace(fact, document_sha256=document_sha256(fact))


def _amount(line: InvoiceLine) -> LineAmount:
    rated = RatedLine(
        dimension=line.dimension,
        quantity=line.quantity,
        billed_quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
    )
    amount_minor = line.net_minor if line.gross_minor is None else line.gross_minor
    return LineAmount(rated, line.category, line.vat_percent, amount_minor)


def _line(number: int, line: InvoiceLine, net_minor: int) -> InvoiceLine:
    return msgspec.structs.replace(line, line=number, net_minor=net_minor)
