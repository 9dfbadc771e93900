"""The projector on a real database: rows and positions move together, whatever happens."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from ledger.store.connection import connect
from ledger.store.serial import UnknownFactError
from projections import feed, page
from projections.catalogue import FOLLOWERS, PROJECTIONS
from projections.feed import Standing, feed_page
from projections.outbox.outbox import OUTBOX
from projections.page import Page
from projections.projector import Projector
from projections.rebuild import rebuild
from projections.single import AlreadyRunningError
from tests.integration.appending import append, append_all
from tests.integration.mixed_facts import LoggedIn, mixed_facts
from tests.integration.read_side import is_caught_up, positions, select, snapshot
from tests.unit.projections.facts import ended, held, issued, metered, rated, started
from tests.waiting import wait_until


def follow_in_bits(url: str, facts: list[LoggedIn], rng: random.Random) -> None:
    """Append and follow by turns, so that sessions are cut between pages anywhere."""
    while facts:
        count = rng.randrange(1, 40)
        append_all(url, facts[:count])
        Projector(url).catch_up()
        facts = facts[count:]


@contextmanager
def running_projector(url: str) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Projector(url).run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rebuild_gives_the_rows_that_following_gave(database_url: str, seed: int) -> None:
    follow_in_bits(database_url, mixed_facts(seed, sessions=60), random.Random(seed))  # noqa: S311
    followed = snapshot(database_url)
    assert all(followed.values())
    rebuild(database_url, list(PROJECTIONS))
    assert snapshot(database_url) == followed


@pytest.mark.parametrize(("facts", "size", "span"), [(3, 8 << 20, 50_000), (2_000, 1, 50_000), (2_000, 8 << 20, 2)])
def test_the_size_of_pages_changes_no_row(
    database_url: str, monkeypatch: pytest.MonkeyPatch, facts: int, size: int, span: int
) -> None:
    append_all(database_url, mixed_facts(4, sessions=20))
    Projector(database_url).catch_up()
    in_large_pages = snapshot(database_url)
    monkeypatch.setattr(page, "PAGE_FACTS", facts)
    monkeypatch.setattr(page, "PAGE_BYTES", size)
    monkeypatch.setattr(feed, "PAGE_POSITIONS", span)
    rebuild(database_url, list(PROJECTIONS))
    assert snapshot(database_url) == in_large_pages


def test_catching_up_counts_log_positions_and_then_has_nothing_to_do(database_url: str) -> None:
    append(database_url, "session", ("s", started()), ("s", metered(2_000_000)), ("s", ended()))
    append(database_url, "billing", ("i", issued()))
    assert Projector(database_url).catch_up() == {"session": 3, "billing": 1}
    assert Projector(database_url).catch_up() == {"session": 0, "billing": 0}


def test_a_projector_killed_in_a_page_leaves_nothing_of_it(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    append(database_url, "session", ("a", started("A")))
    Projector(database_url).catch_up()
    before, stood = snapshot(database_url), positions(database_url)
    append(database_url, "session", ("a", ended()), ("b", started("B")), ("b", held("B", "X")))
    with monkeypatch.context() as patch:
        patch.setattr(feed, "_move", die_at_the_last_follower)
        with pytest.raises(ConnectionAbortedError):
            Projector(database_url).catch_up()
    assert (snapshot(database_url), positions(database_url)) == (before, stood)
    Projector(database_url).catch_up()
    sessions = select(database_url, "SELECT session_id FROM finance.session_costs ORDER BY 1")
    assert [row["session_id"] for row in sessions] == ["A", "B"]


def die_at_the_last_follower(_connection: object, standing: Standing, _page: Page) -> None:
    if standing.follower.name == "session_costs":
        raise ConnectionAbortedError


def test_a_fact_of_a_newer_program_stops_the_projector_before_it(database_url: str) -> None:
    append(database_url, "session", ("a", started("A")))
    Projector(database_url).catch_up()
    append(database_url, "session", ("a", ended()))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO ledger.session_events SELECT originator_id, 3, topic, %s, 3, recorded_at "
            "FROM ledger.session_events WHERE notification_id = 2",
            [b'{"v":99}'],
        )
    with pytest.raises(UnknownFactError, match="version 99"):
        Projector(database_url).catch_up()
    assert positions(database_url)["session_costs", "session"] == 1


def test_a_running_projector_follows_what_is_committed(database_url: str) -> None:
    with running_projector(database_url):
        append(database_url, "session", ("s", started()), ("s", ended()), ("s", rated()))
        wait_until(lambda: is_caught_up(database_url), "the first facts")
        append(database_url, "billing", ("i", issued()))
        wait_until(lambda: is_caught_up(database_url), "the invoice")
        assert [row["status"] for row in select(database_url, "SELECT status FROM finance.session_costs")] == ["BILLED"]


@pytest.mark.usefixtures("one_try")
def test_one_projector_at_a_time(database_url: str) -> None:
    with running_projector(database_url):
        append(database_url, "session", ("s", started()))
        wait_until(lambda: is_caught_up(database_url), "the projector to run")
        with pytest.raises(AlreadyRunningError, match="another projector is running"):
            Projector(database_url).catch_up()


def test_a_follower_that_lags_joins_the_others_before_it_goes_on(database_url: str) -> None:
    append(database_url, "session", ("a", started("A")), ("a", ended()))
    Projector(database_url, OUTBOX).catch_up()
    append(database_url, "session", ("b", started("B")))
    with connect(database_url, "projector") as connection:
        assert feed_page(connection, "session", FOLLOWERS) == 2
        assert positions(database_url)["session_costs", "session"] == positions(database_url)["outbox", "session"] == 2
        assert feed_page(connection, "session", FOLLOWERS) == 1
        assert feed_page(connection, "session", FOLLOWERS) == 0


def test_every_follower_has_its_position_from_the_migration(database_url: str) -> None:
    assert set(positions(database_url)) == {(follower.name, follower.log) for follower in FOLLOWERS}
