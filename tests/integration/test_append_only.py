"""What is stored stays: no role may change or remove a fact, and what no role may do nobody can."""

import psycopg
import pytest
from psycopg import sql

from ledger.store.connection import ROLES, connect
from tests.building import Feed, Names, account, state, tariff

LOGS = ("session_events", "billing_events")
CHANGES = ("UPDATE {} SET topic = topic", "DELETE FROM {}", "TRUNCATE {}")
INSERT = "INSERT INTO {} SELECT gen_random_uuid(), 1, 'x', 'x', 1 + max(notification_id), now() FROM {}"


def statement(text: str, log: str) -> sql.Composed:
    table = sql.Identifier("ledger", log)
    return sql.SQL(text).format(*[table] * text.count("{}"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("change", CHANGES)
def test_no_role_changes_or_removes_facts(change: str, log: str, role: str, ledger_url: str) -> None:
    with connect(ledger_url, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement(change, log))


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"app"}))
@pytest.mark.parametrize("log", LOGS)
def test_only_the_application_appends(log: str, role: str, ledger_url: str) -> None:
    with connect(ledger_url, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement(INSERT, log))


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_is_refused_too(change: str, log: str, ledger_url: str, feed: Feed) -> None:
    with psycopg.connect(ledger_url) as owner:
        assert owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="facts are only ever appended"):
            owner.execute(statement(change, log))


def test_positions_and_parked_messages_are_not_removed_either(ledger_url: str) -> None:
    with connect(ledger_url, "app") as connection:
        for table in ("consumer_positions", "parked_messages", "charges"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement("DELETE FROM {}", table))


def test_every_earlier_byte_stays_whatever_comes(feed: Feed, names: Names, ledger_url: str) -> None:
    feed.deliver(names.started(), names.read(15, "1002"), names.ended())
    before = rows(ledger_url)
    feed.deliver(
        names.read(15, "1002"), names.ended(kwh="1").under(id="other"), names.read(20, "1001"), b"{",
        state(names.session, 30, "SuspendedEV"), account(names.account, minutes=-1), tariff(names.tariff, minutes=-1),
    )  # fmt: skip
    after = rows(ledger_url)
    assert after[: len(before)] == before
    assert len(after) > len(before)


def test_times_of_recording_never_go_back(feed: Feed, names: Names, ledger_url: str) -> None:
    feed.deliver(names.started())
    feed.deliver(names.ended())
    with psycopg.connect(ledger_url) as connection:
        query = "SELECT recorded_at FROM ledger.session_events ORDER BY notification_id"
        instants = [at for (at,) in connection.execute(query)]
    assert instants == sorted(instants)


def rows(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        found = [((log, row[4]), row) for log in LOGS for row in connection.execute(statement("SELECT * FROM {}", log))]
    return [row for _, row in sorted(found, key=lambda pair: (pair[1][5], pair[0]))]
