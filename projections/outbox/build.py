"""Facts to the exact bytes that are published, with stable ids and keys."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import singledispatch
from typing import NamedTuple
from uuid import UUID

import msgspec

from ledger.invoice.document import canonical_document
from ledger.invoice.events import CreditNoteIssued, Document
from ledger.posting import JournalEntry, journal_entry
from ledger.session.events import SessionHeld, SessionRated, SessionReleased
from ledger.store.fact import Fact
from ledger.store.streams import LoggedFact
from ledger.values.time import from_instant
from projections.balances.customer_balances import PayerKey, receivable_changes
from projections.journal.gl_journal import source_of
from projections.outbox.data import balance_data, held_data, rated_data, released_data


class OutMessage(NamedTuple):
    """A row of the outbox, before it has a position: the record's key and its value as published."""

    id: str
    type: str
    key: str
    payload: bytes


@dataclass
class Surroundings:
    """What a page's messages need beside their facts: who pays a held session, and what accounts owe so far."""

    payers: Mapping[UUID, str] = field(default_factory=dict)
    balances: Counter[PayerKey] = field(default_factory=Counter)


class _Envelope(msgspec.Struct, kw_only=True):
    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: str
    partitionkey: str
    datacontenttype: str = "application/json"
    data: msgspec.Raw


class _About(NamedTuple):
    type: str
    tenant: str
    occurred_at: datetime
    subject: str
    key: str


def to_messages(logged: LoggedFact, around: Surroundings) -> Iterator[OutMessage]:
    """The messages of a fact, in the order in which they are to be read; moves the balances of `around`.

    Raises TypeError for a kind of fact that has no message.
    """
    yield from _messages(logged.fact, logged, around)


def _message(logged: LoggedFact, about: _About, data: bytes, suffix: str = "") -> OutMessage:
    envelope = _Envelope(
        id=f"{logged.stream}-{logged.version}{suffix}",
        source=f"/ledger/{about.tenant}",
        type=about.type,
        subject=about.subject,
        time=from_instant(about.occurred_at),
        partitionkey=about.key,
        data=msgspec.Raw(data),
    )
    return OutMessage(envelope.id, about.type, about.key, msgspec.json.encode(envelope))


@singledispatch
def _messages(fact: Fact, _logged: LoggedFact, _around: Surroundings) -> Iterator[OutMessage]:
    raise TypeError(f"{type(fact).__name__} leads to no message")


@_messages.register
def _(fact: SessionRated, logged: LoggedFact, _around: Surroundings) -> Iterator[OutMessage]:
    key = fact.account_id or fact.payment_id or fact.session_id
    about = _About("billing.session.rated.v1", fact.tenant, fact.occurred_at, fact.session_id, key)
    yield _message(logged, about, rated_data(fact).model_dump_json().encode())


@_messages.register
def _(fact: SessionHeld, logged: LoggedFact, around: Surroundings) -> Iterator[OutMessage]:
    key = around.payers[logged.stream]
    about = _About("billing.session.held.v1", fact.tenant, fact.occurred_at, fact.session_id, key)
    yield _message(logged, about, held_data(fact).model_dump_json().encode())


@_messages.register
def _(fact: SessionReleased, logged: LoggedFact, around: Surroundings) -> Iterator[OutMessage]:
    """None while something else still holds the session: it may not be billed."""
    if not fact.still_held:
        key = around.payers[logged.stream]
        about = _About("billing.session.released.v1", fact.tenant, fact.occurred_at, fact.session_id, key)
        yield _message(logged, about, released_data(fact).model_dump_json().encode())


@_messages.register
def _(fact: Document, logged: LoggedFact, around: Surroundings) -> Iterator[OutMessage]:
    kind = "billing.credit-note.issued.v1" if isinstance(fact, CreditNoteIssued) else "billing.invoice.issued.v1"
    about = _About(kind, fact.tenant, fact.occurred_at, fact.number, fact.account_id)
    yield _message(logged, about, canonical_document(fact))
    yield from _balance_messages(journal_entry(fact), logged, around)


def _balance_messages(entry: JournalEntry, logged: LoggedFact, around: Surroundings) -> Iterator[OutMessage]:
    because = f"{source_of(logged.fact)} {entry.document}"
    for payer, moved_minor in receivable_changes(entry).items():
        around.balances[payer] += moved_minor
        tenant, account_id, currency = payer
        about = _About("billing.balance.changed.v1", tenant, entry.occurred_at, account_id, account_id)
        data = balance_data(account_id, around.balances[payer], currency, because)
        yield _message(logged, about, data.model_dump_json().encode(), f"-balance-{currency}")
