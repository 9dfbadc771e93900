"""What one poll brought, as batches of records: billing first, each partition in its order, within bounds."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from kafka import TopicPartition

from consumers.pipeline import BATCH_BYTES_MAX
from ledger.intake.message import Record
from ledger.store.positions import Place

# Partition to records, in the order of their offsets.
Polled = Mapping[TopicPartition, Sequence[Record]]


def to_batches(polled: Polled, ours: Collection[Place], billing: Collection[str]) -> Iterator[Sequence[Record]]:
    """The records of partitions that are ours; those of `billing` topics first, for sessions refer to them."""
    places = sorted((place for place in polled if place in ours), key=lambda place: (place.topic not in billing, place))
    records = [record for place in places for record in polled[place]]
    return within(records, BATCH_BYTES_MAX)


def within(records: Sequence[Record], bytes_max: int) -> Iterator[Sequence[Record]]:
    """Cut where the values of a batch would exceed `bytes_max`; a greater one stands alone."""
    sizes = [len(record.value or b"") for record in records]
    first = size = 0
    if sum(sizes) > bytes_max:
        for number, length in enumerate(sizes):
            if number > first and size + length > bytes_max:
                yield records[first:number]
                first, size = number, 0
            size += length
    if records:
        yield records[first:]
