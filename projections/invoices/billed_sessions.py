"""One row per session that stands, or stood, on an invoice: number, revision of the cost, net share."""

import msgspec

from ledger.invoice.events import DOCUMENTS, CreditNoteIssued, Document, InvoicedSession
from projections.page import Page
from projections.projection import Projection, Write

MERGE = """
INSERT INTO {table} AS t SELECT * FROM json_populate_recordset(NULL::{table}, %s::json)
ON CONFLICT (tenant, session_id) DO UPDATE SET number = EXCLUDED.number, revision = EXCLUDED.revision,
  currency = EXCLUDED.currency, amount_minor = EXCLUDED.amount_minor, net_minor = EXCLUDED.net_minor,
  documents = t.documents + EXCLUDED.documents
"""


class BilledSession(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `projection.billed_sessions`: the newest invoice of the session, and on how many it stands.

    A credit note takes it off one: none is left until it is billed again.
    """

    tenant: str
    session_id: str
    number: str
    revision: int
    currency: str
    amount_minor: int
    net_minor: int
    documents: int


def to_writes(page: Page) -> list[Write]:
    """One row for each session on a document of the page, however many of them name it."""
    rows: dict[tuple[str, str], BilledSession] = {}
    for entry in page.entries:
        if isinstance(entry.fact, Document):
            for session in entry.fact.sessions:
                key = (entry.fact.tenant, session.session_id)
                before = rows[key].documents if key in rows else 0
                rows[key] = _row(entry.fact, session, before + entry.fact.sign)
    return [Write(list(rows.values()), MERGE)]


def _row(fact: Document, session: InvoicedSession, documents: int) -> BilledSession:
    return BilledSession(
        tenant=fact.tenant,
        session_id=session.session_id,
        number=fact.corrects if isinstance(fact, CreditNoteIssued) else fact.number,
        revision=session.revision,
        currency=fact.currency,
        amount_minor=session.amount_minor,
        net_minor=session.net_minor,
        documents=documents,
    )


BILLED_SESSIONS = Projection("billed_sessions", "billing", DOCUMENTS, to_writes)
