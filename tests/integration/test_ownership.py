"""Which partitions a consumer takes, however the client's calls and its own polls fall together."""

from collections.abc import Iterator
from typing import cast

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import SubscriptionState

from consumers.kafka_client import KafkaSettings
from consumers.ownership import Ownership
from consumers.pipeline import Pipeline
from ledger.application import Ledger
from tests.building import READER, SELLER, Names

PARTITIONS = 4


class Client:
    """The client's state of its partitions, as its own coordinator changes it, without a broker."""

    def __init__(self, topic: str) -> None:
        self.state = SubscriptionState()
        self.state.subscribe([topic])

    def assignment(self) -> set[TopicPartition]:
        return self.state.assigned_partitions()

    def pause(self, *partitions: TopicPartition) -> None:
        for partition in partitions:
            self.state.pause(partition)

    def resume(self, *partitions: TopicPartition) -> None:
        for partition in partitions:
            self.state.resume(partition)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.state.seek(partition, offset)

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.state.assign_from_subscribed(partitions)

    @property
    def paused(self) -> set[TopicPartition]:
        return set(self.state.paused_partitions())


@pytest.fixture
def client(names: Names) -> Client:
    return Client(names.topic)


@pytest.fixture
def own(ledger: Ledger, client: Client, names: Names) -> Iterator[Ownership]:
    settings = KafkaSettings(bootstrap_servers="", owner="one", topics={names.topic: "session"})
    with Pipeline(ledger, READER.read, SELLER, f"group of {names.topic}") as pipeline:
        own = Ownership(ledger, pipeline, cast(KafkaConsumer, client), settings)
        own.begin({TopicPartition(names.topic, number): 0 for number in range(PARTITIONS)})
        yield own


def partitions(names: Names, *numbers: int) -> list[TopicPartition]:
    return [TopicPartition(names.topic, number) for number in numbers]


def assign(own: Ownership, client: Client, assigned: list[TopicPartition]) -> None:
    client.assign(assigned)
    own.on_partitions_assigned(assigned)


def test_what_is_assigned_is_taken_and_read(own: Ownership, client: Client, names: Names) -> None:
    assign(own, client, partitions(names, 0, 1, 2, 3))
    assert not own.is_settled
    own.settle()
    assert own.is_settled
    assert (set(own.epochs), client.paused) == (client.assignment(), set())


def test_a_poll_that_ends_in_the_middle_of_a_rebalance_takes_nothing(
    own: Ownership, client: Client, names: Names
) -> None:
    assign(own, client, partitions(names, 0, 1, 2, 3))
    own.settle()
    own.on_partitions_revoked(client.assignment())  # the client still names them as assigned
    own.settle()
    assert own.epochs == {}
    assign(own, client, partitions(names, 0, 2))
    own.settle()
    assert (set(own.epochs), client.paused) == (set(partitions(names, 0, 2)), set())
