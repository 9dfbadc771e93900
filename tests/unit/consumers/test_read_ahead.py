"""Reading ahead gives what reading gives, whatever the records are and whatever becomes of the other process."""

import os
import signal
from collections.abc import Iterator

import pytest

from consumers.messages.kinds import Family
from consumers.read_ahead import RECORDS_MIN, ReadAhead
from ledger.intake.message import Record
from ledger.intake.runs import in_runs
from tests.unit.messages.samples import DEFAULTS, READER, SHORT, event, record_of, to_json
from tests.waiting import wait_until

TOPICS: dict[str, Family] = {}


def records() -> list[Record]:
    """Of every kind of message some, and some that cannot be read, in other than their usual proportions."""
    good = [record_of(to_json(event(kind))) for kind in sorted(SHORT)]
    bad = [
        record_of(b"not JSON"),
        Record("ev.sessions.v1", 0, 1, b"key", None),
        record_of(b"\xff\xfe"),
        Record("ev.sessions.v1", 0, 1, b"other", good[0].value),
        Record("ev.sessions.v1", 0, 1, None, good[0].value, (("ce_type", b"\xff"),)),
    ]
    return (good + bad) * (RECORDS_MIN // len(good + bad) + 1)


@pytest.fixture(scope="module")
def ahead() -> Iterator[ReadAhead]:
    with ReadAhead(DEFAULTS, TOPICS) as found:
        wait_until(lambda: began(found), "the process that reads ahead")
        found.drop()
        yield found


def began(ahead: ReadAhead) -> bool:
    return ahead.begin(records())


def test_what_is_read_ahead_is_what_would_be_read(ahead: ReadAhead) -> None:
    assert ahead.begin(records())
    assert ahead.finish() == in_runs(records(), [READER.read(record) for record in records()])


def test_a_few_records_are_better_read_here(ahead: ReadAhead) -> None:
    assert not ahead.begin(records()[: RECORDS_MIN - 1])


def test_what_was_dropped_is_not_taken_for_the_next(ahead: ReadAhead) -> None:
    assert ahead.begin([record_of(b"{}")] * RECORDS_MIN)
    ahead.drop()
    assert ahead.begin(records())
    assert ahead.finish() == in_runs(records(), [READER.read(record) for record in records()])


def test_reading_goes_on_when_the_other_process_is_killed(caplog: pytest.LogCaptureFixture) -> None:
    with ReadAhead(DEFAULTS, TOPICS) as ahead:
        wait_until(lambda: began(ahead), "the process that reads ahead")
        ahead.drop()
        assert ahead.pid is not None
        os.kill(ahead.pid, signal.SIGKILL)
        if ahead.begin(records()):
            assert ahead.finish() == in_runs(records(), [READER.read(record) for record in records()])
        assert not ahead.begin(records())
    assert "reading goes on without it" in caplog.text


def test_closing_leaves_no_process_behind() -> None:
    ahead = ReadAhead(DEFAULTS, TOPICS)
    pid = ahead.pid
    assert pid is not None
    ahead.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
