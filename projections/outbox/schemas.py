"""JSON Schemas of the public messages, by type."""

from typing import Any

from projections.outbox.messages import (
    BalanceChanged,
    CreditNoteIssued,
    InvoiceIssued,
    SessionHeld,
    SessionRated,
    SessionReleased,
)
from projections.outbox.messages import CloudEvent as _CloudEvent

MESSAGES: dict[str, type[_CloudEvent[Any]]] = {
    "billing.session.rated.v1": SessionRated,
    "billing.session.held.v1": SessionHeld,
    "billing.session.released.v1": SessionReleased,
    "billing.invoice.issued.v1": InvoiceIssued,
    "billing.credit-note.issued.v1": CreditNoteIssued,
    "billing.balance.changed.v1": BalanceChanged,
}


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema (2020-12) of each message type that is published."""
    return {name: model.model_json_schema(mode="serialization") for name, model in MESSAGES.items()}
