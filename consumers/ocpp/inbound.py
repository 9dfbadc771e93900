"""What the adapter reads: frames of stations, and the messages that say what frames do not."""

from typing import Final

import msgspec

from consumers.messages.attributes import ATTRIBUTE_PREFIX, CONTENT_TYPE
from consumers.messages.faults import UnreadableError
from consumers.messages.ocpp.events import Event, Nothing
from consumers.messages.ocpp.frames import read_event
from consumers.messages.reader import MessageReader
from ledger.account.events import AccountFact
from ledger.intake.message import Message, Misaddressed, Record, Unreadable
from ledger.intake.station import StationConfigured

Inbound = Event | Nothing | StationConfigured | AccountFact

_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def read_inbound(reader: MessageReader, record: Record) -> Inbound:
    """A frame's event, a station, an account, or the name of what is none of them. Raises UnreadableError."""
    return _from_message(reader, record) if _is_cloud_event(record) else read_event(record)


def _from_message(reader: MessageReader, record: Record) -> Inbound:
    arrival = reader.read(record)
    if isinstance(arrival, Unreadable | Misaddressed):
        raise UnreadableError(arrival.reason)
    fact = arrival.fact
    return fact if isinstance(fact, StationConfigured | AccountFact) else Nothing(_name_of(arrival))


def _name_of(message: Message) -> str:
    return type(message.fact).__name__


def _is_cloud_event(record: Record) -> bool:
    """By shape: a frame is an array, and CitrineOS's envelope has no `specversion`."""
    if any(name.startswith(ATTRIBUTE_PREFIX) or name.lower() == CONTENT_TYPE for name, _ in record.headers):
        return True
    if record.value is None or not record.value.lstrip().startswith(b"{"):
        return False
    try:
        return "specversion" in _members(record.value)
    except (msgspec.DecodeError, RecursionError):
        return False
