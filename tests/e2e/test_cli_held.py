"""`evledger held` and `evledger tick`: what a person and time do about sessions, as a user meets it."""

import json
from pathlib import Path

import pytest

from tests.building import account, end, reading, start, tariff
from tests.e2e.program import Program

AFTER = "2026-12-01T12:00:00Z"

pytestmark = pytest.mark.usefixtures("in_empty")


@pytest.fixture
def placeholder(in_empty: str, program: Program, folder: Path) -> str:
    """A session that begins with a register of 0, one whose end never comes, and one long after."""
    terms = {"account_id": "A", "tariff_id": "T", "max_power_kw": "11"}
    events = [
        tariff("T"),
        account("A"),
        start("S", kwh="0", **terms),
        reading("S", 1, "910.031"),
        end("S", 2, "910.114"),
        start("OPEN", **terms),
        reading("OPEN", 30, "1004"),
        start("LATER", 3 * 24 * 60, **terms),
    ]
    topics = {"session": "ev.sessions.v1", "tariff": "ev.tariffs.v1", "account": "ev.accounts.v1"}
    lines = [
        {"topic": topics[event.type.split(".")[1]], "key": event.subject, "value": event.to_bytes().decode()}
        for event in events
    ]
    (folder / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert program("ingest", "m.jsonl", "--json").document["held"] == 1
    return in_empty


@pytest.mark.usefixtures("placeholder")
def test_a_held_session_is_shown_released_with_another_register_and_billed(program: Program) -> None:
    shown = program("held", "show", "S", "--json").document
    assert (shown["status"], shown["held"]) == ("HELD", ["IMPLAUSIBLE_JUMP"])
    assert shown["reasons"][0]["found"] == "910.031 kWh in 60 s, 0.320 kWh at most"
    assert [row["register_kwh"] for row in shown["readings"]] == ["0.000", "910.031", "910.114"]
    substitute = f"{shown['readings'][0]['reading']}=910.031"
    outcome = program("held", "release", "S", "--reason", "display", "--substitute", substitute, "--json").document
    assert (outcome["status"], outcome["energy_kwh"], outcome["amount"]) == ("RELEASED", "0.083", "0.02")
    assert program("bill", "--now", AFTER, "--json").document == {"issued": 1}
    again = program("held", "release", "S", "--reason", "again")
    assert (again.code, again.err) == (1, "evledger: session S is not held\n")
    assert "910.031" in program("held", "show", "S").text


@pytest.mark.usefixtures("placeholder")
def test_a_waived_session_is_never_billed(program: Program) -> None:
    assert program("held", "waive", "S", "--reason", "goodwill", "--json").document["status"] == "WAIVED"
    assert program("bill", "--now", AFTER, "--json").document == {"issued": 0}
    program("project", "--once")
    assert program("session", "show", "S", "--json").document["status"] == "WAIVED"
    assert program("held", "list", "--json").documents == []
    assert program("audit", "completeness", "--json").document["waived"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["release", "S", "--reason", " "], 2, "--reason"),
        (["release", "S", "--reason", "a\tb"], 2, "--reason"),
        (["release", "S", "--reason", "x", "--substitute", "started@0"], 2, "READING=KWH"),
        (["release", "S", "--reason", "x", "--substitute", "started@0=1e3"], 2, "READING=KWH"),
        (["release", "S", "--reason", "x", "--substitute", "nothing=1"], 1, "names no reading"),
        (["release", "OPEN", "--reason", "x"], 1, "has not ended"),
        (["waive", "nobody", "--reason", "x"], 1, "no such session"),
        (["release", "S"], 2, "--reason"),
    ],
)
@pytest.mark.usefixtures("placeholder")
def test_a_refusal_is_one_line(program: Program, arguments: list[str], code: int, said: str) -> None:
    outcome = program("held", *arguments)
    assert (outcome.code, outcome.err.count("\n")) == (code, 1)
    assert said in outcome.err


@pytest.mark.usefixtures("placeholder")
def test_a_tick_closes_a_session_without_an_end(program: Program) -> None:
    assert program("tick", "--at", "2026-11-05T08:00:00Z", "--json").document == {"closed": 1, "released": 0}
    assert program("held", "show", "OPEN", "--json").document["held"] == ["END_ESTIMATED"]
    assert program("tick", "--at", "yesterday").code == 2
