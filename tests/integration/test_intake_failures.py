"""Commits that fail, hang, or whose answer is lost: nothing is lost, nothing is stored twice."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from consumers.read_ahead import ReadAhead
from ledger.application import Ledger, StaleError, UnavailableError
from ledger.intake.message import Record
from ledger.store.connection import connect
from ledger.store.positions import acquire
from ledger.store.recorder import LOCK_KEYS, FencedError
from tests.building import DEFAULTS, Feed, Names, account, ratings, tariff, topics_of
from tests.waiting import wait_until

WHOLE = ["SessionStarted", "MeterRecorded", "SessionEnded", "SessionRated"]

Fail = Callable[..., None]


@pytest.fixture
def fail(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """`fail(None, error, …)`: what happens to the next commits; `after=True`: it is stored, its answer is lost."""
    commit, outcomes, when = ledger.commit, list[Exception | None](), {"after": False}

    def failing(*arguments: Any) -> Any:
        error = outcomes.pop(0) if outcomes else None
        answer = commit(*arguments) if error is None or when["after"] else None
        if error is not None:
            raise error
        return answer

    def plan(*errors: Exception | None, after: bool = False) -> None:
        outcomes.extend(errors)
        when["after"] = after

    monkeypatch.setattr(ledger, "commit", failing)
    return plan


STALE, AWAY = StaleError("a stream moved on"), UnavailableError("the connection was lost")


@pytest.mark.parametrize("error", [STALE, AWAY])
@pytest.mark.parametrize("failures", [1, 3])
@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_a_batch_that_fails_while_the_next_is_decided_ends_in_the_same_state(
    *, error: Exception, failures: int, which: int, feed: Feed, names: Names, fail: Fail
) -> None:
    fail(*[None] * which, *[error] * failures)
    for event in (names.started(), names.read(15, "1002"), names.ended(), names.read(20, "1003")):
        feed.send(event)
    feed.pipeline.drain()
    assert topics_of(feed.ledger, names.session) == [*WHOLE, "MeterRecorded"]
    assert feed.outcomes() == (2 + 4, 0, 0)
    assert versions_are_gapless(feed.ledger)


def test_a_failed_batch_takes_its_parked_messages_along(feed: Feed, names: Names, fail: Fail) -> None:
    fail(AWAY)
    feed.send(b"{", names.read(15, "1002"), names.started())
    feed.send(names.read(15, "1002"), names.ended(), b"{")
    feed.pipeline.drain()
    assert topics_of(feed.ledger, names.session) == WHOLE
    assert feed.outcomes() == (2 + 3, 1, 2)


def test_a_tariff_of_a_failed_batch_prices_nothing_before_it_is_stored(
    bare_feed: Feed, names: Names, fail: Fail
) -> None:
    fail(AWAY)
    bare_feed.send(tariff(names.tariff), account(names.account))
    bare_feed.send(names.started(), names.ended())
    bare_feed.pipeline.drain()
    assert topics_of(bare_feed.ledger, names.session) == ["SessionStarted", "SessionEnded", "SessionRated"]
    assert bare_feed.outcomes() == (4, 0, 0)


def test_a_database_that_stays_away_is_told_and_nothing_is_remembered(feed: Feed, names: Names, fail: Fail) -> None:
    fail(*[AWAY] * 7)
    feed.send(names.started())
    with pytest.raises(UnavailableError, match="the connection was lost"):
        feed.send(names.read(15, "1002"))
    feed.restart()
    assert topics_of(feed.ledger, names.session) == []
    feed.deliver(names.started(), names.read(15, "1002"), names.ended())
    assert topics_of(feed.ledger, names.session) == WHOLE


def test_a_commit_whose_answer_is_lost_is_not_stored_twice(feed: Feed, names: Names, fail: Fail) -> None:
    fail(AWAY, after=True)
    feed.send(names.started(), names.read(15, "1002"))
    with pytest.raises(FencedError):
        feed.pipeline.drain()
    feed.restart()
    assert feed.offset == 4
    feed.deliver(names.ended())
    assert topics_of(feed.ledger, names.session) == WHOLE
    assert feed.outcomes() == (2 + 3, 0, 0)


# --- the fence -------------------------------------------------------------------------------------------------------


def test_who_lost_the_partition_stores_nothing(feed: Feed, names: Names) -> None:
    before = everything(feed.ledger)
    take_over(feed)
    feed.send(names.started(), b"{", tariff(f"{names.tariff}-new"))
    with pytest.raises(FencedError, match=f"{names.topic}/0: another consumer reads on from here"):
        feed.pipeline.drain()
    assert everything(feed.ledger) == before


def test_who_takes_a_partition_goes_on_where_the_other_stood(feed: Feed, names: Names) -> None:
    feed.deliver(names.started())
    successor = Feed(feed.ledger, names.topic)
    successor.deliver(names.ended())
    feed.send(names.ended())
    with pytest.raises(FencedError):
        feed.pipeline.drain()
    assert topics_of(feed.ledger, names.session) == ["SessionStarted", "SessionEnded", "SessionRated"]
    assert successor.outcomes() == (2 + 2, 0, 0)
    successor.close()


def test_one_lost_partition_of_two_stops_the_whole_batch(feed: Feed, names: Names) -> None:
    mine = (f"{names.topic}-mine", 0)
    epochs = {**feed.epochs, mine: acquire(feed.ledger.connection, feed.group, "test", {mine: 0})[mine][1]}
    take_over(feed)
    before = everything(feed.ledger)
    key, started = names.session.encode(), names.started().to_bytes()
    records = [Record(*mine, 0, key, started), Record(*feed.place, 2, key, names.ended().to_bytes())]
    feed.pipeline.handle(records, epochs)
    with pytest.raises(FencedError) as fenced:
        feed.pipeline.drain()
    assert fenced.value.partitions == {feed.place}
    assert everything(feed.ledger) == before


def test_offsets_never_go_back(feed: Feed, names: Names) -> None:
    feed.deliver(names.started())
    feed.offset = 0
    feed.send(names.read(15, "1002"))
    with pytest.raises(FencedError):
        feed.pipeline.drain()
    assert topics_of(feed.ledger, names.session) == ["SessionStarted"]


# --- a writer that falls silent --------------------------------------------------------------------------------------

TRANSACTION_TIMEOUT_MS = 900  # lock_timeout is a third; five tries outlast it


@pytest.fixture
def hasty_feed(ledger_url: str, feed: Feed, names: Names) -> Iterator[Feed]:
    """A consumer with short time limits, for the tariff and account of `feed`."""
    with Ledger(ledger_url, transaction_timeout_ms=TRANSACTION_TIMEOUT_MS) as ledger:
        hasty = Feed(ledger, f"{names.topic}-hasty")
        yield hasty
        hasty.close()


@pytest.mark.parametrize("log", ["session_events", "billing_events"])
def test_a_frozen_writer_is_ended_and_the_others_go_on(
    log: str, ledger_url: str, hasty_feed: Feed, names: Names
) -> None:
    frozen = connect(ledger_url, "app", autocommit=False, transaction_timeout_ms=TRANSACTION_TIMEOUT_MS)
    frozen.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEYS[log]])
    hasty_feed.deliver(account(names.account, minutes=-100, name="Other"), names.started(), names.ended())
    assert hasty_feed.outcomes() == (3, 0, 0)
    with pytest.raises(psycopg.Error):
        frozen.execute("SELECT 1")


def test_a_writer_that_nothing_ends_is_told_of(ledger_url: str, hasty_feed: Feed, names: Names) -> None:
    with psycopg.connect(ledger_url) as endless:
        endless.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEYS["session_events"]])
        hasty_feed.send(names.started())
        with pytest.raises(UnavailableError, match="lock timeout"):
            hasty_feed.pipeline.drain()
    hasty_feed.restart()
    hasty_feed.deliver(names.started())
    assert topics_of(hasty_feed.ledger, names.session) == ["SessionStarted"]


def test_a_connection_that_was_cut_is_made_anew(feed: Feed, names: Names, ledger_url: str) -> None:
    feed.deliver(names.started())
    cut_connections(ledger_url)
    with pytest.raises(UnavailableError):
        feed.send(names.started().under(subject=f"{names.session}-new"))
    feed.restart()
    feed.deliver(names.ended())
    assert [rated.amount_minor for rated in ratings(feed.ledger, names.session)] == [300]


def take_over(feed: Feed) -> None:
    acquire(feed.ledger.connection, feed.group, "someone else", {feed.place: 0})


def cut_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def everything(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Every row that a batch may write."""
    queries = (
        "SELECT * FROM ledger.session_events ORDER BY notification_id",
        "SELECT * FROM ledger.billing_events ORDER BY notification_id",
        "SELECT * FROM ledger.parked_messages ORDER BY parked_id",
        "SELECT consumer_group, topic, partition, next_offset, messages_read FROM ledger.consumer_positions"
        " WHERE messages_read > 0 ORDER BY 1, 2, 3",
    )
    return [row for query in queries for row in ledger.connection.execute(query)]


def versions_are_gapless(ledger: Ledger) -> bool:
    rows = ledger.connection.execute("SELECT notification_id FROM ledger.session_events ORDER BY 1").fetchall()
    return all(later[0] == earlier[0] + 1 for earlier, later in pairwise(rows))


def test_what_was_read_ahead_is_forgotten_with_the_rest(feed: Feed, names: Names) -> None:
    """As after the loss of a partition: the same pipeline goes on, and reads again what it had not stored."""
    with ReadAhead(DEFAULTS, records_min=1) as ahead:
        wait_until(lambda: ahead.begin([Record("warm-up", 0, 0, None, None)]), "the process that reads ahead")
        ahead.drop()
        reading = Feed(feed.ledger, f"{names.session}-ahead", ahead=ahead)
        reading.send(names.started())
        reading.pipeline.forget()
        reading.pipeline.drain()
        assert reading.outcomes() == (0, 0, 0)
        reading.acquire()
        reading.deliver(names.started(), names.read(15, "1002"), names.ended())
        assert reading.outcomes() == (3, 0, 0)
        reading.close()
    assert topics_of(feed.ledger, names.session) == WHOLE
