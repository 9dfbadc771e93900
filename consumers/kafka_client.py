"""How Kafka is reached: settings of the clients, and its errors as one line each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import KafkaError

from consumers.pipeline import BATCH_MESSAGES_MAX
from consumers.topics import DEFAULT_TOPICS, TopicSettings

# How long to look for a broker before saying that there is none.
BOOTSTRAP_TIMEOUT_MS = 10_000

# The client's default of 30 s would leave a consumer idle long after a broker's restart.
RECONNECT_BACKOFF_MAX_MS = 1_000

# More made polls slower, not faster.
PARTITION_FETCH_BYTES_MAX = 1024 * 1024

# How long a broker may wait for something new before it answers. The client asks it nothing else meanwhile: with the
# usual 500 ms, a request for partitions without traffic could keep those with traffic waiting for half a second.
FETCH_WAIT_MAX_MS = 100

# A consumer that is silent for so long loses its partitions (the protocol's own default).
SESSION_TIMEOUT_MS = 45_000

# The protocol asks for at most a third of the session timeout; a tenth finds a rebalance soon.
HEARTBEATS_PER_SESSION = 10


class BrokerError(Exception):
    """Kafka cannot be reached, or refuses what we ask; the message says where and why in one line."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Where Kafka is, what is read from it and how long a silent consumer keeps its partitions.

    `topics`: the family of messages that each topic carries. `group_instance_id`: a name that outlives the process
    (static membership): restarted within the session timeout, it has its partitions again and nobody else notices.
    `owner`: who we are, for people who look at the positions. `batch_messages`: the most that one poll hands out.
    `security`: further settings of the clients (TLS, SASL).
    """

    bootstrap_servers: str
    owner: str
    topics: Mapping[str, str] = field(default_factory=lambda: DEFAULT_TOPICS)
    new_topics: TopicSettings = TopicSettings()  # noqa: RUF009 - frozen
    session_timeout_ms: int = SESSION_TIMEOUT_MS
    group_instance_id: str | None = None
    batch_messages: int = BATCH_MESSAGES_MAX
    security: Mapping[str, Any] = field(default_factory=dict)

    def client(self) -> dict[str, Any]:
        """Settings of every client."""
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
            "reconnect_backoff_max_ms": RECONNECT_BACKOFF_MAX_MS,
            **self.security,
        }

    def consumer(self, group: str) -> dict[str, Any]:
        """Settings of the consumer. Positions are ours: Kafka neither keeps nor resets them."""
        return {
            **self.client(),
            "group_id": group,
            "group_instance_id": self.group_instance_id,
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            # Not a sticky one: it balances the number of partitions over all topics, and one consumer could get all
            # those of the sessions, which carry the load.
            "partition_assignment_strategy": [RoundRobinPartitionAssignor],
            "max_poll_records": self.batch_messages,
            "max_partition_fetch_bytes": PARTITION_FETCH_BYTES_MAX,
            "fetch_max_wait_ms": FETCH_WAIT_MAX_MS,
            "session_timeout_ms": self.session_timeout_ms,
            "heartbeat_interval_ms": self.session_timeout_ms // HEARTBEATS_PER_SESSION,
            "allow_auto_create_topics": False,
            "metrics_enabled": False,
        }


@contextmanager
def reaching(settings: KafkaSettings) -> Iterator[None]:
    """Whatever the client raises inside becomes a BrokerError that names the address."""
    try:
        yield
    except KafkaError as error:
        raise BrokerError(f"Kafka at {settings.bootstrap_servers}: {said(error)}") from error


def said(error: KafkaError) -> str:
    """A client's error in one line."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return text if name in text else f"{name} {text}".strip()
