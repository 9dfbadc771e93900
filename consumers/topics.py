"""The topics that are read: made when missing, and known again by id and number of partitions."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from consumers.messages.kinds import Family
from ledger.application import Ledger
from ledger.store.positions import TopicChangedError, known_topics, remember_topics

DEFAULT_TOPICS: Final[Mapping[str, Family]] = {
    "ev.tariffs.v1": "tariff",
    "ev.accounts.v1": "account",
    "ev.meters.v1": "meter",
    "ev.prices.v1": "price",
    "ev.sessions.v1": "session",
}

PARTITIONS = 12

# Values of up to 256 KiB are read; a greater one must get this far to be parked with its bytes.
MESSAGE_BYTES_MAX = 1024 * 1024

# Longer than the interval between backups: after a restore the messages since then are read again.
RETENTION_DAYS = 30

MS_PER_DAY = 86_400_000

# A topic that was made anew under a running consumer: Kafka's own protocol finds it at once, by the id in each fetch,
# but the client then goes on with the new id.
CHECK_INTERVAL_S = 5


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """How a missing topic is made. `replicas` -1: as many as the broker's default says."""

    partitions: int = PARTITIONS
    replicas: int = -1
    retention_days: int = RETENTION_DAYS

    def to_kafka(self) -> dict[str, Any]:
        """As the admin client takes it. Never compacted: each message counts, not the last one of a key."""
        configs = {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_days * MS_PER_DAY),
            "max.message.bytes": str(MESSAGE_BYTES_MAX),
        }
        return {"num_partitions": self.partitions, "replication_factor": self.replicas, "configs": configs}


class Topic(NamedTuple):
    """A topic as the broker knows it: made anew under the same name it has another id."""

    name: str
    topic_id: str
    partitions: int


def create_missing(admin: KafkaAdminClient, names: Iterable[str], settings: TopicSettings) -> None:
    """Make the topics that are not there and wait until they can be read. Raises KafkaError."""
    missing = sorted(set(names) - set(admin.list_topics()))
    for name in missing:
        with suppress(TopicAlreadyExistsError):  # another process was first
            admin.create_topics({name: settings.to_kafka()})
    admin.wait_for_topics(missing)


def describe(admin: KafkaAdminClient, names: Iterable[str]) -> list[Topic]:
    """The topics as they are now. Raises KafkaError, UnknownTopicOrPartitionError for one that is not there."""
    return [_topic(described) for described in admin.describe_topics(sorted(names))]


def _topic(described: Mapping[str, Any]) -> Topic:
    name = described["name"]
    if described["error_code"] != 0:
        fault = for_code(described["error_code"])
        if fault is UnknownTopicOrPartitionError:
            raise UnknownTopicOrPartitionError(f"topic {name} is not there any more")
        raise fault(f"topic {name}")
    return Topic(name, str(described["topic_id"]), len(described["partitions"]))


class TopicWatch:
    """Sees to it that the topics are the ones that were read before: same id, same number of partitions."""

    def __init__(self, ledger: Ledger, group: str, admin: KafkaAdminClient, names: Iterable[str]) -> None:
        self._ledger = ledger
        self._group = group
        self._admin = admin
        self._names = sorted(names)
        self._due = 0.0

    def prepare(self, settings: TopicSettings) -> list[Topic]:
        """Make what is missing, and give the topics. Raises TopicChangedError, KafkaError."""
        # In this order: another consumer that starts now makes a topic first, and remembers it then.
        known = known_topics(self._ledger.connection, self._group)
        there = set(self._admin.list_topics())
        for name in known:
            if name in self._names and name not in there:
                raise TopicChangedError(
                    f"topic {name} was read before and is not there: restore it, or read under another consumer group"
                )
        create_missing(self._admin, self._names, settings)
        return self.check()

    def check(self) -> list[Topic]:
        """The topics as they are now. Raises TopicChangedError when they are not as remembered, KafkaError."""
        topics = describe(self._admin, self._names)
        remember_topics(self._ledger.connection, self._group, topics)
        self._due = time.monotonic() + CHECK_INTERVAL_S
        return topics

    @property
    def is_due(self) -> bool:
        """Whether the last look is long ago."""
        return time.monotonic() >= self._due
