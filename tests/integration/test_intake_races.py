"""Two writers at once: what one takes for missing, the other may be storing."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ledger.application import Ledger, StaleError
from tests.building import (
    Event,
    Feed,
    Names,
    account,
    component,
    facts_of,
    parked,
    short_topics,
    tariff,
    topics_of,
)

Action = Callable[[], None]
Interleave = Callable[[Action], None]

WHOLE = ["SessionStarted", "MeterRecorded", "SessionEnded", "SessionRated"]


@pytest.fixture
def other(ledger_url: str, names: Names) -> Iterator[Feed]:
    """Another process: connections, memory and topic of its own."""
    with Ledger(ledger_url) as ledger:
        feed = Feed(ledger, f"{names.topic}-other", group="other")
        yield feed
        assert feed.totals.are_complete()
        feed.close()


@pytest.fixture
def meanwhile(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Interleave:
    """`meanwhile(action)`: it happens once, after the next batch was decided and before it is committed."""
    commit, actions = ledger.commit, list[Action]()

    def after_the_others(*arguments: Any) -> Any:
        if actions:
            actions.pop()()
        return commit(*arguments)

    monkeypatch.setattr(ledger, "commit", after_the_others)
    return actions.append


@pytest.fixture
def decided_again(caplog: pytest.LogCaptureFixture) -> Callable[[], int]:
    """How many batches had to be decided again."""
    caplog.set_level(logging.WARNING, logger="evledger.consumers")
    return lambda: sum("decided again" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("missing", ["tariff", "account"])
def test_a_start_does_not_wait_for_what_comes_meanwhile(
    *, missing: str, bare_feed: Feed, other: Feed, names: Names, meanwhile: Interleave, decided_again: Callable[[], int]
) -> None:
    known, late = known_and_late(names, missing)
    bare_feed.deliver(known)
    meanwhile(lambda: other.deliver(late))
    bare_feed.deliver(names.started())
    assert decided_again() == 1
    assert topics_of(bare_feed.ledger, names.session) == ["SessionStarted"]
    assert parked(bare_feed.ledger, names.topic) == []


@pytest.mark.parametrize("missing", ["tariff", "account"])
def test_what_was_missing_takes_along_what_begins_to_wait_meanwhile(
    *, missing: str, bare_feed: Feed, other: Feed, names: Names, meanwhile: Interleave, decided_again: Callable[[], int]
) -> None:
    known, late = known_and_late(names, missing)
    bare_feed.deliver(known)
    meanwhile(lambda: other.deliver(names.started(), names.read(15, "1002"), names.ended()))
    bare_feed.deliver(late)
    assert decided_again() == 1
    assert topics_of(bare_feed.ledger, names.session) == WHOLE
    assert other.outcomes() == (3, 0, 0)


def test_a_reading_does_not_wait_for_a_start_that_comes_meanwhile(
    feed: Feed, other: Feed, names: Names, meanwhile: Interleave, decided_again: Callable[[], int]
) -> None:
    meanwhile(lambda: other.deliver(names.started()))
    feed.deliver(names.read(15, "1002"), names.ended())
    assert decided_again() == 1
    assert topics_of(feed.ledger, names.session) == WHOLE
    assert parked(feed.ledger, names.topic) == []


def test_a_start_takes_along_a_reading_that_begins_to_wait_meanwhile(
    feed: Feed, other: Feed, names: Names, meanwhile: Interleave, decided_again: Callable[[], int]
) -> None:
    meanwhile(lambda: other.deliver(names.read(15, "1002"), names.ended()))
    feed.deliver(names.started())
    assert decided_again() == 1
    assert topics_of(feed.ledger, names.session) == WHOLE
    assert other.outcomes() == (2, 0, 0)


@pytest.mark.parametrize("is_tariff_first", [False, True])
def test_a_start_that_waits_for_both_is_not_lost_between_two_writers(
    is_tariff_first: bool, bare_feed: Feed, other: Feed, names: Names, meanwhile: Interleave
) -> None:
    bare_feed.deliver(names.started(), names.read(15, "1002"), names.ended())
    first, second = tariff(names.tariff), account(names.account)
    if not is_tariff_first:
        first, second = second, first
    meanwhile(lambda: other.deliver(first))
    bare_feed.deliver(second)
    assert topics_of(bare_feed.ledger, names.session) == WHOLE
    assert bare_feed.outcomes() == (4, 0, 0)


def test_a_session_that_another_writer_moved_on_is_loaded_again(
    feed: Feed, other: Feed, names: Names, decided_again: Callable[[], int]
) -> None:
    feed.deliver(names.started())
    other.deliver(names.read(15, "1002"))
    feed.deliver(names.read(20, "1003"), names.ended())
    assert decided_again() == 1
    assert topics_of(feed.ledger, names.session) == ["SessionStarted", "MeterRecorded", *WHOLE[1:]]


def test_an_end_that_another_writer_stored_is_not_stored_twice(feed: Feed, other: Feed, names: Names) -> None:
    feed.deliver(names.started())
    other.deliver(names.ended())
    feed.deliver(names.read(15, "1002"), names.ended())
    assert topics_of(feed.ledger, names.session) == ["SessionStarted", "SessionEnded", "SessionRated", "MeterRecorded"]
    assert feed.outcomes() == (2 + 2, 1, 0)


def test_a_start_that_was_decided_on_top_of_a_failed_batch_is_decided_again(
    bare_feed: Feed, other: Feed, names: Names, meanwhile: Interleave
) -> None:
    """The other's version takes the number that the start was pinned to: number and hash must stay those of one."""
    bare_feed.deliver(account(names.account))
    meanwhile(lambda: other.deliver(tariff(names.tariff, component("ENERGY", "0.99"), minutes=-2)))
    bare_feed.send(tariff(names.tariff, minutes=-1))
    bare_feed.deliver(names.started())
    published = facts_of(bare_feed.ledger, "tariff", names.tariff)
    (started,) = facts_of(bare_feed.ledger, "session", names.session)
    assert len(published) == 2
    assert published[started.tariff_pin.tariff_version - 1].tariff_hash == started.tariff_pin.tariff_hash


def test_an_account_that_two_writers_open_is_opened_once(
    bare_feed: Feed, other: Feed, names: Names, meanwhile: Interleave
) -> None:
    meanwhile(lambda: other.deliver(account(names.account)))
    bare_feed.deliver(account(names.account, minutes=-500, name="Other"))
    assert short_topics(facts_of(bare_feed.ledger, "account", names.account)) == ["AccountOpened", "AccountChanged"]


def test_a_message_that_both_park_is_parked_once(
    feed: Feed, other: Feed, names: Names, meanwhile: Interleave, decided_again: Callable[[], int]
) -> None:
    meanwhile(lambda: other.deliver(names.read(15, "1002")))
    feed.deliver(names.read(15, "1002"))
    assert decided_again() == 1
    assert (feed.outcomes(), other.outcomes()) == ((2, 1, 0), (0, 0, 1))


def test_a_message_discarded_meanwhile_does_not_become_a_fact(
    feed: Feed, names: Names, meanwhile: Interleave, decided_again: Callable[[], int]
) -> None:
    feed.deliver(names.read(15, "1002"), names.read(20, "1003"))
    meanwhile(lambda: discard_first(feed.ledger, names.topic))
    feed.deliver(names.started())
    assert decided_again() == 1
    assert topics_of(feed.ledger, names.session) == ["SessionStarted", "MeterRecorded"]
    assert feed.totals.discarded == 1


def test_a_stream_that_moves_on_again_and_again_is_a_fault_that_is_raised(
    feed: Feed, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(*_: Any) -> None:
        raise StaleError("always")

    monkeypatch.setattr(feed.ledger, "commit", stale)
    with pytest.raises(StaleError):
        feed.deliver(names.started())


def known_and_late(names: Names, missing: str) -> tuple[Event, Event]:
    both = {"tariff": tariff(names.tariff), "account": account(names.account)}
    late = both.pop(missing)
    return both.popitem()[1], late


def discard_first(ledger: Ledger, topic: str) -> None:
    ledger.connection.execute(
        "UPDATE ledger.parked_messages SET outcome = 'DISCARDED', kind = 'REFUSED', waits_for = NULL WHERE parked_id ="
        " (SELECT min(parked_id) FROM ledger.parked_messages WHERE topic = %s)",
        [topic],
    )
