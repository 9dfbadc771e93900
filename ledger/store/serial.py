"""Facts to the bytes that are stored, and back.

The bytes are JSON in the order of the class's fields, so the same fact always gives the same bytes. An unknown
topic or version stops the reader: skipping a fact could lose money.
"""

from functools import cache
from typing import Any

import msgspec

from ledger.store.fact import CLASS_OF, TOPIC_OF, UPCASTERS, Fact, version_of

encode_fact = msgspec.json.Encoder(uuid_format="canonical").encode


class UnknownFactError(Exception):
    """A stored fact that this version of the program cannot read; the message names topic and version."""


def topic_of(fact: Fact) -> str:
    """The topic that the fact is stored under."""
    return TOPIC_OF[type(fact)]


def decode_fact(topic: str, state: bytes) -> Fact:
    """The fact in stored bytes, lifted from an older version if need be. Raises UnknownFactError."""
    try:
        return _decoder(topic).decode(state)
    except msgspec.DecodeError:
        return _upcast(topic, state)


@cache
def _decoder(topic: str) -> "msgspec.json.Decoder[Fact]":
    if topic not in CLASS_OF:
        raise UnknownFactError(f"fact of unknown topic {topic}: a newer version of the program wrote it, update")
    return msgspec.json.Decoder(CLASS_OF[topic])


def _upcast(topic: str, state: bytes) -> Fact:
    fields = _fields(topic, state)
    current = version_of(CLASS_OF[topic])
    while fields.get("v") != current:
        step = UPCASTERS[topic].get(fields.get("v", 0))
        if step is None:
            raise UnknownFactError(f"{topic} of version {fields.get('v')}: this program reads up to {current}, update")
        fields = step(fields)
    try:
        return msgspec.json.decode(msgspec.json.encode(fields), type=CLASS_OF[topic])
    except msgspec.ValidationError as error:
        raise UnknownFactError(f"{topic} does not have the shape of its version: {error}") from error


def _fields(topic: str, state: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(state, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UnknownFactError(f"{topic}: the stored bytes are no JSON object: {error}") from error
