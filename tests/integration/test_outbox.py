"""The outbox on a real database: every message once, in order, for ever."""

import json
from typing import Any

import psycopg
import pytest

from projections import feed
from projections.catalogue import PROJECTIONS
from projections.outbox.outbox import OUTBOX, HeldSessionWithoutStartError
from projections.projector import Projector
from projections.rebuild import rebuild
from tests.integration.appending import append, append_all
from tests.integration.mixed_facts import mixed_facts
from tests.integration.read_side import positions, select, snapshot
from tests.unit.projections.facts import held, issued, rated, started

OWED = "SELECT account_id, (balance_minor * 0.01)::text AS balance FROM finance.customer_balances"
OUTBOX_ROWS = "SELECT position, id, type, key, payload FROM projection.outbox ORDER BY position"


def outbox(url: str) -> list[dict[str, Any]]:
    return select(url, OUTBOX_ROWS, "evledger_projector")


def test_positions_have_no_gaps_and_ids_are_given_once(database_url: str) -> None:
    facts = mixed_facts(seed=7, sessions=40)
    for first in range(0, len(facts), 25):
        append_all(database_url, facts[first : first + 25])
        Projector(database_url).catch_up()
    rows = outbox(database_url)
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert len({row["id"] for row in rows}) == len(rows)
    ratings = [row for row in rows if row["type"] == "billing.session.rated.v1"]
    assert len(ratings) == len([fact for _, _, fact in facts if type(fact).__name__ == "SessionRated"])


def test_the_order_of_a_log_is_the_order_of_its_messages(database_url: str) -> None:
    append(database_url, "billing", *(("i", issued(number, {f"S{number}": 100})) for number in range(1, 6)))
    Projector(database_url).catch_up()
    rows = [json.loads(row["payload"]) for row in outbox(database_url)]
    issued_first = [row["subject"] for row in rows if row["type"] == "billing.invoice.issued.v1"]
    assert issued_first == [f"ABC-NL-2026-{number:06d}" for number in range(1, 6)]
    balances = [row["data"]["balance"] for row in rows if row["type"] == "billing.balance.changed.v1"]
    assert balances == ["1.19", "2.38", "3.57", "4.76", "5.95"]


def test_the_balance_said_last_is_the_customers_balance(database_url: str) -> None:
    append_all(database_url, mixed_facts(seed=8, sessions=40))
    Projector(database_url).catch_up()
    said = {}
    for row in outbox(database_url):
        if row["type"] == "billing.balance.changed.v1":
            said[row["key"]] = json.loads(row["payload"])["data"]["balance"]
    owed = select(
        database_url, "SELECT account_id, (balance_minor * 0.01)::text AS balance FROM finance.customer_balances"
    )
    assert said == {row["account_id"]: row["balance"] for row in owed}


def test_balances_go_on_in_the_next_page(database_url: str) -> None:
    for number in (1, 2):
        append(database_url, "billing", ("i", issued(number, {f"S{number}": 100})))
        Projector(database_url).catch_up()
    assert json.loads(outbox(database_url)[-1]["payload"])["data"]["balance"] == "2.38"


def test_a_held_session_is_keyed_by_its_payer_from_an_earlier_page(database_url: str) -> None:
    append(database_url, "session", ("a", started("A")), ("b", started("B", account_id=None, payment_id="PAY-1")))
    Projector(database_url).catch_up()
    append(database_url, "session", ("a", held("A", "X")), ("b", held("B", "X")))
    Projector(database_url).catch_up()
    assert [row["key"] for row in outbox(database_url)] == ["ACC-1", "PAY-1"]


def test_a_held_session_without_a_start_stops_the_outbox(database_url: str) -> None:
    append(database_url, "session", ("a", held("A", "X")))
    with pytest.raises(HeldSessionWithoutStartError):
        Projector(database_url, OUTBOX).catch_up()
    assert positions(database_url)["outbox", "session"] == 0


def test_an_outbox_killed_in_a_page_says_nothing_twice(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    append(database_url, "session", ("a", started("A")), ("a", rated("A")))

    def die(*_: object) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patch:
        patch.setattr(feed, "_move", die)
        with pytest.raises(ConnectionAbortedError):
            Projector(database_url, OUTBOX).catch_up()
    assert outbox(database_url) == []
    Projector(database_url).catch_up()
    assert [(row["position"], row["type"]) for row in outbox(database_url)] == [(1, "billing.session.rated.v1")]


def test_a_rebuild_of_everything_says_nothing_again(database_url: str) -> None:
    append_all(database_url, mixed_facts(seed=9, sessions=10))
    Projector(database_url).catch_up()
    before = outbox(database_url)
    rebuild(database_url, list(PROJECTIONS))
    Projector(database_url).catch_up()
    assert outbox(database_url) == before


def test_a_position_is_never_given_again_when_old_rows_have_left(database_url: str) -> None:
    append(database_url, "billing", ("i", issued()))
    Projector(database_url).catch_up()
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM projection.outbox")
    append(database_url, "billing", ("i", issued(2)))
    Projector(database_url).catch_up()
    assert [row["position"] for row in outbox(database_url)] == [3, 4]


def test_the_outbox_moves_in_the_transaction_of_the_tables(database_url: str) -> None:
    append(database_url, "billing", ("i", issued()))
    Projector(database_url).catch_up()
    assert len(outbox(database_url)) == 2
    assert len(snapshot(database_url)["invoice_register"]) == 1
    assert set(positions(database_url).values()) == {0, 1}
