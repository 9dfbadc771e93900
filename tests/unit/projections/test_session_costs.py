"""What a page says about sessions."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.store.fact import Fact
from projections.sessions.session_costs import SESSION_COSTS, to_writes
from tests.unit.projections.facts import START, ended, held, issued, metered, rated, started
from tests.unit.projections.pages import page_of, rows_of


def rows(*facts: tuple[str, Fact]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    new, changed = rows_of(SESSION_COSTS, *facts)
    return new, changed


def test_a_session_within_a_page_is_one_complete_row() -> None:
    new, changed = rows(("s", started()), ("s", metered(2_000_000)), ("s", ended()), ("s", rated()))
    assert changed == []
    assert [(row["session_id"], row["ended_at"], row["revision"], row["excl_minor"]) for row in new] == [
        ("S1", START + timedelta(hours=1), 1, 645)
    ]


def test_a_later_page_changes_only_what_it_says() -> None:
    new, (changed,) = rows(("s", ended(5_000_000)))
    assert new == []
    assert {name: value for name, value in changed.items() if value not in (None, (), False)} == {
        "stream_id": changed["stream_id"],
        "ended_at": START + timedelta(hours=1),
        "last_register_milliwh": 5_000_000,
    }


def test_the_last_revision_of_a_page_counts() -> None:
    _, (changed,) = rows(("s", rated(excl_minor=645)), ("s", rated(excl_minor=700, revision=2)))
    assert (changed["revision"], changed["amount_minor"]) == (2, 700)


def test_codes_of_holds_add_up_sorted_and_once() -> None:
    _, (changed,) = rows(("s", held("S1", "B", "A")), ("s", held("S1", "C", "A")))
    assert (changed["held_codes"], changed["knows_holds"]) == (("A", "B", "C"), False)


def test_a_cost_says_which_codes_are_left() -> None:
    _, (changed,) = rows(("s", held("S1", "B", "A")), ("s", rated(holds=("A",))))
    assert (changed["held_codes"], changed["knows_holds"]) == (("A",), True)


def test_a_cost_names_all_holds_that_are_left() -> None:
    new, _ = rows(("s", started()), ("s", held("S1", "B", "A")), ("s", rated(holds=("C", "A"))), ("s", held("S1", "D")))
    assert new[0]["held_codes"] == ("A", "C", "D")


def test_the_pinned_tariff_wins_over_the_named_one() -> None:
    new, _ = rows(("a", started(tariff_id="OTHER")), ("b", started("S2", tariff_id="NAMED", tariff_pin=None)))
    assert [(row["tariff_id"], row["tariff_version"]) for row in new] == [("TARIFF-1", 1), ("NAMED", None)]


def test_sessions_of_a_page_do_not_mix() -> None:
    new, changed = rows(("a", started("A")), ("b", ended()), ("a", held("A", "X")))
    assert [row["held_codes"] for row in new] == [("X",)]
    assert [row["last_register_milliwh"] for row in changed] == [22_500_000]


def test_a_fact_it_cannot_read_stops_it() -> None:
    with pytest.raises(TypeError, match="InvoiceIssued"):
        to_writes(page_of("session", ("i", issued())))
