"""`evledger parked`: what was parked, tried again, discarded; and what `audit completeness` says of it."""

import json
from pathlib import Path

import psycopg
import pytest

from tests.building import account, end, reading, start, tariff
from tests.e2e.program import Program

BECAUSE = "sent by a test station"
TOPICS = {"session": "ev.sessions.v1", "tariff": "ev.tariffs.v1", "account": "ev.accounts.v1"}

pytestmark = pytest.mark.usefixtures("parked")


@pytest.fixture
def parked(in_empty: str, program: Program, folder: Path) -> str:
    """A session; a message that cannot be read (1), and readings of a session that never starts (2 and 3)."""
    terms = {"account_id": "A", "tariff_id": "T"}
    events = [tariff("T"), account("A"), start("S", **terms), end("S"), reading("X", 5, "1"), end("X", 10, "2")]
    lines = [
        {"topic": TOPICS[event.type.split(".")[1]], "key": event.subject, "value": event.to_bytes().decode()}
        for event in events
    ]
    lines.insert(4, {"topic": "ev.sessions.v1", "key": "Y", "value": "{"})
    (folder / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert program("ingest", "m.jsonl", "--json").document["parked"] == 3
    program("project", "--once")
    return in_empty


def numbers(program: Program) -> list[int]:
    return [row["parked_id"] for row in program("parked", "list", "--json").documents]


def totals(program: Program) -> list[int]:
    found = program("audit", "completeness", "--json").document
    return [found[f"messages_{name}"] for name in ("read", "appended", "duplicates", "parked", "discarded")]


def test_a_discard_is_recorded_with_name_and_reason_and_moves_the_count(program: Program) -> None:
    first, *rest = numbers(program)
    assert totals(program) == [7, 4, 0, 3, 0]
    discarded = program("parked", "discard", str(first), "--reason", BECAUSE, "--json").document
    assert (discarded["discarded"], discarded["messages"][0]["parked_id"]) == (1, first)
    assert numbers(program) == rest
    program("project", "--once")
    assert totals(program) == [7, 4, 0, 2, 1]
    shown = program("parked", "show", str(first), "--json").document
    assert (shown["outcome"], shown["settled_because"]) == ("DISCARDED", BECAUSE)
    assert shown["settled_by"] == discarded["messages"][0]["actor"]


def test_several_are_discarded_at_once(program: Program) -> None:
    ids = map(str, numbers(program))
    assert "Discarded" in program("parked", "discard", *ids, "--reason", BECAUSE).text
    assert numbers(program) == []


def test_what_stays_parked_after_a_retry_is_a_no(program: Program) -> None:
    outcome = program("parked", "retry", "--all", "--json")
    found = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (1, "evledger: of 3 messages, 3 stay parked\n")
    assert [found[name] for name in ("retried", "appended", "duplicates", "parked")] == [3, 0, 0, 3]
    assert {message["kind"] for message in found["messages"]} == {"UNREADABLE", "WAITING"}
    assert totals(program) == [7, 4, 0, 3, 0]


def test_an_empty_queue_has_nothing_to_try(program: Program) -> None:
    program("parked", "discard", *map(str, numbers(program)), "--reason", BECAUSE)
    assert program("parked", "retry", "--all", "--json").document["retried"] == 0


def test_a_frame_of_the_adapter_is_left_to_it(program: Program, parked: str) -> None:
    first = numbers(program)[0]
    with psycopg.connect(parked) as connection:
        connection.execute("UPDATE ledger.parked_messages SET consumer_group = 'evledger-ocpp'")
    program("parked", "retry", str(first)).refuses(1, f"not for this command: {first}", "OCPP adapter")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["retry"], 2, "--all"),
        (["retry", "1", "--all"], 2, "--all"),
        (["retry", "x"], 2, "'x' is not a valid integer"),
        (["retry", "999999"], 1, "999999"),
        (["discard", "1"], 2, "--reason"),
        (["discard", "--reason", "r"], 2, "PARKED_IDS"),
        (["discard", "999999", "--reason", "r"], 1, "no message was parked under 999999"),
        (["discard", "1", "--reason", " "], 2, "--reason"),
        (["discard", "1", "--reason", "two\nlines"], 2, "--reason"),
        (["discard", "1", "--reason", "x" * 1_001], 2, "1000 characters"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    program: Program, arguments: list[str], code: int, said: str
) -> None:
    program("parked", *arguments).refuses(code, said)
    assert len(numbers(program)) == 3


def test_what_was_discarded_is_not_discarded_again(program: Program) -> None:
    first = str(numbers(program)[0])
    program("parked", "discard", first, "--reason", BECAUSE)
    program("parked", "discard", first, "--reason", BECAUSE).refuses(1, "its outcome is DISCARDED")


def test_a_partition_that_does_not_add_up_is_named(program: Program, parked: str) -> None:
    with psycopg.connect(parked) as connection:
        connection.execute("UPDATE ledger.consumer_positions SET appended = appended + 1")
    outcome = program("audit", "completeness", "--json")
    found = json.loads(outcome.out)
    ((partition,), (difference,)) = found["partitions"], found["differences"]
    assert (outcome.code, partition["difference"]) == (1, -1)
    assert difference["name"] == f"{partition['topic']}/0 (group ingest)"
    assert difference["what"].startswith("1 too many: 7 read = 5 appended")
    assert "1 too many" in program("audit", "completeness").out


def test_two_partitions_whose_faults_make_up_for_each_other_are_both_named(program: Program, parked: str) -> None:
    with psycopg.connect(parked) as connection:
        connection.execute("UPDATE ledger.consumer_positions SET messages_read = messages_read + 1")
        connection.execute(
            "INSERT INTO ledger.consumer_positions (consumer_group, topic, partition, next_offset, appended)"
            " VALUES ('ingest', 'file:other', 0, 1, 1)"
        )
    outcome = program("audit", "completeness", "--json")
    assert (outcome.code, len(json.loads(outcome.out)["differences"])) == (1, 2)


def test_each_day_adds_up_and_what_does_not_is_named(program: Program, parked: str) -> None:
    (day,) = program("audit", "completeness", "--json").document["days"]
    assert (day["ended"], day["pending"]) == (1, 1)
    with psycopg.connect(parked) as connection:
        connection.execute("UPDATE projection.session_costs SET revision = NULL")
    outcome = program("audit", "completeness", "--json")
    (difference,) = json.loads(outcome.out)["differences"]
    assert (outcome.code, difference["name"]) == (1, "session S")
    assert difference["what"].endswith("fits no category")
