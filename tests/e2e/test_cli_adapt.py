"""`evledger adapt ocpp`: a file to a file, what it refuses, and what it lists."""

import json
from pathlib import Path

import pytest

from tests.e2e.program import Program
from tests.unit.ocpp.logs import account, bare, request, start_16, started_16, station, stop_16, values_16

SESSION = [
    start_16("m1", "2026-11-02T08:00:00Z", 1_000_000),
    started_16("m1", 1),
    values_16("m2", "2026-11-02T08:30:00Z", {"value": "1004000"}),
    stop_16("m3", "2026-11-02T09:00:00Z", 1_008_000),
]


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{text}\n" for text in lines))
    return path


@pytest.mark.usefixtures("in_empty")
def test_a_log_of_frames_becomes_a_session_of_the_ledger(program: Program, folder: Path) -> None:
    frames, out = write(folder / "frames.jsonl", account(), station(), *SESSION), folder / "messages.jsonl"
    found = program("adapt", "ocpp", frames, "--out", out, "--json").document
    assert (found["read"], found["adapted"], found["messages"], found["listed"]) == (6, 6, 3, [])
    accounts = write(folder / "accounts.jsonl", account())
    assert program("ingest", accounts, out, "--json").document["appended"] == 4
    (session,) = program("session", "list", "--json").documents or [None]
    assert session is None or session["session_id"] == "S-1:1:20261102T080000Z"
    again = folder / "again.jsonl"
    assert program("adapt", "ocpp", frames, "--out", again).code == 0
    assert again.read_bytes() == out.read_bytes()
    assert program("ingest", write(folder / "a.jsonl", again.read_text(), ""), "--json").document["appended"] == 0


def test_no_database_and_no_broker_are_needed(program: Program, folder: Path) -> None:
    frames = write(folder / "frames.jsonl", account(), station(), *SESSION)
    assert program("adapt", "ocpp", frames, "--out", folder / "out", home="/dev/null/home").code == 0


def test_each_line_that_led_to_nothing_is_listed_with_its_reason(program: Program, folder: Path) -> None:
    lines = [
        "not json",
        bare("not json"),
        bare({"neither": "nor"}),
        bare([2, "m", "StopTransaction", {"transactionId": 1}]),
        bare(json.dumps([2, "m", "MeterValues", {"x": "x" * 300 * 1024}])),
        request("h", "NoSuchAction", {}),
        station(),
        *SESSION[:1],
    ]
    found = program("adapt", "ocpp", write(folder / "f", *lines), "--out", folder / "out", "--json").document
    assert (found["ignored"], found["unreadable"], found["waiting"]) == (1, 5, 1)
    assert [each["line"] for each in found["listed"]] == [1, 2, 3, 4, 5, 8]
    assert all(each["reason"] and "\n" not in each["reason"] for each in found["listed"])
    text = program("adapt", "ocpp", folder / "f", "--out", folder / "out").text
    assert "line 8: WAITING: waits for the answer" in text


@pytest.mark.parametrize("arguments", [["f"], ["--out", "o"], ["f", "--out", "o", "--once"]])
def test_file_and_out_belong_together(program: Program, folder: Path, arguments: list[str]) -> None:
    program("adapt", "ocpp", *arguments).refuses(2, "give FILE with --out FILE")


def test_a_file_that_is_not_there_is_named(program: Program, folder: Path) -> None:
    program("adapt", "ocpp", "no-such-file", "--out", "out").refuses(2, "no-such-file", "No such file")
    assert not (folder / "out").exists()


def test_a_file_is_not_written_over_itself(program: Program, folder: Path) -> None:
    frames = write(folder / "frames.jsonl", station())
    program("adapt", "ocpp", frames, "--out", frames).refuses(2, "is the file that is read")
    assert frames.read_text() == station() + "\n"


def test_without_a_broker_the_setting_is_named(program: Program) -> None:
    program("adapt", "ocpp", "--once").refuses(2, "EVLEDGER_KAFKA_BOOTSTRAP_SERVERS")


@pytest.mark.usefixtures("in_empty")
def test_what_the_file_does_not_say_of_stations_and_tokens_the_database_does(program: Program, folder: Path) -> None:
    frames, out = write(folder / "frames.jsonl", *SESSION), folder / "messages.jsonl"
    assert program("adapt", "ocpp", frames, "--out", out, "--json").document["waiting"] == 4
    assert program("ingest", write(folder / "known.jsonl", account(), station()), "--json").document["appended"] == 2
    found = program("adapt", "ocpp", frames, "--out", out, "--json").document
    assert (found["waiting"], found["messages"]) == (0, 3)
    assert program("ingest", out, "--json").document["appended"] == 3
