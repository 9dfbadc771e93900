"""What is kept in memory: within bounds, and never dropped while a batch that touched it is on its way."""

from ledger.intake.batch import REASON_LENGTH_MAX, Batch
from ledger.intake.message import Record, Unreadable
from ledger.intake.subject import Subject, SubjectCache, SubjectKey


def subject(name: str, batch: int = 0) -> Subject:
    found = Subject(SubjectKey("session", "default", name))
    found.batch = batch
    return found


def cache(maximum: int, *subjects: Subject) -> SubjectCache:
    filled = SubjectCache(maximum)
    for item in subjects:
        filled.put(item)
    return filled


def kept(filled: SubjectCache, *names: str) -> list[str]:
    return [name for name in names if filled.get(SubjectKey("session", "default", name)) is not None]


def test_the_least_recently_used_go_first() -> None:
    filled = cache(2, subject("a"), subject("b"), subject("c"))
    assert filled.use(subject("a").key)
    assert not filled.use(subject("z").key)
    filled.trim(1)
    assert kept(filled, "a", "b", "c") == ["a", "c"]


def test_what_an_unfinished_batch_touched_stays_whatever_the_bound() -> None:
    filled = cache(0, subject("a", batch=2))
    filled.trim(1)
    assert len(filled) == 1
    filled.trim(2)
    assert len(filled) == 0


def test_nothing_goes_while_there_is_room() -> None:
    filled = cache(2, subject("a"), subject("b"))
    filled.trim(9)
    assert kept(filled, "a", "b") == ["a", "b"]


def test_dropping_what_is_not_there_is_no_matter() -> None:
    filled = cache(2, subject("a"))
    filled.drop([SubjectKey("session", "default", "b"), SubjectKey("session", "default", "a")])
    assert len(filled) == 0


def test_counts_are_kept_for_each_partition() -> None:
    batch = Batch(1, [])
    for topic, partition, offset in [("t", 0, 5), ("t", 1, 7), ("t", 0, 6), ("u", 0, 9), ("t", 0, 8)]:
        batch.counts_of(Record(topic, partition, offset, None, None)).read(offset)
    found = {place: (c.first_offset, c.next_offset, c.messages_read) for place, c in batch.counts.items()}
    assert found == {("t", 0): (5, 9, 3), ("t", 1): (7, 8, 1), ("u", 0): (9, 10, 1)}


def test_a_reason_is_one_line_of_a_bounded_length() -> None:
    batch = Batch(1, [])
    batch.park(
        Unreadable(Record("t", 0, 0, None, b"x"), "one\n two\t" + "x" * 5_000), "UNREADABLE", "one\n two\t" * 500
    )
    assert batch.parked[0].reason.startswith("one two one")
    assert "\n" not in batch.parked[0].reason
    assert len(batch.parked[0].reason) == REASON_LENGTH_MAX
