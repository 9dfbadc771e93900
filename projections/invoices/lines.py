"""One row per line of an issued document."""

import msgspec

from ledger.invoice.events import DOCUMENTS, Document, InvoiceLine
from projections.page import Page
from projections.projection import Projection, Write


class DocumentLine(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `projection.invoice_lines`; quantity, price and rate are decimal texts."""

    tenant: str
    number: str
    line: int
    session_id: str
    description: str
    dimension: str
    quantity: str
    unit: str
    unit_price: str
    net_minor: int
    gross_minor: int | None
    vat_percent: str
    category: str
    currency: str
    tariff_id: str
    tariff_version: int


def to_writes(page: Page) -> list[Write]:
    """A row for each line of the page's documents."""
    facts = [entry.fact for entry in page.entries if isinstance(entry.fact, Document)]
    return [Write([_row(fact, line) for fact in facts for line in fact.lines])]


def _row(fact: Document, line: InvoiceLine) -> DocumentLine:
    return DocumentLine(
        tenant=fact.tenant,
        number=fact.number,
        line=line.line,
        session_id=line.session_id,
        description=line.description,
        dimension=line.dimension,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        net_minor=line.net_minor,
        gross_minor=line.gross_minor,
        vat_percent=line.vat_percent,
        category=line.category,
        currency=fact.currency,
        tariff_id=line.tariff_id,
        tariff_version=line.tariff_version,
    )


INVOICE_LINES = Projection("invoice_lines", "billing", DOCUMENTS, to_writes)
