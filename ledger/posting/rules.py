"""Which postings a fact leads to: the only place that says so."""

from functools import singledispatch

from ledger.invoice.events import CreditNoteIssued, Document, InvoiceIssued
from ledger.posting.entry import JournalEntry, Posting, credit, debit
from ledger.store.fact import Fact

# The facts that lead to a journal entry.
POSTED: tuple[type[Fact], ...] = (InvoiceIssued, CreditNoteIssued)


@singledispatch
def journal_entry(fact: Fact) -> JournalEntry:
    """The balanced entry of a fact of one of the kinds in POSTED. Raises TypeError for any other kind.

    An entry without postings (a document over 0) is possible.
    """
    raise TypeError(f"{type(fact).__name__} leads to no journal entry")


@journal_entry.register
def _(fact: Document) -> JournalEntry:
    """A credit note is the reversal of what the invoice was posted for its lines: the payer owes it no longer."""
    return JournalEntry(
        tenant=fact.tenant,
        occurred_at=fact.occurred_at,
        document=fact.number,
        account_id=fact.account_id,
        legal_entity=fact.legal_entity,
        postings=_issue(fact, fact.sign),
    )


def _issue(fact: Document, sign: int) -> tuple[Posting, ...]:
    """Debit the receivable; credit revenue with the sum of the lines, and VAT payable rate by rate. -1: the reverse.

    Lines and VAT add up to the gross without a residue (EN 16931 BR-CO-10 to BR-CO-15), so none is posted here: a
    document where they do not is no entry.
    """
    vat = [posting for total in fact.totals.by_vat for posting in _vat(sign * total.vat_minor, fact.currency)]
    return (
        *debit("receivable", sign * fact.totals.gross_minor, fact.currency),
        *credit("revenue", sign * sum(line.net_minor for line in fact.lines), fact.currency),
        *vat,
    )


def _vat(vat_minor: int, currency: str) -> tuple[Posting, ...]:
    return credit("vat_payable", vat_minor, currency)
