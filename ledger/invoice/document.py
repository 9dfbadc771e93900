"""The canonical document: what leaves the house as `data` of `billing.invoice.issued.v1` and of credit notes."""

import hashlib
from typing import Any

from ledger.invoice.events import CreditNoteIssued, Document, InvoiceLine, VatTotal
from ledger.values.canonical import canonical_json
from ledger.values.money import minor_to_text


def document(fact: Document) -> dict[str, Any]:
    """The document as others see it; amounts are decimal texts in major units."""
    totals = fact.totals
    corrects = {"corrects": fact.corrects} if isinstance(fact, CreditNoteIssued) else {}
    return {
        **corrects,
        "invoice_id": fact.invoice_id,
        "number": fact.number,
        "account_id": fact.account_id,
        "legal_entity": fact.legal_entity,
        "issued_on": fact.issued_on,
        "due_on": fact.due_on,
        "currency": fact.currency,
        "lines": [_line(line, fact.currency) for line in fact.lines],
        "totals": {
            "net": minor_to_text(totals.net_minor, fact.currency),
            "vat": minor_to_text(totals.vat_minor, fact.currency),
            "gross": minor_to_text(totals.gross_minor, fact.currency),
            "by_vat": [_vat(total, fact.currency) for total in totals.by_vat],
        },
    }


def canonical_document(fact: Document) -> bytes:
    """The document as canonical JSON: the same document gives the same bytes for ever."""
    return canonical_json(document(fact))


def document_sha256(fact: Document) -> str:
    """The hash of the canonical document, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_document(fact)).hexdigest()


def _line(line: InvoiceLine, currency: str) -> dict[str, Any]:
    return {
        "line": line.line,
        "description": line.description,
        "session_id": line.session_id,
        "dimension": line.dimension,
        "quantity": line.quantity,
        "unit": line.unit,
        "unit_price": line.unit_price,
        "net": minor_to_text(line.net_minor, currency),
        "vat_percent": line.vat_percent,
    }


def _vat(total: VatTotal, currency: str) -> dict[str, Any]:
    return {
        "vat_percent": total.vat_percent,
        "category": total.category,
        "net": minor_to_text(total.net_minor, currency),
        "vat": minor_to_text(total.vat_minor, currency),
    }
