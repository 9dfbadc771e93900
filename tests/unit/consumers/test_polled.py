"""A poll's messages become batches: billing first, each partition in order, never above the bounds."""

from collections.abc import Sequence

from kafka import TopicPartition

from consumers.polled import to_batches, within
from ledger.intake.message import Record

SESSIONS, TARIFFS = TopicPartition("sessions", 0), TopicPartition("tariffs", 3)
OTHER = TopicPartition("sessions", 1)


def at(place: TopicPartition, offset: int) -> Record:
    return Record(place.topic, place.partition, offset, b"key", b"value")


def record(number: int, value: bytes | None) -> Record:
    return Record("topic", 0, number, None, value)


def places(batch: Sequence[Record]) -> list[tuple[str, int, int]]:
    return [(each.topic, each.partition, each.offset) for each in batch]


def test_billing_comes_before_the_sessions_that_refer_to_it() -> None:
    polled = {SESSIONS: [at(SESSIONS, 0), at(SESSIONS, 1)], TARIFFS: [at(TARIFFS, 7)]}
    (batch,) = to_batches(polled, {SESSIONS, TARIFFS}, {"tariffs"})
    assert places(batch) == [("tariffs", 3, 7), ("sessions", 0, 0), ("sessions", 0, 1)]


def test_records_of_a_partition_without_an_epoch_are_not_read() -> None:
    (batch,) = to_batches({SESSIONS: [at(SESSIONS, 0)], OTHER: [at(OTHER, 0)]}, {OTHER}, set())
    assert places(batch) == [("sessions", 1, 0)]
    assert list(to_batches({SESSIONS: [at(SESSIONS, 0)]}, set(), set())) == []


def test_a_batch_ends_before_it_has_too_many_bytes() -> None:
    records = [record(number, b"x" * 4) for number in range(5)]
    assert [len(batch) for batch in within(records, 8)] == [2, 2, 1]
    assert [each for batch in within(records, 8) for each in batch] == records


def test_a_record_above_the_bound_stands_alone() -> None:
    records = [record(0, b"x"), record(1, b"x" * 9), record(2, None), record(3, b"x" * 9)]
    assert [len(batch) for batch in within(records, 8)] == [1, 1, 1, 1]


def test_no_records_make_no_batch() -> None:
    assert list(within([], 8)) == []
