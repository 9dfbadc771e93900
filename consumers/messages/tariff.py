"""Messages about tariffs, as facts. The tariff's own rules are checked by the parser that rating uses."""

from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import WithJsonSchema

from consumers.messages.attributes import Attributes, is_structured
from consumers.messages.faults import UnreadableError, one_line
from consumers.messages.origin import origin_of, tenant_of
from consumers.messages.snapshots import refuse_bad_text
from ledger.intake.message import Record
from ledger.tariff.parse import TariffError, parse_tariff, tariff_hash
from ledger.tariffbook.events import TariffPublished
from ledger.values.canonical import read_json_decimals

_names: Final = {"type": "array", "items": {"type": "string"}}
_TARIFF_SCHEMA: Final = {
    "type": "object",
    "title": "Tariff",
    "description": "OCPI 2.2.1 or 2.3.0 Tariff object, with the extensions `valid_for` and `priority`",
    "required": ["currency", "elements"],
    "properties": {
        "id": {"type": "string", "description": "the event's subject"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "elements": {"type": "array", "minItems": 1, "items": {"type": "object"}},
        "valid_for": {
            "type": "object",
            "description": "where the tariff may be chosen; a key that is absent excludes nothing",
            "properties": {
                "location_ids": _names,
                "evse_uids": _names,
                "groups": _names,
                "power_types": _names,
            },
        },
        "start_date_time": {"type": "string", "description": "chosen from then on (UTC, with or without Z)"},
        "end_date_time": {"type": "string", "description": "and until before then"},
        "priority": {"type": "integer", "default": 0, "description": "the higher one is chosen"},
    },
}

# Only the outline is checked here, and these values are dropped: numbers are read again, from their text.
TariffData = Annotated[dict[str, Any], WithJsonSchema(_TARIFF_SCHEMA)]


class TariffPublishedEvent(Attributes):
    type: Literal["ev.tariff.published.v1"]
    data: TariffData


class _Envelope(msgspec.Struct):
    data: msgspec.Raw


def to_tariff_published(record: Record, attributes: Attributes, _data: TariffData) -> TariffPublished:
    """Raises UnreadableError, with the JSON path, for a tariff that rating could not use."""
    text = _tariff_text(record)
    content = _tariff_content(text)
    _refuse_other_id(content, attributes["subject"])
    return TariffPublished(
        **origin_of(record, attributes),
        tenant=tenant_of(attributes),
        tariff_id=attributes["subject"],
        tariff_hash=tariff_hash(content),
        currency=content["currency"],
        tariff=msgspec.Raw(text),
    )


def _tariff_text(record: Record) -> bytes:
    """The JSON text of the tariff as it came."""
    value = record.value or b""
    if not is_structured(record):
        return value.strip()
    return bytes(msgspec.json.decode(value, type=_Envelope).data)


def _tariff_content(text: bytes) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_json_decimals(text)
    except ValueError as error:
        raise UnreadableError(f"$.data: {one_line(str(error))}") from None
    refuse_bad_text(content, ("data",))
    try:
        parse_tariff(content)
    except TariffError as error:
        raise UnreadableError(one_line(str(error).replace("$", "$.data", 1))) from None
    return content


def _refuse_other_id(content: dict[str, Any], subject: str) -> None:
    stated = content.get("id")
    if stated is not None and stated != subject:
        raise UnreadableError("$.data.id: is not the event's subject")
