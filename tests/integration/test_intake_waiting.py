"""Messages that come too early wait, and go in with what was missing, in the order of arrival."""

from typing import Any

import pytest

from ledger.application import Ledger
from ledger.session.events import MeterRecorded
from tests.building import (
    Event,
    Feed,
    Names,
    account,
    end,
    facts_of,
    new_names,
    parked,
    ratings,
    reading,
    start,
    tariff,
    topics_of,
)

WHOLE = ["SessionStarted", "MeterRecorded", "SessionEnded", "SessionRated"]


def rest(names: Names) -> list[Event]:
    return [names.read(15, "1002"), names.ended()]


def waiting(ledger: Ledger, names: Names) -> list[str]:
    return [row.reason for row in parked(ledger, names.topic) if (row.kind, row.outcome) == ("WAITING", "PARKED")]


def test_a_reading_before_its_start_in_the_same_batch_is_no_matter(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*rest(names), names.started())
    assert topics_of(ledger, names.session) == WHOLE
    assert feed.outcomes() == (2 + 3, 0, 0)
    assert parked(ledger, names.topic) == []


def test_a_reading_waits_for_its_start(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*rest(names))
    assert waiting(ledger, names) == ["the session has no start yet"] * 2
    assert topics_of(ledger, names.session) == []
    feed.deliver(names.started())
    assert topics_of(ledger, names.session) == WHOLE
    assert feed.outcomes() == (2 + 3, 0, 0)
    assert [row.outcome for row in parked(ledger, names.topic)] == ["APPENDED", "APPENDED"]


def test_what_waits_survives_a_restart(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*rest(names))
    feed.restart()
    feed.deliver(names.started())
    assert topics_of(ledger, names.session) == WHOLE


@pytest.mark.parametrize("batches", [1, 4])
def test_a_start_waits_for_its_tariff_and_what_is_behind_it_too(
    batches: int, bare_feed: Feed, names: Names, ledger: Ledger
) -> None:
    deliver(bare_feed, batches, [account(names.account), names.started(), *rest(names)])
    assert waiting(ledger, names)[0] == f"tariff {names.tariff} has no version at the start of the session"
    bare_feed.deliver(tariff(names.tariff))
    assert topics_of(ledger, names.session) == WHOLE
    assert bare_feed.outcomes() == (5, 0, 0)


@pytest.mark.parametrize("batches", [1, 4])
def test_a_start_waits_for_its_account(batches: int, bare_feed: Feed, names: Names, ledger: Ledger) -> None:
    deliver(bare_feed, batches, [tariff(names.tariff), names.started(), *rest(names)])
    assert waiting(ledger, names)[0] == f"account {names.account} is not known yet"
    bare_feed.deliver(account(names.account))
    assert topics_of(ledger, names.session) == WHOLE
    assert bare_feed.outcomes() == (5, 0, 0)


@pytest.mark.parametrize("is_tariff_first", [False, True])
@pytest.mark.parametrize("is_one_batch", [False, True])
def test_a_start_may_wait_for_both(
    is_tariff_first: bool, is_one_batch: bool, bare_feed: Feed, names: Names, ledger: Ledger
) -> None:
    bare_feed.deliver(names.started(), *rest(names))
    missing = [account(names.account), tariff(names.tariff)]
    deliver(bare_feed, 1 if is_one_batch else 2, missing[::-1] if is_tariff_first else missing)
    assert topics_of(ledger, names.session) == WHOLE
    assert bare_feed.outcomes() == (5, 0, 0)


def test_all_of_it_in_one_batch_and_in_the_worst_order(bare_feed: Feed, names: Names, ledger: Ledger) -> None:
    bare_feed.deliver(*rest(names), names.started(), account(names.account), tariff(names.tariff))
    assert topics_of(ledger, names.session) == WHOLE
    assert parked(ledger, names.topic) == []


def test_a_version_that_begins_after_the_start_does_not_help(bare_feed: Feed, names: Names, ledger: Ledger) -> None:
    bare_feed.deliver(account(names.account), names.started(), tariff(names.tariff, minutes=30))
    bare_feed.deliver(tariff(names.tariff, minutes=20))
    assert waiting(ledger, names) == [f"tariff {names.tariff} has no version at the start of the session"]
    bare_feed.deliver(tariff(names.tariff, minutes=-10))
    (started,) = facts_of(ledger, "session", names.session)
    assert started.tariff_pin.tariff_version == 3


def test_what_waited_goes_in_in_the_order_of_arrival(feed: Feed, names: Names, ledger: Ledger) -> None:
    arrival = [30, 10, 20, 40]
    for minutes in arrival[:2]:
        feed.deliver(names.read(minutes, f"{1000 + minutes}"))
    feed.deliver(*[names.read(minutes, f"{1000 + minutes}") for minutes in arrival[2:]], names.started())
    facts = facts_of(ledger, "session", names.session)
    assert [fact.message_id for fact in facts if isinstance(fact, MeterRecorded)] == [f"metered@{n}" for n in arrival]


def test_sessions_behind_one_tariff_go_in_in_the_order_of_arrival(
    bare_feed: Feed, names: Names, ledger: Ledger
) -> None:
    others = [new_names().session for _ in range(3)]
    terms: dict[str, Any] = {"account_id": names.account, "tariff_id": names.tariff}
    bare_feed.deliver(account(names.account), *[start(other, **terms) for other in others])
    bare_feed.deliver(*[reading(other, 15, "1001") for other in reversed(others)], end(others[1]))
    bare_feed.deliver(tariff(names.tariff))
    assert order_of_starts(ledger, others) == others
    assert topics_of(ledger, others[1]) == WHOLE


def test_a_waiting_repeat_under_another_name_is_settled_as_a_repeat(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(names.ended(), names.ended().under(id="again"))
    assert feed.outcomes() == (2, 0, 2)
    feed.deliver(names.started())
    assert feed.outcomes() == (2 + 2, 1, 0)
    assert [row.outcome for row in parked(ledger, names.topic)] == ["APPENDED", "DUPLICATE"]


def test_a_waiting_message_that_is_refused_stays_parked(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(names.ended(), names.ended(kwh="1011").under(id="other"))
    feed.deliver(names.started())
    assert feed.outcomes() == (2 + 2, 0, 1)
    row = parked(ledger, names.topic)[1]
    assert (row.kind, row.outcome) == ("REFUSED", "PARKED")
    assert row.reason == "the session has another end already (message ended@60)"
    assert [rated.amount_minor for rated in ratings(ledger, names.session)] == [300]


def test_totals_move_where_the_message_was_read(feed: Feed, names: Names, ledger: Ledger) -> None:
    """The start comes on another topic: each topic's own totals stay whole."""
    feed.deliver(names.read(15, "1002"))
    other = Feed(ledger, f"{names.topic}-other")
    other.deliver(names.started())
    assert feed.outcomes() == (2 + 1, 0, 0)
    assert other.outcomes() == (1, 0, 0)
    other.close()


def deliver(feed: Feed, batches: int, events: list[Event]) -> None:
    size = -(-len(events) // batches)
    for first in range(0, len(events), size):
        feed.deliver(*events[first : first + size])


def order_of_starts(ledger: Ledger, sessions: list[str]) -> list[str]:
    rows = ledger.connection.execute(
        "SELECT convert_from(state, 'utf8')::json ->> 'session_id' FROM ledger.session_events"
        " WHERE topic = 'session.SessionStarted' ORDER BY notification_id"
    )
    return [session for (session,) in rows if session in sessions]
