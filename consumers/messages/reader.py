"""A record's bytes to a proposed fact: the one door for everything that is read."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from consumers.messages.account import AccountDefaults
from consumers.messages.attributes import DEFAULT_TENANT, Attributes, header_attributes, is_structured
from consumers.messages.faults import UnreadableError, reason_of, shown
from consumers.messages.fields import MAX_VALUE_BYTES
from consumers.messages.kinds import METERED, Family, Kind, kinds_of
from ledger.intake.message import Arrival, Message, Misaddressed, Record, Unreadable


class _Stated(TypedDict):
    type: str


_stated: Final[TypeAdapter[_Stated]] = TypeAdapter(_Stated)
_attributes: Final[TypeAdapter[Attributes]] = TypeAdapter(Attributes)


_METERED: Final = METERED.encode()
_TYPE: Final = re.compile(rb'"type"\s*:\s*"([a-z0-9.-]+)"')

Contents = tuple[Kind, Attributes, Any]


class MessageReader:
    """Reads records of every contract. Holds no state but the contracts, so one may serve all topics.

    `defaults` fill in what an account's message leaves out. `carries` says which family of messages a topic
    carries; on a topic that is not named there (a file), every message is read. `glances`: few of the messages will be
    readings, so a glance at the type comes first, which is dearer for a reading and cheaper for all else.
    """

    def __init__(
        self, defaults: AccountDefaults, carries: Mapping[str, Family] | None = None, *, glances: bool = False
    ) -> None:
        self._glances = glances
        self._kind_of = {kind.type: kind for kind in kinds_of(defaults)}
        self._metered = self._kind_of[METERED]
        self._carries = dict(carries or {})

    def read(self, record: Record) -> Arrival:
        """The message in a record, or why there is none. Never raises, whatever the bytes are."""
        try:
            kind, attributes, data = self._binary(record) if record.headers else self._structured(record)
            subject = attributes["subject"]
            fact = kind.to_fact(record, attributes, data)
            message = Message(record, attributes.get("tenant") or DEFAULT_TENANT, subject, fact)
        except UnreadableError as error:
            return Unreadable(record, str(error))
        if record.key == subject.encode() and self._carries.get(record.topic, kind.family) == kind.family:
            return message
        return self._misaddressed(message, kind)

    def _structured(self, record: Record) -> Contents:
        value = record.value
        if value is None or len(value) > MAX_VALUE_BYTES:
            _refuse_size(value)
        # Of 100 messages 96 are readings: the first look is for them.
        kind = self._at_a_glance(value) if self._glances else self._metered
        try:
            event = kind.validate_event(value)
        except ValidationError:
            kind, event = self._by_stated_type(value)
        _refuse_constants(value)
        return kind, event, event["data"]

    def _at_a_glance(self, value: bytes) -> Kind:
        """What the message most likely is; a wrong guess costs a second look, and no more."""
        found = None if value.find(_METERED) >= 0 else _TYPE.search(value)
        return self._metered if found is None else self._kind_of.get(found[1].decode(), self._metered)

    def _by_stated_type(self, value: bytes) -> tuple[Kind, Any]:
        """The way of all other types, and of bad input: two looks, one for the type."""
        try:
            kind = self._kind_named(_stated.validate_json(value)["type"])
            return kind, kind.validate_event(value)
        except ValidationError as error:
            _refuse(value, error)

    def _binary(self, record: Record) -> Contents:
        """Attributes in headers; a record whose headers say nothing of an event is structured all the same."""
        if is_structured(record):
            return self._structured(record)
        value, headers = record.value, header_attributes(record)
        if value is None or len(value) > MAX_VALUE_BYTES:
            _refuse_size(value)
        if "type" not in headers:
            raise UnreadableError("header ce_type: is missing")
        kind = self._kind_named(headers["type"])
        try:
            attributes = _attributes.validate_python(headers)
        except ValidationError as error:
            raise UnreadableError(reason_of(error)) from None
        try:
            data = kind.data.validate_json(value)
        except ValidationError as error:
            _refuse(value, error, inside=("data",))
        _refuse_constants(value)
        return kind, attributes, data

    def _kind_named(self, name: str) -> Kind:
        kind = self._kind_of.get(name)
        if kind is None:
            raise UnreadableError(f"$.type: type {shown(name)} is not handled by this version")
        return kind

    def _misaddressed(self, message: Message, kind: Kind) -> Misaddressed:
        key = message.record.key
        if key is None:
            return Misaddressed(message, "the record has no key: it must be the subject")
        if key != message.subject.encode():
            return Misaddressed(message, "the record's key is not the subject")
        carried = self._carries.get(message.record.topic)
        return Misaddressed(message, f"type {kind.type} on the topic of {carried} messages")


def _refuse_size(value: bytes | None) -> NoReturn:
    if value is None:
        raise UnreadableError("the record has no value")
    raise UnreadableError(f"the value has {len(value)} bytes: at most {MAX_VALUE_BYTES} are read")


def _refuse(value: bytes, error: ValidationError, *, inside: tuple[str, ...] = ()) -> NoReturn:
    try:
        value.decode()
    except UnicodeDecodeError as fault:
        raise UnreadableError(f"not UTF-8: byte {fault.start}") from None
    raise UnreadableError(reason_of(error, inside=inside)) from None


def _refuse_constants(value: bytes) -> None:
    """Raises UnreadableError for NaN and Infinity outside of texts: the validator takes them in fields it ignores.

    `find` is faster than `in` for bytes, and the single letter faster than the word.
    """
    if value.find(b"NaN") >= 0 or (value.find(b"I") >= 0 and value.find(b"Infinity") >= 0):
        json.loads(value, parse_constant=_refuse_constant, parse_int=str, parse_float=str)


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableError(f"not JSON: {name}")
