"""Persons settle parked messages: tried again or discarded, each with its outcome, and the totals hold."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.application import Ledger, StaleError
from ledger.intake.events import MessageDiscarded
from ledger.intake.message import Arrival, Record, Unreadable
from ledger.parking_desk import ParkingDesk
from ledger.store.streams import load_streams
from ledger.values.ids import stream_id
from ledger.values.refusal import RefusedError
from tests.building import READER, SELLER, Feed, Names, parked, topics_of

AT = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
BECAUSE = "sent by a test station"
WHOLE = ["SessionStarted", "MeterRecorded", "SessionEnded", "SessionRated"]
PARKED_IDS = "SELECT parked_id FROM ledger.parked_messages WHERE topic = %s ORDER BY parked_id"
SETTLED = "SELECT settled_by, settled_because, settled_at IS NOT NULL FROM ledger.parked_messages WHERE parked_id = %s"


@pytest.fixture
def desk(ledger: Ledger) -> ParkingDesk:
    return ParkingDesk(ledger, READER.read, SELLER)


def of_an_older_program(record: Record) -> Arrival:
    return Unreadable(record, "unknown type")


def deliver_to_an_older_program(feed: Feed, *events: Any) -> None:
    """What the program that reads them does not know."""
    feed.pipeline._read = of_an_older_program
    feed.deliver(*events)
    feed.restart()


def ids(ledger: Ledger, names: Names) -> list[int]:
    return [found for (found,) in ledger.connection.execute(PARKED_IDS, [names.topic])]


def outcomes(ledger: Ledger, names: Names) -> list[str]:
    return [row.outcome for row in parked(ledger, names.topic)]


def test_what_can_be_read_now_goes_in_with_all_that_waits_for_it(
    feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk
) -> None:
    deliver_to_an_older_program(feed, names.started())
    feed.deliver(names.read(15, "1002"), names.ended())
    assert feed.outcomes() == (2, 0, 3)
    first, *_ = ids(ledger, names)
    settled = desk.retry([first], "anna")
    assert sorted(each.outcome for each in settled) == ["APPENDED"] * 3
    assert topics_of(ledger, names.session) == WHOLE
    assert feed.outcomes() == (5, 0, 0)


@pytest.mark.parametrize("backwards", [False, True])
def test_each_message_goes_in_once_also_when_all_are_named(
    feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk, backwards: bool
) -> None:
    events = [names.started(), names.read(15, "1002"), names.ended()]
    deliver_to_an_older_program(feed, *(reversed(events) if backwards else events))
    desk.retry(ids(ledger, names), "anna")
    assert sorted(topics_of(ledger, names.session)) == sorted(WHOLE)
    assert outcomes(ledger, names) == ["APPENDED"] * 3
    assert feed.outcomes() == (5, 0, 0)


def test_what_went_in_with_the_message_it_waited_for_is_not_tried_once_more(
    feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk
) -> None:
    deliver_to_an_older_program(feed, names.started())
    feed.deliver(names.read(15, "1002"), names.ended())
    desk.retry(ids(ledger, names), "anna")
    assert outcomes(ledger, names) == ["APPENDED"] * 3
    assert feed.outcomes() == (5, 0, 0)


def test_what_still_waits_goes_on_waiting(feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk) -> None:
    deliver_to_an_older_program(feed, names.ended())
    (settled,) = desk.retry(ids(ledger, names), "anna")
    assert (settled.outcome, settled.kind) == ("PARKED", "WAITING")
    feed.deliver(names.started())
    assert topics_of(ledger, names.session) == ["SessionStarted", "SessionEnded", "SessionRated"]


def test_what_is_refused_for_good_stays_parked(feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk) -> None:
    feed.deliver(names.started(), names.read(15, "1002"), names.read(15, "1003"), b"{")
    before = parked(ledger, names.topic)
    assert [each.outcome for each in desk.retry(ids(ledger, names), "anna")] == ["PARKED", "PARKED"]
    assert parked(ledger, names.topic) == before
    assert feed.outcomes() == (4, 0, 2)


def test_what_came_again_meanwhile_is_a_duplicate(feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk) -> None:
    deliver_to_an_older_program(feed, names.started())
    feed.deliver(names.started())
    assert [each.outcome for each in desk.retry(ids(ledger, names), "anna")] == ["DUPLICATE"]
    assert feed.outcomes() == (3, 1, 0)


def test_a_name_with_other_content_stays_a_conflict(
    feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk
) -> None:
    deliver_to_an_older_program(feed, names.started().saying(country="DE"))
    feed.deliver(names.started())
    (settled,) = desk.retry(ids(ledger, names), "anna")
    assert (settled.outcome, "other content" in settled.reason) == ("PARKED", True)


def test_a_message_that_is_parked_no_longer_is_not_tried(
    feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk
) -> None:
    feed.deliver(names.ended(), names.started())
    feed.deliver(b"{")
    (number,) = ids(ledger, names)
    desk.discard([number], "anna", AT, BECAUSE)
    assert desk.retry([number, 10**12], "anna") == []


def test_a_discard_is_a_fact_and_moves_the_count(feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk) -> None:
    feed.deliver(b"{", names.ended())
    first, _ = ids(ledger, names)
    fact = desk.discard([first], "anna", AT, BECAUSE)[first]
    stream = stream_id("", "parked", feed.group, names.topic, "0", str(fact.offset))
    assert [found for _, _, found in load_streams(ledger.connection, "session", {stream: 0})] == [fact]
    assert isinstance(fact, MessageDiscarded)
    assert (fact.kind, fact.because, fact.actor, fact.occurred_at) == ("UNREADABLE", BECAUSE, "anna", AT)
    assert ledger.connection.execute(SETTLED, [first]).fetchone() == ("anna", BECAUSE, True)
    assert (feed.totals.parked, feed.totals.discarded) == (1, 1)


def test_a_discarded_message_is_not_let_in_when_what_it_waited_for_arrives(
    feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk
) -> None:
    feed.deliver(names.ended())
    desk.discard(ids(ledger, names), "anna", AT, BECAUSE)
    feed.deliver(names.started())
    assert topics_of(ledger, names.session) == ["SessionStarted"]
    assert [(row.kind, row.outcome) for row in parked(ledger, names.topic)] == [("WAITING", "DISCARDED")]
    feed.deliver(names.ended())
    assert feed.outcomes() == (3, 1, 0)


def test_what_was_settled_cannot_be_discarded(feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk) -> None:
    feed.deliver(names.ended())
    feed.deliver(names.started())
    with pytest.raises(RefusedError, match="parked no longer, its outcome is APPENDED"):
        desk.discard(ids(ledger, names), "anna", AT, BECAUSE)
    with pytest.raises(RefusedError, match="no message was parked under 1000000000000"):
        desk.discard([10**12], "anna", AT, BECAUSE)


def test_of_several_all_are_discarded_or_none(feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk) -> None:
    feed.deliver(b"{", b"[")
    with pytest.raises(RefusedError):
        desk.discard([*ids(ledger, names), 10**12], "anna", AT, BECAUSE)
    assert feed.totals.discarded == 0
    assert len(desk.discard(ids(ledger, names), "anna", AT, BECAUSE)) == feed.totals.discarded == 2


def test_a_discard_that_another_process_overtakes_changes_nothing(
    feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.deliver(names.ended())
    (number,) = ids(ledger, names)
    commit = ledger.commit

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.setattr(ledger, "commit", commit)
        feed.deliver(names.started())
        return commit(*arguments)

    monkeypatch.setattr(ledger, "commit", overtaken)
    with pytest.raises(RefusedError, match="its outcome is APPENDED"):
        desk.discard([number], "anna", AT, BECAUSE)
    assert (feed.outcomes(), feed.totals.discarded) == ((4, 0, 0), 0)


def test_a_desk_that_is_overtaken_again_and_again_gives_up(
    feed: Feed, names: Names, ledger: Ledger, desk: ParkingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.deliver(b"{")

    def stale(*_: Any) -> None:
        raise StaleError("a stream moved on meanwhile")

    with monkeypatch.context() as patch, pytest.raises(StaleError):
        patch.setattr(ledger, "commit", stale)
        desk.discard(ids(ledger, names), "anna", AT, BECAUSE)
    assert feed.totals.discarded == 0
