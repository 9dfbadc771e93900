"""What a broker sent, taken apart into records.

The client fetches, checks, decompresses and finds the batches; only the innermost loop is ours. The client's own makes
two objects of every record, through seven calls for its seven numbers, and was a fifth of all work on a message
(decision 0013).
"""

from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.util import decode_varint

from ledger.intake.message import Record

# The format of record batches since Kafka 0.11 (protocol guide, "Record Batch"); a broker may still keep older ones.
MAGIC = 2

# A number takes a byte for each seven bits; all but the last have the highest bit set.
_MORE = 0x80


def hand_out_records(consumer: KafkaConsumer) -> None:
    """Let polls of this consumer bring our records."""
    consumer._fetcher.PartitionRecords = _Unpacked


class _Unpacked(Fetcher.PartitionRecords):  # type: ignore[misc]  # the client is untyped
    """One partition's part of an answer."""

    def _unpack_records(self, tp: TopicPartition, records: Any, *_deserializers: object) -> Iterator[Record]:
        while (batch := records.next_batch()) is not None:
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError(f"topic {tp.topic}, partition {tp.partition}, offset {batch.base_offset}: crc")
            for record in records_of(batch, tp):
                self.next_fetch_offset = record.offset + 1
                yield record
            if batch.magic == MAGIC:  # also over records that are gone (compaction) and markers of transactions
                self.leader_epoch, self.next_fetch_offset = batch.leader_epoch, batch.next_offset
        self.drain()


def records_of(batch: Any, place: TopicPartition) -> Iterator[Record]:
    """The records of the client's batch; none of one that carries markers only. Raises CorruptRecordError."""
    if batch.magic < MAGIC:
        topic, partition = place
        yield from (Record(topic, partition, each.offset, each.key, each.value) for each in batch)
    elif not batch.is_control_batch:
        yield from _unpacked(batch, place)


def _unpacked(batch: Any, place: TopicPartition) -> Iterator[Record]:
    batch._maybe_uncompress()
    (topic, partition), first = place, batch.base_offset
    data, at = bytes(batch._buffer), batch._pos
    try:
        for _ in range(batch.records_count):
            size, begin = _number(data, at)
            at = _after_number(data, begin + 1)  # one byte of attributes, and the time
            offset, at = _number(data, at)
            key, at = _field(data, at)
            value, at = _field(data, at)
            headers, at = _headers(data, at) if data[at] else ((), at + 1)
            if at != begin + size or at > len(data):
                raise CorruptRecordError(f"{place}: a record after offset {first} does not end where it says")
            yield Record(topic, partition, first + offset, key, value, headers)
    except (IndexError, UnicodeDecodeError) as error:
        raise CorruptRecordError(f"{place}: the batch from offset {first} cannot be read: {error}") from error
    if at != len(data):
        raise CorruptRecordError(f"{place}: {len(data) - at} bytes too many from offset {first}")


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag number, and where it ends; nearly all have one or two bytes."""
    first = data[at]
    if first < _MORE:
        return (first >> 1) ^ -(first & 1), at + 1
    second = data[at + 1]
    if second < _MORE:
        return ((first & 0x7F | second << 7) >> 1) ^ -(first & 1), at + 2
    number, end = decode_varint(data, at)
    return number, end


def _after_number(data: bytes, at: int) -> int:
    while data[at] >= _MORE:
        at += 1
    return at + 1


def _field(data: bytes, at: int) -> tuple[bytes | None, int]:
    """A key or a value; None where there is none."""
    size, begin = _number(data, at)
    if size < 0:
        return None, begin
    end = begin + size
    return data[begin:end], end


def _headers(data: bytes, at: int) -> tuple[tuple[tuple[str, bytes], ...], int]:
    count, at = _number(data, at)
    found = []
    for _ in range(count):
        name, at = _field(data, at)
        value, at = _field(data, at)
        found.append(((name or b"").decode(), value or b""))
    return tuple(found), at
