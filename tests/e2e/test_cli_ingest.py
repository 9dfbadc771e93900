"""`evledger ingest`: each file exactly once, whatever is in it, and however often it is killed."""

import json
import os
import random
import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from consumers.files import LINE_BYTES_MAX
from tests.e2e.program import Program, ended, started, write_messages
from tests.waiting import wait_until

TOTALS = ["read", "appended", "duplicates", "parked", "discarded", "held"]
NOTHING = dict.fromkeys(TOTALS, 0)
# Long enough that a kill hits it in the middle: eight batches.
KILLED_SESSIONS = 800
KILLED_AT = (1, 10_000, 25_000)

JUNK = [
    b"not json", b"[]", b'{"topic": 5}', b'{"topic":"ev.sessions.v1"}', b'{"topic":"x","value_base64":"!!"}',
    b'{"topic":"ev.sessions.v1","key":"a","value":"\\ud800"}', b"\xff\xfe", b"", b'{"topic":"t","value":"{}"}',
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("in_empty")


def ingest(program: Program, *files: Path) -> dict[str, int]:
    totals = program("ingest", *files, "--json").document
    assert list(totals) == TOTALS
    assert totals["read"] == sum(totals[name] for name in ("appended", "duplicates", "parked", "discarded"))
    return dict(totals)


def test_a_file_is_read_once_under_any_name(program: Program, folder: Path) -> None:
    file = write_messages(folder / "a.jsonl", 10, faults=True)
    first = ingest(program, file)
    assert first["read"] == len(file.read_text().splitlines())
    assert first["appended"] > 0
    assert ingest(program, file) == NOTHING
    assert ingest(program, file.rename("other name.jsonl")) == NOTHING


def test_what_was_added_to_a_file_is_new_and_the_rest_a_duplicate(program: Program, folder: Path) -> None:
    short = write_messages(folder / "a.jsonl", 3)
    lines = short.read_text().splitlines(keepends=True)
    (folder / "half.jsonl").write_text("".join(lines[:100]))
    assert ingest(program, folder / "half.jsonl")["appended"] == 100
    again = ingest(program, short)
    assert (again["duplicates"], again["appended"]) == (100, len(lines) - 100)


def test_line_ends_of_windows_and_a_missing_last_one_change_nothing(program: Program, folder: Path) -> None:
    file = write_messages(folder / "a.jsonl", 2)
    text = file.read_text()
    assert ingest(program, file)["parked"] == 0
    for name, content in (("crlf", text.replace("\n", "\r\n")), ("open end", text.rstrip("\n"))):
        (folder / name).write_text(content, newline="")
        totals = ingest(program, folder / name)
        assert totals["duplicates"] == totals["read"] == len(text.splitlines())


def test_an_empty_file_is_nothing(program: Program, folder: Path) -> None:
    (folder / "empty").touch()
    assert ingest(program, folder / "empty") == NOTHING


def test_lines_that_are_no_messages_are_parked_each_by_itself(program: Program, folder: Path) -> None:
    (folder / "junk").write_bytes(b"\n".join(JUNK) + b"\n")
    totals = ingest(program, folder / "junk")
    assert (totals["read"], totals["parked"]) == (len(JUNK), len(JUNK))
    assert ingest(program, folder / "junk") == NOTHING
    parked = program("parked", "list", "--json").documents
    assert [row["kind"] for row in parked] == ["UNREADABLE"] * len(JUNK)
    assert all(row["reason"] for row in parked)


def test_random_bytes_are_parked(program: Program, folder: Path) -> None:
    (folder / "noise").write_bytes(random.Random(1).randbytes(50_000))  # noqa: S311  not for secrets
    totals = ingest(program, folder / "noise")
    assert totals["read"] == totals["parked"] > 0


def test_a_message_of_300_kib_is_parked_and_its_bytes_are_kept(program: Program, folder: Path) -> None:
    value = '{"specversion":"1.0","pad":"' + "x" * 300 * 1024 + '"}'
    (folder / "large").write_text(json.dumps({"topic": "ev.sessions.v1", "key": "S", "value": value}) + "\n")
    assert ingest(program, folder / "large")["parked"] == 1
    number = program("parked", "list", "--json").documents[0]["parked_id"]
    assert program("parked", "show", str(number), "--json").document["value"] == value
    assert len(program("parked", "show", str(number)).text) < 10_000


def test_a_line_longer_than_any_message_is_refused_before_anything_is_read(program: Program, folder: Path) -> None:
    file = write_messages(folder / "a.jsonl", 1)
    with file.open("a") as lines:
        lines.write("x" * (LINE_BYTES_MAX + 1))
    count = len(file.read_text().splitlines())
    program("ingest", file, "--json").refuses(2, f"{file}, line {count} is longer than")
    assert program("session", "list", "--json").documents == []


def test_a_line_as_long_as_the_limit_is_read(program: Program, folder: Path) -> None:
    (folder / "long").write_bytes(b"x" * LINE_BYTES_MAX + b"\n" + b"y\n")
    assert ingest(program, folder / "long")["parked"] == 2


def test_a_file_that_cannot_be_read_is_one_line(program: Program, folder: Path) -> None:
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    program("ingest", "missing.jsonl", "--json").refuses(2, "missing.jsonl", "No such file")
    program("ingest", folder, "--json").refuses(2, str(folder), "directory")
    program("ingest", "loop", "--json").refuses(2, "loop", "Too many levels")
    program("ingest", "pipe", "--json").refuses(2, "pipe", "write the messages to a file first")


def test_a_missing_file_keeps_the_others_from_being_begun(program: Program, folder: Path) -> None:
    file = write_messages(folder / "a.jsonl", 1)
    program("ingest", file, "missing.jsonl").refuses(2, "missing.jsonl")
    assert ingest(program, file)["appended"] > 0


def test_killed_again_and_again_it_ends_with_the_same_sessions(
    program: Program, folder: Path, in_empty: str, second_url: str
) -> None:
    file = write_messages(folder / "a.jsonl", KILLED_SESSIONS, seed=11, faults=True)
    for lines in KILLED_AT:
        kill_when_read(file, in_empty, lines)
    assert ingest(program, file)["appended"] > 0
    assert ingest(program, file) == NOTHING
    killed = listed(program)
    assert program("ingest", file, database_url=second_url).code == 0
    assert listed(program, database_url=second_url) == killed
    assert len(killed) > KILLED_SESSIONS - 10


def kill_when_read(file: Path, url: str, lines: int) -> None:
    with started({**os.environ, "EVLEDGER_DATABASE_URL": url}, "ingest", str(file)) as process:
        wait_until(lambda: lines_read(url) >= lines, f"{lines} lines to be read")
        assert process.poll() is None, "it ended before it was killed"
        process.send_signal(signal.SIGKILL)


def lines_read(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT coalesce(sum(messages_read), 0) FROM ledger.consumer_positions").fetchone()
    return int(row[0]) if row else 0


def listed(program: Program, **settings: str) -> dict[str, Any]:
    assert program("project", "--once", **settings).code == 0
    return {row["session_id"]: row for row in program("session", "list", "--json", **settings).documents}


def test_two_processes_on_one_file_add_it_once(program: Program, folder: Path, in_empty: str) -> None:
    file = write_messages(folder / "a.jsonl", 40)
    with started(os.environ, "ingest", str(file)) as one, started(os.environ, "ingest", str(file)) as other:
        assert {ended(one).code, ended(other).code} <= {0, 3}
    ingest(program, file)
    assert ingest(program, file) == NOTHING
    completeness = program("audit", "completeness", "--json")
    assert json.loads(completeness.out)["messages_complete"]
    assert lines_read(in_empty) == len(file.read_text().splitlines())
