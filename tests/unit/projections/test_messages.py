"""Public messages: golden folders, one each, and the schemas that readers are promised."""

import json
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.store.fact import CLASS_OF
from ledger.store.serial import decode_fact
from ledger.store.streams import LoggedFact
from projections.outbox.build import OutMessage, Surroundings, to_messages
from projections.outbox.outbox import OUTBOX
from projections.outbox.schemas import MESSAGES, schemas
from tests.unit.projections.facts import issued, metered, rated, stream_of
from tests.unit.projections.pages import RECORDED_AT

GOLDEN = Path(__file__).parents[2] / "golden" / "messages_out"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


def messages_of(case: dict[str, Any]) -> list[OutMessage]:
    """The messages of a golden fact: its topic and JSON as stored, its place, and what the outbox knows beside it."""
    fact = decode_fact(case["topic"], json.dumps(case["fact"]).encode())
    logged = LoggedFact(1, RECORDED_AT, UUID(case["stream"]), case["version"], fact)
    around = Surroundings({logged.stream: case.get("payer", "")}, Counter())
    for tenant, account_id, currency, minor in case.get("balances", []):
        around.balances[tenant, account_id, currency] = minor
    return list(to_messages(logged, around))


@pytest.mark.parametrize("name", CASES)
def test_a_stored_fact_gives_the_same_messages_for_ever(name: str) -> None:
    case = json.loads((GOLDEN / name / "fact.json").read_text())
    expected = (GOLDEN / name / "messages.jsonl").read_bytes().splitlines()
    messages = messages_of(case)
    assert [message.payload for message in messages] == expected
    assert [message.key for message in messages] == case["keys"]


@pytest.mark.parametrize("name", CASES)
def test_a_message_fits_its_model_and_names_itself_alike(name: str) -> None:
    for message in messages_of(json.loads((GOLDEN / name / "fact.json").read_text())):
        event = MESSAGES[message.type].model_validate_json(message.payload)
        assert (event.id, event.type, event.partitionkey) == (message.id, message.type, message.key)


def test_every_type_of_message_has_a_golden_folder() -> None:
    seen = {json.loads(line)["type"] for name in CASES for line in (GOLDEN / name / "messages.jsonl").open()}
    assert seen == set(MESSAGES)


def test_every_fact_that_the_outbox_follows_has_a_golden_folder() -> None:
    topics = {json.loads((GOLDEN / name / "fact.json").read_text())["topic"] for name in CASES}
    assert {CLASS_OF[topic] for topic in topics} == {kind for follower in OUTBOX for kind in follower.kinds}


def test_schemas_are_closed_and_name_their_type() -> None:
    for name, schema in schemas().items():
        assert schema["properties"]["type"]["const"] == name
        assert schema["additionalProperties"] is False
        assert "data" in schema["required"]


def test_a_fact_without_a_message_is_refused() -> None:
    with pytest.raises(TypeError, match="MeterRecorded leads to no message"):
        list(to_messages(LoggedFact(1, RECORDED_AT, stream_of("s"), 1, metered(1)), Surroundings()))


def test_balances_run_on_within_a_page() -> None:
    around = Surroundings()
    said = []
    for number in (1, 2):
        logged = LoggedFact(number, RECORDED_AT, stream_of("i"), number, issued(number))
        *_, balance = to_messages(logged, around)
        said.append(json.loads(balance.payload)["data"]["balance"])
    assert said == ["7.68", "15.36"]


def test_an_ad_hoc_session_is_keyed_by_its_payment() -> None:
    logged = LoggedFact(1, RECORDED_AT, stream_of("s"), 4, rated(account_id=None, payment_id="PAY-1"))
    (message,) = to_messages(logged, Surroundings())
    assert message.key == "PAY-1"


def test_an_unknown_side_of_tax_is_null() -> None:
    cost = rated().cost.__class__(excl_minor=645)
    logged = LoggedFact(1, RECORDED_AT, stream_of("s"), 4, rated(cost=cost))
    (message,) = to_messages(logged, Surroundings())
    assert json.loads(message.payload)["data"]["total_cost"] == {"excl_vat": "6.45", "incl_vat": None}
