"""A Kafka record of the message contract, and its line in a JSON Lines file."""

import base64
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from ledger.values.time import from_instant, from_us

SESSIONS_TOPIC: Final = "ev.sessions.v1"
TARIFFS_TOPIC: Final = "ev.tariffs.v1"
ACCOUNTS_TOPIC: Final = "ev.accounts.v1"
METERS_TOPIC: Final = "ev.meters.v1"
PRICES_TOPIC: Final = "ev.prices.v1"

# Tariff objects carry prices as JSON numbers: a Decimal must keep its digits.
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Message(NamedTuple):
    """One record as a producer hands it to Kafka; `value` is the record's value, byte for byte."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class CloudEvent(NamedTuple):
    """Attributes of a CloudEvents 1.0 message in structured mode. `at_us`: microseconds since 1970."""

    topic: str
    type: str
    subject: str
    source: str
    id: str
    at_us: int
    data: object

    def to_message(self) -> Message:
        """The record: its key is the subject."""
        return Message(self.topic, self.subject, _encode(self.to_attributes()))

    def to_attributes(self) -> dict[str, object]:
        """The JSON object of the structured mode."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": from_instant(from_us(self.at_us)),
            "datacontenttype": "application/json",
            "partitionkey": self.subject,
            "data": self.data,
        }


def to_line(message: Message) -> str:
    """The message as one JSON line, with its newline: `value` as text, `value_base64` when it is not UTF-8."""
    line: dict[str, object] = {"topic": message.topic, "key": message.key, **_value_of(message.value)}
    if message.headers:
        line["headers"] = {name: content.decode() for name, content in message.headers}
    return _encode(line).decode() + "\n"


def to_lines(messages: Iterable[Message]) -> Iterator[str]:
    """One JSON line per message, without keeping any."""
    return map(to_line, messages)


def _value_of(value: bytes) -> dict[str, str]:
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value).decode()}
