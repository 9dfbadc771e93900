"""Two consumers in a group: each message once, whoever is killed or frozen, and wherever."""

import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from evledger.simulator import Message
from tests.integration.consumer_process import Point
from tests.integration.consuming import (
    ConsumerProcess,
    Stage,
    consumer,
    expected,
    produce,
    session_partitions,
    sessions_and_billing,
    totals,
    wait_for_totals,
)
from tests.integration.half_way import holding_half
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

SESSIONS = 60

FENCED = "another consumer reads on from here"


@pytest.fixture
def stage(database_url: str, kafka_broker: str, topic_prefix: str, tmp_path: Path) -> Stage:
    return Stage(database_url, kafka_broker, topic_prefix, tmp_path)


@pytest.fixture
def messages() -> tuple[list[Message], list[Message]]:
    return sessions_and_billing(SESSIONS)


def start(stage: Stage, *consumers: ConsumerProcess) -> None:
    """Wait until all of them have partitions of the sessions topic."""
    names = {each.owner for each in consumers}
    wait_until(lambda: session_partitions(stage).keys() >= names, f"{names} own partitions")


def test_two_consumers_share_the_partitions_and_read_each_message_once(
    stage: Stage, messages: tuple[list[Message], list[Message]]
) -> None:
    about_sessions, billing = messages
    with consumer(stage, "one") as one, consumer(stage, "two") as two:
        start(stage, one, two)
        produce(stage, billing)
        produce(stage, about_sessions)
        wait_for_totals(stage, expected(billing, about_sessions))
        shares = [one.stop(), two.stop()]
    assert totals(stage) == expected(billing, about_sessions)
    assert [share["read"] > 0 for share in shares] == [True, True]
    assert sum(share["read"] for share in shares) == len(billing) + len(about_sessions)


def test_a_consumer_killed_in_its_transaction_loses_nothing(
    stage: Stage, messages: tuple[list[Message], list[Message]]
) -> None:
    about_sessions, billing = messages
    with (
        consumer(stage, "killed", point="before the commit", fault=signal.SIGKILL) as killed,
        consumer(stage, "other") as other,
    ):
        start(stage, killed, other)
        produce(stage, billing)
        produce(stage, about_sessions)
        wait_for_totals(stage, expected(billing, about_sessions))
        other.stop()
        assert killed.process.wait(60) == -signal.SIGKILL
    assert totals(stage) == expected(billing, about_sessions)


HOLDS_THE_LOG = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
   AND a.wait_event = 'ClientRead' AND clock_timestamp() - a.state_change > interval '0.5 seconds'
"""


def holds_the_log(stage: Stage) -> bool:
    """Whether a backend has kept the log's lock for half a second, waiting for its client."""
    with psycopg.connect(stage.url, autocommit=True) as connection:
        return connection.execute(HOLDS_THE_LOG).fetchone() != (0,)


def freeze(
    stage: Stage,
    frozen: ConsumerProcess,
    other: ConsumerProcess,
    messages: list[Message],
    stored: Sequence[Message] = (),
) -> None:
    """Let the one that is armed freeze, and its partitions move to the other, which reads all there is."""
    start(stage, frozen, other)
    with ThreadPoolExecutor(1) as threads:
        producing = threads.submit(produce, stage, messages)
        wait_until(lambda: frozen.is_frozen, "the consumer stops itself")
        if not frozen.said("before the write"):
            wait_until(lambda: holds_the_log(stage), "it is frozen where it holds all others up")
        producing.result()
    wait_until(lambda: session_partitions(stage) == {"other": 12}, "its partitions move")
    wait_for_totals(stage, expected(stored, messages))


def wake(stage: Stage, frozen: ConsumerProcess, other: ConsumerProcess, messages: list[Message]) -> None:
    """It is fenced, joins again and reads with the other what comes next."""
    frozen.send(signal.SIGCONT)
    wait_until(lambda: frozen.said(FENCED), "the woken one is fenced")
    start(stage, frozen, other)
    produce(stage, messages)


@pytest.mark.parametrize("point", ["before the write", "before the commit"])
def test_a_frozen_consumer_holds_nobody_up_and_is_fenced_when_it_wakes(
    stage: Stage, messages: tuple[list[Message], list[Message]], point: Point
) -> None:
    about_sessions, billing = messages
    half = len(about_sessions) // 2
    with consumer(stage, "frozen", point=point) as frozen, consumer(stage, "other") as other:
        freeze(stage, frozen, other, [*billing, *about_sessions[:half]])
        wake(stage, frozen, other, about_sessions[half:])
        wait_for_totals(stage, expected(billing, about_sessions))
        shares = [frozen.stop(), other.stop()]
    assert totals(stage) == expected(billing, about_sessions)
    assert shares[0]["read"] > 0


def test_a_consumer_frozen_with_half_of_its_write_sent_holds_nobody_up(
    stage: Stage, messages: tuple[list[Message], list[Message]]
) -> None:
    about_sessions, billing = messages
    half = len(about_sessions) // 2
    with (
        holding_half(stage) as way,
        consumer(stage, "frozen", url=way.url) as frozen,
        consumer(stage, "other") as other,
    ):
        start(stage, frozen, other)
        produce(stage, billing)
        wait_for_totals(stage, expected(billing))  # else a session's messages are parked, which is a large write too
        way.freeze(frozen.process.pid)
        freeze(stage, frozen, other, about_sessions[:half], stored=billing)
        way.let_go()
        wake(stage, frozen, other, about_sessions[half:])
        wait_for_totals(stage, expected(billing, about_sessions))
        frozen.stop()
        other.stop()
    assert totals(stage) == expected(billing, about_sessions)


def test_without_the_fence_the_woken_consumer_counts_messages_twice(
    stage: Stage, messages: tuple[list[Message], list[Message]]
) -> None:
    """The canary: what the tests above rely on can fail, and shows."""
    about_sessions, billing = messages
    right = expected(billing, about_sessions)
    with (
        consumer(stage, "frozen", point="before the write", fenced=False) as frozen,
        consumer(stage, "other") as other,
    ):
        freeze(stage, frozen, other, [*billing, *about_sessions])
        frozen.send(signal.SIGCONT)
        wait_until(lambda: totals(stage).messages_read > right.messages_read, "messages are counted twice")
    assert totals(stage).duplicates > right.duplicates
