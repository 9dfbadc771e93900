"""One row per posting: the double entry of every fact that moves money."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from ledger.posting import POSTED, journal_entry
from ledger.store.fact import TOPIC_OF, Fact
from ledger.store.streams import LoggedFact
from projections.page import Page
from projections.projection import Projection, Write


class PostingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `projection.gl_journal`. `entry_id` is made of the fact's stream and version."""

    entry_id: str
    posting: int
    tenant: str
    occurred_at: datetime
    recorded_at: datetime
    account: str
    debit_minor: int
    credit_minor: int
    currency: str
    account_id: str
    source: str
    document: str
    legal_entity: str


def to_writes(page: Page) -> list[Write]:
    """All postings of the page in one statement, so that the table sees whole entries."""
    return [Write([row for entry in page.entries for row in _rows(entry)])]


def _rows(entry: LoggedFact) -> Iterator[PostingRow]:
    booked = journal_entry(entry.fact)
    for place, posting in enumerate(booked.postings, start=1):
        yield PostingRow(
            entry_id=f"{entry.stream}-{entry.version}",
            posting=place,
            tenant=booked.tenant,
            occurred_at=booked.occurred_at,
            recorded_at=entry.recorded_at,
            account=posting.account,
            debit_minor=posting.debit_minor,
            credit_minor=posting.credit_minor,
            currency=posting.currency,
            account_id=booked.account_id,
            source=source_of(entry.fact),
            document=booked.document,
            legal_entity=booked.legal_entity,
        )


def source_of(fact: Fact) -> str:
    """The fact's topic without its prefix: `InvoiceIssued`."""
    return TOPIC_OF[type(fact)].partition(".")[2]


GL_JOURNAL = Projection("gl_journal", "billing", POSTED, to_writes)
