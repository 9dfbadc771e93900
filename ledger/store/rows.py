"""Facts of one batch for one log, encoded as they are decided, sent as four arrays."""

from collections.abc import Sequence
from uuid import UUID

from ledger.store.arrays import BigintArray, ByteaArray, TextArray, UuidArray
from ledger.store.fact import TOPIC_OF, Fact
from ledger.store.serial import encode_fact


class EventRows:
    """Rows to append, in order. `bytes` is the size of their states."""

    def __init__(self) -> None:
        self.streams: list[bytes] = []
        self.versions: list[int] = []
        self.topics: list[str] = []
        self.states: list[bytes] = []

    def __len__(self) -> int:
        return len(self.states)

    def append(self, stream: UUID, version: int, fact: Fact) -> None:
        """Add a fact as version `version` of its stream."""
        self.add(stream.bytes, version, fact)

    def add(self, stream_bytes: bytes, version: int, fact: Fact) -> None:
        """Add a fact to a stream whose id is in bytes already."""
        self.streams.append(stream_bytes)
        self.versions.append(version)
        self.topics.append(TOPIC_OF[type(fact)])
        self.states.append(encode_fact(fact))

    def extend(self, stream_bytes: bytes, version: int, cls: type[Fact], states: Sequence[bytes]) -> None:
        """Add facts of one class, encoded already, after version `version` of a stream."""
        count = len(states)
        self.streams += [stream_bytes] * count
        self.versions += range(version + 1, version + 1 + count)
        self.topics += [TOPIC_OF[cls]] * count
        self.states += states

    def put(self, stream: UUID, version: int, topic: str, state: bytes) -> None:
        """Add a row whose state is encoded already."""
        self.streams.append(stream.bytes)
        self.versions.append(version)
        self.topics.append(topic)
        self.states.append(state)

    def arrays(self) -> tuple[UuidArray, BigintArray, TextArray, ByteaArray]:
        """Stream ids, versions, topics and states, each one parameter of the statement."""
        return (
            UuidArray.of(self.streams),
            BigintArray.of(self.versions),
            TextArray.of(self.topics),
            ByteaArray.of(self.states),
        )
