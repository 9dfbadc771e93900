"""A message must come under its subject as key, on the topic of its family."""

import pytest

from consumers.messages.reader import MessageReader
from ledger.intake.message import Message, Misaddressed
from tests.unit.messages.samples import DEFAULTS, READER, SESSION_ID, event, record_of

CAREFUL = MessageReader(DEFAULTS, {"ev.sessions.v1": "session", "ev.tariffs.v1": "tariff", "ev.accounts.v1": "account"})


def test_a_message_carries_its_subject_and_where_it_was_read() -> None:
    record = record_of(event("metered"), partition=7, offset=99)
    arrival = READER.read(record)
    assert isinstance(arrival, Message)
    assert (arrival.record, arrival.tenant, arrival.subject) == (record, "default", SESSION_ID)
    assert (arrival.fact.topic, arrival.fact.partition, arrival.fact.offset) == ("ev.sessions.v1", 7, 99)
    assert arrival.name == ("/stations/NL*ABC*S0001", "01JD0000000000000000000001")


@pytest.mark.parametrize(
    "key", [None, b"", b"other", SESSION_ID.encode() + b"\n", SESSION_ID.lower().encode(), b"\xff"]
)
def test_a_key_other_than_the_subject_is_misaddressed(key: bytes | None) -> None:
    arrival = READER.read(record_of(event("metered"), key))
    assert isinstance(arrival, Misaddressed)
    assert arrival.message.subject == SESSION_ID
    assert "key" in arrival.reason


def test_a_family_has_its_topic() -> None:
    arrival = CAREFUL.read(record_of(event("metered"), topic="ev.tariffs.v1"))
    assert isinstance(arrival, Misaddressed)
    assert arrival.reason == "type ev.session.metered.v1 on the topic of tariff messages"


@pytest.mark.parametrize("topic", ["ev.sessions.v1", "file:0123"])
def test_its_own_topic_and_a_file_take_a_message(topic: str) -> None:
    assert isinstance(CAREFUL.read(record_of(event("metered"), topic=topic)), Message)
