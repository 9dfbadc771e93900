"""What every fact takes over from its message: the name, and where it was read."""

from datetime import datetime

from typing_extensions import TypedDict

from consumers.messages.attributes import DEFAULT_TENANT, Attributes
from consumers.messages.faults import UnreadableError
from ledger.intake.message import Record
from ledger.values.time import to_instant


class Origin(TypedDict):
    """The fields of `FromMessage`, to be handed on by `**`."""

    source: str
    message_id: str
    topic: str
    partition: int
    offset: int
    occurred_at: datetime


def origin_of(record: Record, attributes: Attributes) -> Origin:
    """Raises UnreadableError when `time` is no instant of the years that count."""
    return {
        "source": attributes["source"],
        "message_id": attributes["id"],
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "occurred_at": instant_at("$.time", attributes["time"]),
    }


def tenant_of(attributes: Attributes) -> str:
    return attributes.get("tenant") or DEFAULT_TENANT


def instant_at(path: str, text: str) -> datetime:
    """The instant of a text that already matches the pattern. Raises UnreadableError naming the path."""
    try:
        return to_instant(text)
    except ValueError as error:
        raise UnreadableError(f"{path}: {error}") from None
