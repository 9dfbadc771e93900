"""CloudEvents 1.0 attributes, and the two content modes of its Kafka binding."""

from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from consumers.messages.faults import UnreadableError, shown
from consumers.messages.fields import Id, InstantText
from ledger.intake.message import Record

DEFAULT_TENANT: Final = "default"
ATTRIBUTE_PREFIX: Final = "ce_"
CONTENT_TYPE: Final = "content-type"
STRUCTURED_PREFIX: Final = "application/cloudevents"
STRUCTURED_JSON: Final = "application/cloudevents+json"


class Attributes(TypedDict):
    """The attributes that every message carries beside its `type`; others are ignored.

    `subject` names what the message is about and equals the record key. `time` is when it happened at the source.
    """

    specversion: Literal["1.0"]
    id: Id
    source: Id
    subject: Id
    time: InstantText
    tenant: NotRequired[Id | None]


def is_structured(record: Record) -> bool:
    """Whether the whole event is the record's value; else its attributes are in headers.

    Raises UnreadableError when it is an event in another format than JSON.
    """
    content_type = _content_type(record)
    if content_type is None:
        return not any(name.startswith(ATTRIBUTE_PREFIX) for name, _ in record.headers)
    if not content_type.lower().startswith(STRUCTURED_PREFIX):
        return False
    if _media_type(content_type) not in (STRUCTURED_PREFIX, STRUCTURED_JSON):
        raise UnreadableError(f"header {CONTENT_TYPE}: {shown(content_type)} is not {STRUCTURED_JSON}")
    return True


def header_attributes(record: Record) -> dict[str, str]:
    """The attributes in the `ce_` headers of a binary-mode record. Raises UnreadableError."""
    _refuse_other_data(record)
    found: dict[str, str] = {}
    for name, content in record.headers:
        if name.startswith(ATTRIBUTE_PREFIX):
            attribute = name.removeprefix(ATTRIBUTE_PREFIX)
            if attribute in found:
                raise UnreadableError(f"header {shown(name)}: given twice")
            found[attribute] = _header_text(name, content)
    return found


def _refuse_other_data(record: Record) -> None:
    content_type = _content_type(record)
    if content_type is not None and not _is_json(_media_type(content_type)):
        raise UnreadableError(f"header {CONTENT_TYPE}: {shown(content_type)} is not application/json")


def _content_type(record: Record) -> str | None:
    for name, content in record.headers:
        if name.lower() == CONTENT_TYPE:
            return _header_text(name, content)
    return None


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


def _header_text(name: str, content: bytes | None) -> str:
    try:
        return (content or b"").decode()
    except UnicodeDecodeError:
        raise UnreadableError(f"header {shown(name)}: not UTF-8") from None
