"""Records are taken out of batches as the client itself takes them out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from consumers.unpacking import _Unpacked, records_of
from ledger.intake.message import Record

PLACE = TopicPartition("ev.sessions.v1", 3)
NONE, GZIP, LZ4 = 0, 1, 3
BATCH_BYTES = 1024 * 1024

contents = (
    st.none() | st.binary(max_size=200) | st.sampled_from([b"", b"a" * 63, b"a" * 64, b"b" * 8_191, b"b" * 8_192])
)
headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=70)), max_size=3)
messages = st.lists(st.tuples(st.integers(0, 2**40), contents, contents, headers), min_size=1, max_size=80)


def built(
    sent: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]], magic: int, codec: int
) -> bytes:
    builder = MemoryRecordsBuilder(magic=magic, compression_type=codec, batch_size=BATCH_BYTES, offset=1_000)
    for timestamp, key, value, named in sent:
        builder.append(timestamp, key, value, named if magic > 1 else [])
    builder.close()
    return bytes(builder.buffer())


def by_the_client(data: bytes) -> list[Record]:
    part = Fetcher.PartitionRecords(0, PLACE, MemoryRecords(data))
    return [
        Record(*PLACE, each.offset, each.key, each.value, tuple((name, value or b"") for name, value in each.headers))
        for each in part.take()
    ]


@given(sent=messages, codec=st.sampled_from([NONE, GZIP, LZ4]))
def test_the_same_records_as_the_client_finds(
    sent: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]], codec: int
) -> None:
    data = built(sent, 2, codec)
    assert _Unpacked(0, PLACE, MemoryRecords(data)).take() == by_the_client(data)
    assert len(by_the_client(data)) == len(sent)


def test_records_of_an_older_format() -> None:
    data = built([(1, b"k", b"v", []), (2, None, b"w", [])], 1, NONE)
    assert _Unpacked(0, PLACE, MemoryRecords(data)).take() == by_the_client(data) != []


def test_a_part_goes_on_where_the_last_poll_ended() -> None:
    data = built([(n, b"k", b"%d" % n, []) for n in range(5)], 2, NONE)
    part, position = _Unpacked(1_001, PLACE, MemoryRecords(data)), 1_003
    assert [record.offset for record in part.take(2)] == [1_001, 1_002]
    assert part.next_fetch_offset == position
    assert [record.offset for record in part.take()] == [1_003, 1_004]
    assert not part


def test_a_bit_that_turned_is_found() -> None:
    data = bytearray(built([(1, b"k", b"v" * 50, [])], 2, NONE))
    data[-10] ^= 1
    with pytest.raises(CorruptRecordError, match="partition 3, offset 0: crc"):
        _Unpacked(0, PLACE, MemoryRecords(bytes(data))).take()


@pytest.mark.parametrize("place", [-1, -2, -3, -52, -53, -54])
def test_a_record_that_does_not_add_up_is_refused(place: int) -> None:
    """Without the checksum: whatever the bytes are, there is an error or a record of bytes that are there."""
    data = bytearray(built([(1, b"k", b"v" * 50, [])], 2, NONE))
    data[place] ^= 0x40
    batch = MemoryRecords(bytes(data)).next_batch()
    try:
        found = list(records_of(batch, PLACE))
    except CorruptRecordError:
        return
    assert [len(record.value or b"") for record in found] == [50]
