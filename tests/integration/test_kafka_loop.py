"""One consumer on a real broker: what it reads first, what it parks, what it refuses, and what it waits for."""

import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec
import psycopg
import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource

from consumers.kafka_client import BrokerError
from consumers.loop import ConsumerLoop, LostRangeError
from consumers.messages.account import AccountDefaults
from consumers.messages.fields import MAX_VALUE_BYTES
from consumers.messages.reader import MessageReader
from consumers.pipeline import Pipeline, Totals
from evledger.broker import Broker
from evledger.simulator import Message
from ledger.application import Ledger
from ledger.intake.message import Arrival, Record
from ledger.store.positions import ControlTotals, TopicChangedError, acquire
from tests.integration.consumer_process import ENDED_BY_ITSELF, SELLER
from tests.integration.consuming import (
    Stage,
    admin,
    committed,
    consumer,
    expected,
    produce,
    session_partitions,
    sessions_and_billing,
    totals,
    wait_for_totals,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

SESSIONS = 20
PARTITIONS = 12


@pytest.fixture
def stage(database_url: str, kafka_broker: str, topic_prefix: str, tmp_path: Path) -> Stage:
    return Stage(database_url, kafka_broker, topic_prefix, tmp_path)


def read_once(
    stage: Stage,
    security: Mapping[str, object] | None = None,
    batch_messages: int = 500,
    seen: list[object] | None = None,
) -> Totals:
    """The real loop in this process, to the end of the topics. `seen` gets what was polled."""
    order = stage.order("once", batch_messages=batch_messages)
    settings = order.settings(security or {})
    reader = MessageReader(AccountDefaults(SELLER, "Europe/Amsterdam"), stage.topics)
    polled: list[object] = [] if seen is None else seen

    def read(record: Record) -> Arrival:
        polled.append(record)
        return reader.read(record)

    with Ledger(stage.url) as ledger, Pipeline(ledger, read, SELLER, stage.group) as pipeline:
        return ConsumerLoop(ledger, pipeline, settings).run(threading.Event(), once=True)


def query(stage: Stage, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(stage.url, autocommit=True) as connection:
        return connection.execute(statement).fetchall()


def test_reading_again_changes_nothing(stage: Stage) -> None:
    about_sessions, billing = sessions_and_billing(SESSIONS)
    read_once(stage)
    produce(stage, [*billing, *about_sessions])
    assert read_once(stage).read == len(billing) + len(about_sessions)
    assert read_once(stage) == Totals()
    assert totals(stage) == expected(billing, about_sessions)


def test_polls_bring_our_records_and_not_the_client_s(stage: Stage) -> None:
    """The client has no place for what takes its batches apart: an update could go round it, and nothing else fails."""
    about_sessions, billing = sessions_and_billing(1)
    read_once(stage)
    produce(stage, [*billing, *about_sessions])
    polled: list[object] = []
    read_once(stage, seen=polled)
    assert len(polled) >= len(billing) + len(about_sessions)
    assert {type(each) for each in polled} == {Record}


def test_missing_topics_are_made_as_the_contract_has_them(stage: Stage) -> None:
    read_once(stage)
    with admin(stage) as client:
        topics = {each["name"]: each for each in client.describe_topics(list(stage.topics))}
        configs = client.describe_configs([ConfigResource("topic", stage.topic("session"))])
    assert {name: len(topic["partitions"]) for name, topic in topics.items()} == dict.fromkeys(stage.topics, PARTITIONS)
    values = {name: each["value"] for name, each in configs["topic"][stage.topic("session")].items()}
    assert values["cleanup.policy"] == "delete"
    assert int(values["max.message.bytes"]) > MAX_VALUE_BYTES
    assert int(values["retention.ms"]) == 30 * 86_400_000


def test_tariffs_and_accounts_are_read_to_their_end_before_sessions(stage: Stage) -> None:
    """Sessions are in Kafka first and come in another poll: without the rule their starts would wait."""
    about_sessions, billing = sessions_and_billing(SESSIONS)
    read_once(stage)
    produce(stage, about_sessions)
    produce(stage, billing)
    read_once(stage, batch_messages=50)
    assert query(stage, "SELECT count(*) FROM ledger.parked_messages") == [(0,)]
    assert totals(stage) == expected(billing, about_sessions)


def test_whatever_a_record_is_it_has_one_outcome(stage: Stage) -> None:
    read_once(stage)
    (session, *_), billing = sessions_and_billing(1)
    bad = [
        Message("ev.sessions.v1", "S-1", b"\xff\xfe"),
        Message("ev.sessions.v1", "S-1", b"[" * 100_000),
        Message("ev.sessions.v1", "S-1", b"x" * (300 * 1024)),
        Message("ev.sessions.v1", "S-1", b"{}", (("ce_id", b"1"), ("ce_type", b"no.such.type"))),
        Message("ev.sessions.v1", "another key than its subject", session.value),
    ]
    produce(stage, [*bad, *billing])
    read_once(stage)
    assert totals(stage) == ControlTotals(len(bad) + len(billing), len(billing), 0, parked=len(bad), discarded=0)
    assert query(stage, "SELECT max(octet_length(value)) FROM ledger.parked_messages") == [(300 * 1024,)]


def test_a_topic_made_anew_is_refused(stage: Stage) -> None:
    read_once(stage)
    make_anew(stage)
    with pytest.raises(TopicChangedError, match=stage.topic("session")):
        read_once(stage)


def make_anew(stage: Stage) -> None:
    topic = stage.topic("session")
    with admin(stage) as client:
        client.delete_topics([topic])
        wait_until(lambda: topic not in client.list_topics(), "the topic is gone")
        client.create_topics({topic: {"num_partitions": PARTITIONS, "replication_factor": 1}}, wait_for_metadata=True)


def test_a_topic_that_is_gone_is_refused_and_not_made(stage: Stage) -> None:
    read_once(stage)
    with admin(stage) as client:
        client.delete_topics([stage.topic("account")])
        wait_until(lambda: stage.topic("account") not in client.list_topics(), "the topic is gone")
        with pytest.raises(TopicChangedError, match="was read before and is not there"):
            read_once(stage)
        assert stage.topic("account") not in client.list_topics()


def test_a_running_consumer_stops_when_a_topic_gets_more_partitions(stage: Stage) -> None:
    with consumer(stage, "one") as one:
        wait_until(lambda: session_partitions(stage) == {"one": PARTITIONS}, "it owns all")
        with admin(stage) as client:
            client.create_partitions({stage.topic("session"): PARTITIONS + 1})
        assert one.process.wait(60) == ENDED_BY_ITSELF
    last = one.log.read_text().splitlines()[-1]
    assert last.startswith("error: topic ") and stage.topic("session") in last


def test_messages_that_retention_took_before_they_were_read_stop_it(stage: Stage) -> None:
    about_sessions, billing = sessions_and_billing(SESSIONS)
    read_once(stage)
    produce(stage, [*billing, *about_sessions])
    read_once(stage)
    produce(stage, about_sessions)
    with psycopg.connect(stage.url) as connection:
        row = connection.execute(
            "SELECT partition, next_offset FROM ledger.consumer_positions WHERE topic = %s AND next_offset > 0",
            [stage.topic("session")],
        ).fetchone()
    assert row is not None
    partition, position = row
    with admin(stage) as client:
        client.delete_records({TopicPartition(stage.topic("session"), partition): position + 3})
    with pytest.raises(LostRangeError, match=f"partition {partition}: messages {position} to {position + 2} "):
        read_once(stage)


def test_without_a_broker_one_line_says_where_it_was_looked_for(stage: Stage) -> None:
    nowhere = msgspec.structs.replace(stage.order("once"), bootstrap_servers="127.0.0.1:1")
    reader = MessageReader(AccountDefaults(SELLER, "Europe/Amsterdam"), stage.topics)
    with Ledger(stage.url) as ledger, Pipeline(ledger, reader.read, SELLER, stage.group) as pipeline:
        loop = ConsumerLoop(ledger, pipeline, nowhere.settings({"bootstrap_timeout_ms": 500}))
        with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1") as raised:
            loop.run(threading.Event())
    assert "\n" not in str(raised.value)


def test_a_consumer_that_stops_leaves_its_group_and_shows_how_far_it_came(stage: Stage) -> None:
    about_sessions, billing = sessions_and_billing(SESSIONS)
    with consumer(stage, "one", session_timeout_ms=45_000) as one:
        wait_until(lambda: session_partitions(stage) == {"one": PARTITIONS}, "it owns all")
        produce(stage, [*billing, *about_sessions])
        wait_for_totals(stage, expected(billing, about_sessions))
        one.stop()
    with admin(stage) as client:
        assert client.describe_groups([stage.group])[stage.group]["members"] == []
    assert committed(stage) == len(about_sessions)


def test_a_consumer_goes_on_after_its_connections_to_the_database_were_cut(stage: Stage) -> None:
    about_sessions, billing = sessions_and_billing(SESSIONS)
    half = len(about_sessions) // 2
    with consumer(stage, "one") as one:
        wait_until(lambda: session_partitions(stage) == {"one": PARTITIONS}, "it owns all")
        produce(stage, [*billing, *about_sessions[:half]])
        wait_for_totals(stage, expected(billing, about_sessions[:half]))
        query(
            stage,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'evledger' AND datname = current_database()",
        )
        produce(stage, about_sessions[half:])
        wait_for_totals(stage, expected(billing, about_sessions))
        one.stop()
    assert totals(stage) == expected(billing, about_sessions)


def test_partitions_that_a_mistaken_owner_took_are_taken_back(stage: Stage) -> None:
    """As when an old owner freezes just before it takes partitions, and wakes when they are another's."""
    about_sessions, billing = sessions_and_billing(SESSIONS)
    with consumer(stage, "rightful") as rightful:
        wait_until(lambda: session_partitions(stage) == {"rightful": PARTITIONS}, "it owns all")
        mistaken = {(stage.topic("session"), partition): 0 for partition in range(5)}
        with psycopg.connect(stage.url, autocommit=True) as connection:
            acquire(connection, stage.group, "mistaken", mistaken)
        produce(stage, [*billing, *about_sessions])
        wait_for_totals(stage, expected(billing, about_sessions))
        assert rightful.said("another consumer reads on from here")
        assert session_partitions(stage) == {"rightful": PARTITIONS}
        rightful.stop()
    assert totals(stage) == expected(billing, about_sessions)


def test_a_consumer_whose_client_forgot_a_rebalance_joins_anew(stage: Stage) -> None:
    about_sessions, billing = sessions_and_billing(SESSIONS)
    with consumer(stage, "one", forgets_a_rebalance=True) as one:
        wait_until(lambda: one.said("joining anew"), "it finds out")
        produce(stage, [*billing, *about_sessions])
        wait_for_totals(stage, expected(billing, about_sessions))
        one.stop()
    assert totals(stage) == expected(billing, about_sessions)


def test_a_consumer_goes_on_when_its_killed_broker_is_back(
    database_url: str, restartable_broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    stage = Stage(database_url, restartable_broker.bootstrap_servers, topic_prefix, tmp_path)
    about_sessions, billing = sessions_and_billing(SESSIONS)
    half = len(about_sessions) // 2
    with consumer(stage, "one") as one:
        wait_until(lambda: session_partitions(stage) == {"one": PARTITIONS}, "it owns all")
        produce(stage, [*billing, *about_sessions[:half]])
        wait_for_totals(stage, expected(billing, about_sessions[:half]))
        restartable_broker.kill()
        restartable_broker.start_again()
        produce(stage, about_sessions[half:])
        wait_for_totals(stage, expected(billing, about_sessions))
        one.stop()
    assert totals(stage) == expected(billing, about_sessions)
