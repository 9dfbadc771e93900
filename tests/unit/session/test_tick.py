"""What an instant leads to: given a session and a tick, then facts or none."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from ledger.session.events import SessionEnded, SessionReleased
from ledger.session.plausibility.rules import DEFAULT_RULES
from ledger.session.state import Session, evolve
from ledger.session.tick import Tick, close_unended, release_gap
from tests.building import end, fact_of, minute, reading
from tests.unit.session.build import given, held_codes, started
from tests.unit.session.test_release import then

PLACE = ("topic", 0)
LIMIT = timedelta(hours=48)


def tick(at: datetime, newest: datetime | None = None) -> Tick:
    """A tick; the messages have come as far, unless told otherwise."""
    return Tick(at, {PLACE: newest or at}, DEFAULT_RULES)


def open_session() -> Session:
    return given(started(), fact_of(reading("S", 15, "1002")), fact_of(reading("S", 30, "1004")))


def test_a_session_is_closed_at_its_last_sample_and_held() -> None:
    session = open_session()
    facts = then(session, close_unended(session, tick(minute(30) + LIMIT)))
    (closed,) = [fact for fact in facts if isinstance(fact, SessionEnded)]
    assert (closed.occurred_at, closed.register_milliwh, closed.estimated) == (minute(30), 1_004_000_000, True)
    assert held_codes(facts) == ["END_ESTIMATED"]
    assert list(close_unended(session, tick(minute(30) + 2 * LIMIT))) == []


def test_a_session_without_samples_is_closed_at_its_start() -> None:
    (closed,) = close_unended(given(started()), tick(minute(0) + LIMIT))
    assert isinstance(closed, SessionEnded)
    assert (closed.occurred_at, closed.register_milliwh) == (minute(0), 1_000_000_000)


@pytest.mark.parametrize(
    ("at", "newest"),
    [
        (minute(30) + LIMIT - timedelta(microseconds=1), None),
        (minute(30) + 10 * LIMIT, minute(30) + LIMIT - timedelta(microseconds=1)),
    ],
)
def test_neither_the_clock_nor_the_messages_alone_close_a_session(at: datetime, newest: datetime | None) -> None:
    assert list(close_unended(open_session(), tick(at, newest))) == []


def test_nothing_is_closed_where_no_message_of_the_partition_counts() -> None:
    assert list(close_unended(open_session(), Tick(minute(30) + LIMIT, {}, DEFAULT_RULES))) == []


def test_a_sample_from_the_future_keeps_no_session_open() -> None:
    session = open_session()
    evolve(session, fact_of(reading("S", 100 * 365 * 24 * 60 // 2, "1005")))
    (closed,) = close_unended(session, tick(minute(30) + LIMIT))
    assert isinstance(closed, SessionEnded)
    assert closed.occurred_at == minute(30)


def gapped() -> Session:
    session = given(started(seq_no=0, max_power_kw="11"))
    then(session, [fact_of(end("S", 60, seq_no=2))])
    return session


def test_a_gap_that_had_time_enough_is_released_with_its_reason() -> None:
    session = gapped()
    assert list(release_gap(session, tick(minute(60 + 24 * 60 - 1)))) == []
    facts = then(session, release_gap(session, tick(minute(60 + 24 * 60))), is_released=True)
    released = facts[0]
    assert isinstance(released, SessionReleased)
    assert (released.actor, released.because) == ("tick", "what is missing in seq_no did not come within 86400 s")
    assert session.rated is not None
    assert session.rated.holds == ()
    assert list(release_gap(session, tick(minute(60 + 48 * 60)))) == []


def test_a_gap_is_released_alone_where_something_else_holds() -> None:
    session = given(started(seq_no=0, max_power_kw="1"))
    then(session, [fact_of(end("S", 60, seq_no=2))])
    (released,) = release_gap(session, tick(minute(60 + 24 * 60)))
    assert isinstance(released, SessionReleased)
    assert released.still_held == ("IMPLAUSIBLE_JUMP",)


def test_the_limits_are_settings() -> None:
    rules = replace(DEFAULT_RULES, end_wait_s=60, seq_gap_wait_s=60)
    assert list(close_unended(open_session(), Tick(minute(31), {PLACE: minute(31)}, rules)))
    assert list(release_gap(gapped(), Tick(minute(61), {}, rules)))
