"""Records to frames: a bare OCPP-J frame with headers, or CitrineOS's envelope. Then frames to neutral events."""

from collections.abc import Mapping
from datetime import datetime
from types import ModuleType
from typing import Final

import msgspec

from consumers.messages.faults import UnreadableError, one_line, shown
from consumers.messages.fields import MAX_VALUE_BYTES
from consumers.messages.ocpp import ocpp16, ocpp201
from consumers.messages.ocpp.events import Event, Nothing, Said
from consumers.messages.ocpp.fields import id_of, instant_of
from ledger.intake.message import Record

# OCPP-J, 4.2 Message structures.
_CALL, _CALL_RESULT, _CALL_ERROR = 2, 3, 4
# CitrineOS, MessageState.
_REQUEST, _RESPONSE = 1, 2

_VERSIONS: Final[dict[str, ModuleType]] = {ocpp16.VERSION: ocpp16, ocpp201.VERSION: ocpp201}


class Frame(msgspec.Struct, frozen=True):
    """One OCPP message of a station, or the answer to one. `action` is None where an answer is bare."""

    said: Said
    version: str
    is_request: bool
    action: str | None
    payload: bytes


class _Context(msgspec.Struct, frozen=True, rename="camel"):
    correlation_id: str
    station_id: str
    timestamp: str | None = None


class _Envelope(msgspec.Struct, frozen=True):
    """CitrineOS's message, its names without the underscore that its Kafka sender writes in front of them."""

    origin: str
    action: str
    state: int
    context: _Context
    payload: msgspec.Raw
    protocol: str


_parts: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_type: Final = msgspec.json.Decoder(int).decode
_text: Final = msgspec.json.Decoder(str).decode
_envelope: Final = msgspec.json.Decoder(_Envelope).decode


def read_event(record: Record) -> Event | Nothing:
    """What a record says about charging, or the name of what it is instead. Raises UnreadableError."""
    try:
        frame = _read_frame(record)
        return frame if isinstance(frame, Nothing) else _to_event(frame)
    except msgspec.DecodeError as error:
        raise UnreadableError(one_line(str(error))) from None
    except (RecursionError, UnicodeError, OverflowError) as error:
        raise UnreadableError(one_line(f"not JSON: {error}")) from None


def _read_frame(record: Record) -> Frame | Nothing:
    value = record.value
    if value is None:
        raise UnreadableError("the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise UnreadableError(f"the value has {len(value)} bytes: at most {MAX_VALUE_BYTES} are read")
    content = value.lstrip()
    if content.startswith(b"["):
        return _bare(record, content)
    if content.startswith(b"{"):
        return _in_envelope(content)
    raise UnreadableError("neither an OCPP-J frame, [2, …] or [3, …], nor an envelope of CitrineOS")


def _to_event(frame: Frame) -> Event | Nothing:
    version = _VERSIONS[frame.version]
    read = version.read_request if frame.is_request else version.read_answer
    event: Event | Nothing = read(frame.action, frame.payload, frame.said)
    return event


def _bare(record: Record, content: bytes) -> Frame | Nothing:
    """`[2, id, action, {…}]` of the station, or `[3, id, {…}]` to it."""
    parts = _parts(content)
    kind = _type(parts[0]) if parts else 0
    headers = {name: value.decode() for name, value in record.headers}
    direction = headers.get("direction")
    if kind == _CALL and len(parts) == 4:
        if direction == "to-station":
            return Nothing("request of the CSMS")
        return Frame(_said(record, headers, _text(parts[1])), _version(headers), True, _text(parts[2]), bytes(parts[3]))
    if kind == _CALL_RESULT and len(parts) == 3:
        if direction == "to-csms":
            return Nothing("answer of the station")
        return Frame(_said(record, headers, _text(parts[1])), _version(headers), False, None, bytes(parts[2]))
    if kind == _CALL_ERROR:
        return Nothing("CALLERROR")
    raise UnreadableError("no OCPP-J frame: must be [2, id, action, {…}] or [3, id, {…}]")


def _said(record: Record, headers: Mapping[str, str], message_id: str) -> Said:
    """The station is named by the header, or by the record's key."""
    station_id = headers.get("station-id") or (record.key or b"").decode()
    return Said(
        id_of("header station-id", station_id),
        id_of("$[1]", message_id),
        _received_at(headers.get("received-at")),
    )


def _version(headers: Mapping[str, str]) -> str:
    if "ocpp-version" not in headers:
        raise UnreadableError("header ocpp-version: is missing")
    return _known_version("header ocpp-version", headers["ocpp-version"])


def _known_version(path: str, name: str) -> str:
    version = name.lower().removeprefix("ocpp").removesuffix("j")
    if version not in _VERSIONS:
        raise UnreadableError(f"{path}: {shown(name)} is not read: {' or '.join(_VERSIONS)}")
    return version


def _in_envelope(content: bytes) -> Frame | Nothing:
    envelope = _envelope(msgspec.json.encode(_without_underscores(_members(content))))
    is_request = envelope.state == _REQUEST
    if (envelope.origin, envelope.state) not in (("cs", _REQUEST), ("csms", _RESPONSE)):
        return Nothing("request of the CSMS, or an answer to it")
    context = envelope.context
    said = Said(
        id_of("$._context.stationId", context.station_id),
        id_of("$._context.correlationId", context.correlation_id),
        _received_at(context.timestamp),
    )
    version = _known_version("$._protocol", envelope.protocol)
    return Frame(said, version, is_request, envelope.action, bytes(envelope.payload))


def _without_underscores(members: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    return {name.removeprefix("_"): value for name, value in members.items()}


def _received_at(text: str | None) -> datetime | None:
    """None where it cannot be read: hardly any frame needs it, and none should be lost for it."""
    try:
        return None if text is None else instant_of("received-at", text)
    except UnreadableError:
        return None
