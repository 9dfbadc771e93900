"""Files of messages, exactly once: read again, after a kill, under another name, by two at once."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers import files
from consumers.files import UnusableFileError, ingest_file, read_records, to_record
from consumers.pipeline import Pipeline, Totals
from ledger.application import Ledger, UnavailableError
from ledger.store.positions import control_totals
from ledger.store.recorder import FencedError
from tests.building import READER, SELLER, Event, Names, account, lines_file, tariff, topics_of

WHOLE = ["SessionStarted", "MeterRecorded", "SessionEnded", "SessionRated"]


@pytest.fixture
def pipeline(ledger: Ledger) -> Iterator[Pipeline]:
    with Pipeline(ledger, READER.read, SELLER) as pipeline:
        yield pipeline


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BATCH_MESSAGES_MAX", 2)


def messages(names: Names) -> list[Event]:
    known = [tariff(names.tariff), account(names.account)]
    return [*known, names.started(), names.read(15, "1002"), names.ended()]


def ingest(ledger: Ledger, path: Path) -> Totals:
    with Pipeline(ledger, READER.read, SELLER) as pipeline:
        ingest_file(ledger, pipeline, path, "test", lambda _: None)
        return pipeline.totals


def test_a_file_is_read_once(ledger: Ledger, names: Names, tmp_path: Path) -> None:
    path = lines_file(tmp_path, messages(names))
    assert ingest(ledger, path) == Totals(read=5, appended=5)
    assert ingest(ledger, path) == Totals()
    assert topics_of(ledger, names.session) == WHOLE


def test_a_file_under_another_name_is_the_same_file(ledger: Ledger, names: Names, tmp_path: Path) -> None:
    path = lines_file(tmp_path, messages(names))
    ingest(ledger, path)
    assert ingest(ledger, path.rename(tmp_path / "other.jsonl")) == Totals()


def test_another_file_with_the_same_messages_brings_repeats(ledger: Ledger, names: Names, tmp_path: Path) -> None:
    ingest(ledger, lines_file(tmp_path, messages(names)))
    again = lines_file(tmp_path, [*messages(names), names.read(20, "1003")])
    assert ingest(ledger, again) == Totals(read=6, appended=1, duplicates=5)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("batches", [0, 1, 2])
def test_a_killed_run_goes_on_where_it_stopped(batches: int, ledger: Ledger, names: Names, tmp_path: Path) -> None:
    path = lines_file(tmp_path, messages(names))
    with pytest.raises(KeyboardInterrupt):
        ingest_until_killed(ledger, path, batches)
    assert ingest(ledger, path).read >= 5 - 2 * (batches + 1)
    assert topics_of(ledger, names.session) == WHOLE
    assert control_totals(ledger.connection).are_complete()


def ingest_until_killed(ledger: Ledger, path: Path, batches: int) -> None:
    told: list[int] = []

    def kill(_: int) -> None:
        told.append(1)
        if len(told) > batches:
            raise KeyboardInterrupt

    with Pipeline(ledger, READER.read, SELLER) as pipeline:
        ingest_file(ledger, pipeline, path, "test", kill)


@pytest.mark.usefixtures("small_batches")
def test_the_answer_to_a_commit_may_be_lost(
    *, ledger: Ledger, pipeline: Pipeline, names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, answers = ledger.commit, [True, False, True, True]

    def answering(*arguments: Any) -> Any:
        written = commit(*arguments)
        if not answers.pop(0):
            raise UnavailableError("the connection was lost")
        return written

    monkeypatch.setattr(ledger, "commit", answering)
    answers.insert(2, True)
    ingest_file(ledger, pipeline, lines_file(tmp_path, messages(names)), "test", lambda _: None)
    assert topics_of(ledger, names.session) == WHOLE
    assert control_totals(ledger.connection).are_complete()


@pytest.mark.usefixtures("small_batches")
def test_of_two_readers_of_a_file_one_is_fenced(
    ledger: Ledger, pipeline: Pipeline, names: Names, tmp_path: Path
) -> None:
    path = lines_file(tmp_path, messages(names))
    with pytest.raises(FencedError):
        ingest_file(ledger, pipeline, path, "first", lambda _: overtake(ledger, path))
    assert topics_of(ledger, names.session) == WHOLE
    assert control_totals(ledger.connection).are_complete()


def overtake(ledger: Ledger, path: Path) -> None:
    ingest(ledger, path)


# --- lines to records ------------------------------------------------------------------------------------------------


def test_a_batch_ends_at_its_number_of_messages(names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BATCH_MESSAGES_MAX", 2)
    assert sizes(lines_file(tmp_path, messages(names))) == [2, 2, 1]


def test_a_batch_ends_at_its_bytes(names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [names.read(minute, "1002") for minute in range(5)]
    monkeypatch.setattr(files, "BATCH_BYTES_MAX", len(events[-1].to_bytes()) + 1)
    assert sizes(lines_file(tmp_path, events)) == [2, 2, 1]


def sizes(path: Path) -> list[int]:
    return [len(records) for records, _ in files._batches(path, "file:x", 0)]


def test_offsets_are_lines(names: Names, tmp_path: Path) -> None:
    path = lines_file(tmp_path, messages(names))
    assert [(record.topic, record.offset) for record in read_records(path, "t", 3)] == [("t", 3), ("t", 4)]


def test_bytes_that_are_no_text_come_in_base64() -> None:
    encoded = base64.b64encode(b"\xff\x00").decode()
    record = to_record("t", 0, f'{{"topic": "x", "key": "k", "value_base64": "{encoded}"}}'.encode())
    assert (record.key, record.value) == (b"k", b"\xff\x00")


def test_headers_are_taken_over() -> None:
    record = to_record("t", 0, b'{"topic": "x", "value": "v", "headers": {"ce_id": "1"}}')
    assert (record.key, record.value, record.headers) == (None, b"v", (("ce_id", b"1"),))


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b'{"value": "v"}', b'{"topic": "t", "value_base64": "?"}', b"\xff", b'{"topic": 1}']
)
def test_a_line_that_says_nothing_is_a_record_to_park_whole(line: bytes) -> None:
    record = to_record("t", 7, line + b"\r\n")
    assert (record.offset, record.key, record.value) == (7, None, line)


def test_a_line_that_cannot_be_read_is_parked(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"not json\n\n")
    assert ingest(ledger, path) == Totals(read=2, parked=2)


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_opened_is_told_in_one_line(ledger: Ledger, tmp_path: Path, name: str) -> None:
    with pytest.raises(UnusableFileError) as refused:
        ingest(ledger, tmp_path / name)
    assert "\n" not in str(refused.value)
    assert str(tmp_path / name) in str(refused.value)
