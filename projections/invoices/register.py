"""One row per document that got a number."""

from datetime import datetime

import msgspec

from ledger.invoice.events import DOCUMENTS, CreditNoteIssued, Document
from ledger.store.streams import LoggedFact
from projections.page import Page
from projections.projection import Projection, Write


class RegisteredDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `projection.invoice_register`; amounts are positive for both kinds, `kind` gives the sign."""

    tenant: str
    number: str
    invoice_id: str
    series: str
    number_in_series: int
    kind: str
    corrects: str | None
    legal_entity: str
    account_id: str
    period: str | None
    issued_at: datetime
    issued_on: str
    due_on: str
    currency: str
    net_minor: int
    vat_minor: int
    gross_minor: int
    paid_minor: int
    document_sha256: str
    recorded_at: datetime


def to_writes(page: Page) -> list[Write]:
    """A row for each document of the page."""
    return [Write([_row(entry, entry.fact) for entry in page.entries if isinstance(entry.fact, Document)])]


def _row(entry: LoggedFact, fact: Document) -> RegisteredDocument:
    return RegisteredDocument(
        tenant=fact.tenant,
        number=fact.number,
        invoice_id=fact.invoice_id,
        series=fact.series,
        number_in_series=fact.number_in_series,
        kind="CREDIT_NOTE" if isinstance(fact, CreditNoteIssued) else "INVOICE",
        corrects=fact.corrects if isinstance(fact, CreditNoteIssued) else None,
        legal_entity=fact.legal_entity,
        account_id=fact.account_id,
        period=fact.period,
        issued_at=fact.occurred_at,
        issued_on=fact.issued_on,
        due_on=fact.due_on,
        currency=fact.currency,
        net_minor=fact.totals.net_minor,
        vat_minor=fact.totals.vat_minor,
        gross_minor=fact.totals.gross_minor,
        paid_minor=0,
        document_sha256=fact.document_sha256,
        recorded_at=entry.recorded_at,
    )


INVOICE_REGISTER = Projection("invoice_register", "billing", DOCUMENTS, to_writes)
