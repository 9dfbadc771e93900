"""What the way in hands to the ledger: a record that was read, as a proposed fact or as unreadable."""

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from ledger.session.events import MeterRecorded
from ledger.store.fact import FromMessage
from ledger.store.serial import encode_fact, topic_of
from ledger.tariffbook.events import PricePublished, TariffPublished


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record as it was read from a topic (or a file: topic `file:<sha256>`, one partition, offset = line)."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Message(msgspec.Struct, frozen=True, gc=False):
    """A readable message: named by (`tenant`, `subject`, the fact's source and message id).

    `fact` is what the message proposes; what only the ledger knows (tariff pin, terms) is still missing in it.
    """

    record: Record
    tenant: str
    subject: str
    fact: FromMessage

    @property
    def name(self) -> "Name":
        """The message's name within its subject."""
        return name_of(self.fact)


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """A record that cannot be read, and why in one line."""

    record: Record
    reason: str


class Misaddressed(msgspec.Struct, frozen=True, gc=False):
    """A readable message that is refused before any stream is looked at, such as one whose key is not its subject."""

    message: Message
    reason: str


class ReadingRun(msgspec.Struct, frozen=True, gc=False):
    """Readings of one session that follow each other: from one partition, each taken later than the one before, no name
    twice, and nothing else about that session between them. At least one.

    `states` are the facts as they are sent to the store (`state_element`). What lies between them in the partition is
    about other sessions, so nobody can tell whether all of them came at the place of the first.
    """

    tenant: str
    subject: str
    records: Sequence[Record]
    facts: Sequence[MeterRecorded]
    states: Sequence[bytes]

    def messages(self, first: int, until: int | None = None) -> Iterator[Message]:
        """One by one, from one of them to before another one."""
        for record, fact in zip(self.records[first:until], self.facts[first:until], strict=True):
            yield Message(record, self.tenant, self.subject, fact)


Arrival = Message | Unreadable | Misaddressed

# What a batch is handed over as: its readings in runs.
Part = Arrival | ReadingRun


Name = tuple[str, str]


def name_of(fact: FromMessage) -> Name:
    """The name that a message carries within its subject: source and id."""
    return fact.source, fact.message_id


def without_slots(fact: PricePublished) -> PricePublished:
    """What is remembered of a publication: its slots are in their hash."""
    return msgspec.structs.replace(fact, slots=())


NO_TEXT = msgspec.Raw(b"null")

NOWHERE = {"topic": "", "partition": 0, "offset": 0}


def content_sha256(fact: FromMessage) -> str:
    """The hash of a message's validated fields: equal for a repeat, wherever it was read and however it was spaced."""
    content = msgspec.structs.replace(fact, **NOWHERE)
    if isinstance(content, TariffPublished):
        content = msgspec.structs.replace(content, tariff=NO_TEXT)  # its canonical form is in the tariff's hash
    elif isinstance(content, PricePublished):
        content = without_slots(content)
    return hashlib.sha256(topic_of(fact).encode() + encode_fact(content)).hexdigest()
