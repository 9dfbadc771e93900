"""The public data of an issued invoice."""

from ledger.invoice.events import InvoiceIssued, InvoiceLine, VatTotal
from ledger.values.canonical import canonical_json
from ledger.values.money import minor_to_text


def canonical_document(fact: InvoiceIssued) -> bytes:
    """The invoice as canonical JSON: what `document_sha256` is the hash of, and what is published."""
    return canonical_json(
        {
            "invoice_id": fact.invoice_id,
            "number": fact.number,
            "account_id": fact.account_id,
            "legal_entity": fact.legal_entity,
            "issued_on": fact.issued_on,
            "due_on": fact.due_on,
            "currency": fact.currency,
            "lines": [_line(line, fact.currency) for line in fact.lines],
            "totals": {
                "net": minor_to_text(fact.totals.net_minor, fact.currency),
                "vat": minor_to_text(fact.totals.vat_minor, fact.currency),
                "gross": minor_to_text(fact.totals.gross_minor, fact.currency),
                "by_vat": [_vat(total, fact.currency) for total in fact.totals.by_vat],
            },
        }
    )


def _line(line: InvoiceLine, currency: str) -> dict[str, object]:
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


def _vat(total: VatTotal, currency: str) -> dict[str, object]:
    return {
        "vat_percent": total.vat_percent,
        "category": total.category,
        "net": minor_to_text(total.net_minor, currency),
        "vat": minor_to_text(total.vat_minor, currency),
    }
