"""Each folder of golden messages: a record as it stands in a file, and the fact that it proposes."""

import json
from pathlib import Path
from typing import Any

import pytest

from consumers.messages.kinds import kinds_of
from ledger.intake.message import Message, Record
from ledger.store.fact import TOPIC_OF
from ledger.store.serial import encode_fact
from tests.unit.messages.samples import DEFAULTS, READER

FOLDER = Path(__file__).parents[2] / "golden" / "messages_in"
CASES = sorted(path.name for path in FOLDER.iterdir())


def load(case: str, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / case / name).read_text(), parse_float=str)
    return content


def record_in(case: str) -> Record:
    message = load(case, "message.json")
    headers = tuple((name, text.encode()) for name, text in message.get("headers", {}).items())
    return Record(message["topic"], 0, 0, message["key"].encode(), message["value"].encode(), headers)


@pytest.mark.parametrize("case", CASES)
def test_a_message_of_every_kind_becomes_its_fact(case: str) -> None:
    arrival = READER.read(record_in(case))
    assert isinstance(arrival, Message), arrival
    assert load(case, "fact.json") == {
        "tenant": arrival.tenant,
        "subject": arrival.subject,
        "topic": TOPIC_OF.get(type(arrival.fact), ""),  # a station has a row, and no fact
        "state": json.loads(encode_fact(arrival.fact), parse_float=str),
    }


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_every_kind_has_a_golden_message_in_both_modes(mode: str) -> None:
    cases = [load(case, "message.json") for case in CASES if case.endswith(mode)]
    in_values = [json.loads(case["value"]).get("type") for case in cases]
    in_headers = [case.get("headers", {}).get("ce_type") for case in cases]
    assert {kind.type for kind in kinds_of(DEFAULTS)} <= {*in_values, *in_headers}
