"""Many sessions at once: their messages merged by the second in which they reach Kafka."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

from evledger.simulator.record import CloudEvent, Message


class Delivery(Protocol):
    """Something that becomes a message, and the second (since 1970) in which it is delivered."""

    @property
    def deliver_s(self) -> int: ...

    def to_message(self) -> Message: ...


class Scheduled(NamedTuple):
    """An event and the second in which it is delivered, which may be long after its own instant."""

    deliver_s: int
    event: CloudEvent

    def to_message(self) -> Message:
        return self.event.to_message()


class Batch(NamedTuple):
    """Deliveries that become known together; none of them is due before `from_s`."""

    from_s: int
    deliveries: Sequence[Delivery]


def merged(batches: Iterable[Batch]) -> Iterator[Message]:
    """All messages by delivery time; at the same second in the order of the batches and within them.

    Batches come in the order of `from_s`; only those that are under way are kept.
    """
    under_way: list[tuple[int, int, Delivery, Iterator[Delivery]]] = []
    for number, batch in enumerate(batches):
        yield from _due(under_way, batch.from_s)
        _push(under_way, number, iter(sorted(batch.deliveries, key=lambda each: each.deliver_s)))
    yield from _due(under_way, None)


def _due(under_way: list[tuple[int, int, Delivery, Iterator[Delivery]]], until_s: int | None) -> Iterator[Message]:
    while under_way and (until_s is None or under_way[0][0] < until_s):
        _, number, delivery, rest = heappop(under_way)
        yield delivery.to_message()
        _push(under_way, number, rest)


def _push(
    under_way: list[tuple[int, int, Delivery, Iterator[Delivery]]], number: int, rest: Iterator[Delivery]
) -> None:
    delivery = next(rest, None)
    if delivery is not None:
        heappush(under_way, (delivery.deliver_s, number, delivery, rest))
