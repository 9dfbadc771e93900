"""Rebuilding beside the live tables, and the swap."""

import itertools
import threading
from typing import Any

import psycopg
import pytest

from projections import rebuild as rebuilding
from projections.catalogue import PROJECTIONS, UnknownProjectionError
from projections.projector import Projector
from projections.rebuild import SwapBlockedError, rebuild
from projections.single import REBUILD_LOCK, AlreadyRunningError, take_lock
from tests.integration.appending import append, append_all
from tests.integration.mixed_facts import LoggedIn, mixed_facts
from tests.integration.read_side import is_caught_up, positions, select, snapshot
from tests.unit.projections.facts import ended, issued, rated, started
from tests.waiting import wait_until

COUNT = "SELECT count(*) FROM finance.session_costs"
GENERATIONS = "SELECT generation, live FROM projection.positions WHERE name = 'session_costs' ORDER BY generation"


@pytest.fixture
def projected_url(database_url: str) -> str:
    """A database with one billed session, projected."""
    append(database_url, "session", ("s", started()), ("s", ended()), ("s", rated()))
    append(database_url, "billing", ("i", issued()))
    Projector(database_url).catch_up()
    return database_url


def generations(url: str) -> list[tuple[int, bool]]:
    return [(row["generation"], row["live"]) for row in select(url, GENERATIONS, "evledger_projector")]


def tables(url: str) -> set[str]:
    rows = select(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'projection'")
    return {row["tablename"] for row in rows}


def test_a_rebuild_publishes_a_new_generation_and_drops_the_old(projected_url: str) -> None:
    before = snapshot(projected_url)
    assert rebuild(projected_url, ["session_costs"]) == {"session_costs": 1}
    assert generations(projected_url) == [(2, True)]
    assert "session_costs_1" not in tables(projected_url)
    assert snapshot(projected_url) == before


def test_a_damaged_table_is_made_right(projected_url: str) -> None:
    before = snapshot(projected_url)
    with psycopg.connect(projected_url) as connection:
        connection.execute("UPDATE projection.session_costs_1 SET amount_minor = 1")
        connection.execute("DELETE FROM projection.gl_journal_1")
    assert snapshot(projected_url) != before
    rebuild(projected_url, list(PROJECTIONS))
    assert snapshot(projected_url) == before


def test_the_projector_goes_on_with_the_new_generation(projected_url: str) -> None:
    rebuild(projected_url, ["session_costs"])
    append(projected_url, "session", ("t", started("T")))
    Projector(projected_url).catch_up()
    assert select(projected_url, COUNT) == [{"count": 2}]


def test_facts_that_came_after_the_last_page_are_in_the_new_table(
    projected_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swap_late(connection: Any, projection: Any) -> None:
        append(projected_url, "session", ("t", started("T")))
        Projector(projected_url).catch_up()
        rebuilding._swap(connection, projection)

    monkeypatch.setattr(rebuilding, "_swap_patiently", swap_late)
    rebuild(projected_url, ["session_costs"])
    assert select(projected_url, COUNT) == [{"count": 2}]
    assert positions(projected_url)["session_costs", "session"] == 4


def test_a_page_never_goes_into_the_table_that_is_being_dropped(
    projected_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    projector = threading.Thread(target=Projector(projected_url).catch_up)
    fill = rebuilding._fill

    calls = itertools.count(1)

    def fill_and_be_overtaken(*arguments: Any) -> None:
        fill(*arguments)
        if next(calls) == 2:  # the one inside the swap
            append(projected_url, "session", ("t", started("T")))
            projector.start()
            wait_until(lambda: not projector.is_alive() or is_waiting(projected_url), "the projector to meet the lock")

    monkeypatch.setattr(rebuilding, "_fill", fill_and_be_overtaken)
    rebuild(projected_url, ["session_costs"])
    projector.join(timeout=60)
    assert select(projected_url, COUNT) == [{"count": 2}]


def is_waiting(url: str) -> bool:
    with psycopg.connect(url) as connection:
        query = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return connection.execute(query).fetchone() is not None


def test_a_reader_keeps_the_swap_waiting_and_sees_one_table_to_its_end(projected_url: str) -> None:
    thread = threading.Thread(target=rebuild, args=[projected_url, ["session_costs"]])
    with psycopg.connect(projected_url) as reader:
        reader.execute("SET ROLE evledger_finance")
        assert reader.execute(COUNT).fetchone() == (1,)
        thread.start()
        wait_until(lambda: (2, False) in generations(projected_url), "the new generation")
        assert reader.execute(COUNT).fetchone() == (1,)
        assert select(projected_url, COUNT) == [{"count": 1}]
        assert (1, True) in generations(projected_url)
    thread.join(timeout=60)
    assert generations(projected_url) == [(2, True)]
    assert select(projected_url, COUNT) == [{"count": 1}]


def test_a_swap_that_never_gets_its_lock_leaves_the_old_table(
    projected_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "SWAP_TRIES", 1)
    monkeypatch.setattr(rebuilding, "SWAP_PAUSE_S", 0)
    with psycopg.connect(projected_url) as reader:
        reader.execute(COUNT)
        with pytest.raises(SwapBlockedError, match="session_costs was built but not published"):
            rebuild(projected_url, ["session_costs"])
    assert generations(projected_url) == [(1, True), (2, False)]
    assert rebuild(projected_url, ["session_costs"]) == {"session_costs": 1}
    assert generations(projected_url) == [(2, True)]


def test_rebuilding_while_facts_come_and_a_projector_runs_loses_nothing(database_url: str) -> None:
    facts, stop = mixed_facts(seed=11, sessions=60), threading.Event()
    projector = threading.Thread(target=Projector(database_url).run, args=[stop])
    writer = threading.Thread(target=append_in_bits, args=[database_url, facts])
    projector.start()
    writer.start()
    while writer.is_alive():
        rebuild(database_url, list(PROJECTIONS))
    wait_until(lambda: is_caught_up(database_url), "the projector to reach the heads")
    stop.set()
    projector.join(timeout=60)
    followed = snapshot(database_url)
    assert generations(database_url)[0][0] > 1
    rebuild(database_url, list(PROJECTIONS))
    assert snapshot(database_url) == followed


def append_in_bits(url: str, facts: list[LoggedIn]) -> None:
    for first in range(0, len(facts), 3):
        append_all(url, facts[first : first + 3])


def test_an_interrupted_rebuild_is_cleared_by_the_next(projected_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "_swap_patiently", die)
        with pytest.raises(ConnectionAbortedError):
            rebuild(projected_url, ["gl_journal"])
    assert "gl_journal_2" in tables(projected_url)
    rebuild(projected_url, ["gl_journal"])
    assert {name for name in tables(projected_url) if name.startswith("gl_journal")} == {"gl_journal_2"}


def test_the_name_of_a_view_rebuilds_what_it_is_made_of(projected_url: str) -> None:
    assert set(rebuild(projected_url, ["completeness", "revenue_by_day"])) == {
        "session_costs",
        "billed_sessions",
        "revenue",
    }


def test_the_outbox_is_never_rebuilt(projected_url: str) -> None:
    with pytest.raises(UnknownProjectionError, match="the outbox is never rebuilt"):
        rebuild(projected_url, ["session_costs", "outbox"])
    assert generations(projected_url) == [(1, True)]


def test_an_unknown_name_is_refused_with_the_list_of_names(projected_url: str) -> None:
    with pytest.raises(UnknownProjectionError, match="no projection nonsense: one of session_costs, invoice_register"):
        rebuild(projected_url, ["nonsense"])


@pytest.mark.usefixtures("one_try")
def test_one_rebuild_at_a_time(projected_url: str) -> None:
    with psycopg.connect(projected_url) as other:
        take_lock(other, REBUILD_LOCK, "rebuild")
        with pytest.raises(AlreadyRunningError):
            rebuild(projected_url, ["session_costs"])


def test_a_new_generation_refuses_an_unbalanced_entry_too(projected_url: str) -> None:
    rebuild(projected_url, ["gl_journal"])
    with (
        psycopg.connect(projected_url) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="does not balance in EUR"),
    ):
        connection.execute(
            "INSERT INTO projection.gl_journal_2 SELECT 'other', posting, tenant, occurred_at, recorded_at, account, "
            "debit_minor, credit_minor, currency, account_id, source, document, legal_entity "
            "FROM projection.gl_journal_2 WHERE account <> 'vat_payable'"
        )


def test_progress_counts_the_positions_of_each_log(projected_url: str) -> None:
    seen: list[tuple[str, int]] = []
    rebuild(projected_url, ["session_costs", "revenue"], lambda log, moved: seen.append((log, moved)))
    assert seen == [("session", 3), ("billing", 1)]
