"""Facts of one batch for one log, encoded as they are decided, sent as four arrays."""

from collections.abc import Sequence
from uuid import UUID

from ledger.store.arrays import (
    BigintArray,
    ByteaArray,
    TextArray,
    UuidArray,
    bigint_elements,
    bytea_element,
    text_element,
    uuid_element,
)
from ledger.store.fact import TOPIC_OF, Fact
from ledger.store.serial import encode_fact


def state_element(fact: Fact) -> bytes:
    """A fact as it is stored, ready to be sent."""
    return bytea_element(encode_fact(fact))


class EventRows:
    """Rows to append, in order: columns of the elements of arrays."""

    def __init__(self) -> None:
        self._count = 0
        self._streams: list[bytes] = []
        self._versions: list[bytes] = []
        self._topics: list[bytes] = []
        self._states: list[bytes] = []

    def __len__(self) -> int:
        return self._count

    def append(self, stream: UUID, version: int, fact: Fact) -> None:
        """Add a fact as version `version` of its stream."""
        self.add(stream.bytes, version, fact)

    def add(self, stream_bytes: bytes, version: int, fact: Fact) -> None:
        """Add a fact to a stream whose id is in bytes already."""
        self.extend(stream_bytes, version, type(fact), [state_element(fact)])

    def put(self, stream: UUID, version: int, topic: str, state: bytes) -> None:
        """Add a row whose state is encoded already."""
        self._extend(stream.bytes, version, topic, [bytea_element(state)])

    def extend(self, stream_bytes: bytes, version: int, cls: type[Fact], states: Sequence[bytes]) -> None:
        """Add facts of one class from version `version` of a stream on, each of them a `state_element`."""
        self._extend(stream_bytes, version, TOPIC_OF[cls], states)

    def _extend(self, stream_bytes: bytes, version: int, topic: str, states: Sequence[bytes]) -> None:
        count = len(states)
        self._count += count
        self._streams.append(uuid_element(stream_bytes) * count)
        self._versions.append(bigint_elements(version, count))
        self._topics.append(text_element(topic) * count)
        self._states += states

    def arrays(self) -> tuple[UuidArray, BigintArray, TextArray, ByteaArray]:
        """Stream ids, versions, topics and states, each one parameter of the statement."""
        return (
            UuidArray(self._count, self._streams),
            BigintArray(self._count, self._versions),
            TextArray(self._count, self._topics),
            ByteaArray(self._count, self._states),
        )
