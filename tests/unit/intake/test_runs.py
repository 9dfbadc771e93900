"""Readings of a session are drawn together as far as nobody can tell."""

from typing import Any

import msgspec

from ledger.intake.message import Arrival, ReadingRun, Record, Unreadable
from ledger.intake.runs import grouped, in_runs
from ledger.store.rows import state_element
from tests.building import READER, Event, end, reading, state

Found = list[int | list[int]]


def arrivals(*events: Event | bytes, partitions: tuple[int, ...] = ()) -> list[Arrival]:
    places = partitions or (0,) * len(events)
    return [READER.read(record(event, n, place)) for n, (event, place) in enumerate(zip(events, places, strict=True))]


def record(event: Event | bytes, offset: int, partition: int) -> Record:
    if isinstance(event, bytes):
        return Record("topic", partition, offset, None, event)
    return Record("topic", partition, offset, event.subject.encode(), event.to_bytes())


def groups(*events: Event | bytes, **more: Any) -> Found:
    """Places: a list for readings that were drawn together."""
    return [part if isinstance(part, int) else part.places for part in grouped(arrivals(*events, **more))]


def at(minutes: int, session_id: str = "A") -> Event:
    return reading(session_id, minutes, str(1000 + minutes))


def test_the_readings_of_each_session_stand_where_its_first_one_stood() -> None:
    assert groups(at(1), at(1, "B"), at(2), at(2, "B"), at(3)) == [[0, 2, 4], [1, 3]]


def test_whatever_else_is_said_of_a_session_ends_its_run() -> None:
    assert groups(at(1), state("A", 1, "Charging"), at(2), at(3), end("A")) == [[0], 1, [2, 3], 4]
    assert groups(at(1), state("B", 1, "Charging"), at(2)) == [[0, 2], 1]


def test_a_reading_that_is_not_later_stands_alone() -> None:
    assert groups(at(1), at(2), at(1), at(3), at(4)) == [[0, 1], 2, [3, 4]]
    assert groups(at(1), at(1)) == [[0], 1]


def test_a_run_is_of_one_tenant_and_one_partition() -> None:
    assert groups(at(1), at(2).under(tenant="other"), at(3)) == [[0, 2], [1]]
    assert groups(at(1), at(2), at(3), partitions=(0, 1, 1)) == [[0], 1, [2]]


def test_what_cannot_be_read_or_is_misaddressed_stays_where_it_is() -> None:
    assert groups(at(1), b"{", at(2)) == [[0, 2], 1]
    first, second, third = (record(at(n), n, 0) for n in (1, 2, 3))
    parts = grouped([READER.read(first), READER.read(msgspec.structs.replace(second, key=b"else")), READER.read(third)])
    assert [part if isinstance(part, int) else part.places for part in parts] == [[0], 1, [2]]


def test_a_run_has_all_that_its_messages_have() -> None:
    read = arrivals(at(1), b"{", at(2))
    run, unreadable = in_runs([each.record for each in read if not hasattr(each, "message")], read)
    assert isinstance(unreadable, Unreadable)
    assert isinstance(run, ReadingRun)
    assert list(run.messages(0)) == [read[0], read[2]]
    assert list(run.messages(1)) == [read[2]]
    assert list(run.messages(0, 1)) == [read[0]]
    assert list(run.states) == [state_element(fact) for fact in run.facts]
