"""Spot prices from the message to the bill: a missing slot holds, the slot that comes releases, and a replay agrees."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evledger.simulator import messages
from ledger.application import Ledger
from ledger.audit.explain import explain
from ledger.audit.replay import Replayed, replay
from ledger.audit.whatif import what_if
from ledger.intake import priced
from ledger.intake.message import Record
from ledger.session.events import SessionHeld, SessionRated, SessionReleased
from ledger.store.connection import connect
from ledger.store.streams import head, read_page
from ledger.tariff.parse import parse_tariff
from ledger.values.canonical import read_json_decimals
from projections.projector import Projector
from projections.rebuild import rebuild
from tests.building import (
    Event,
    Feed,
    component,
    end,
    facts_of,
    prices,
    ratings,
    reading,
    start,
    state,
    tariff,
    to_json,
)
from tests.integration.billing import Books
from tests.integration.read_side import select
from tests.integration.test_intake_races import Interleave, decided_again, meanwhile
from tests.integration.test_rating_terms import SPAN

__all__ = ["decided_again", "meanwhile"]  # fixtures

SPOT = {**component("ENERGY", "0"), "spot": {"series": "NL-DA", "add": "0.08"}}
HELD = ["SessionStarted", "SessionEnded", "SessionHeld"]
RELEASED = [*HELD, "SessionReleased", "SessionRated"]


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A ledger of the test's own."""
    with Ledger(database_url) as ledger:
        yield ledger


@pytest.fixture
def books(ledger: Ledger) -> Iterator[Books]:
    """An account, and a tariff that follows a series: an hour of it is 10 kWh, evenly."""
    books = Books(ledger)
    books.account("A")
    books.deliver(tariff("SPOT", SPOT))
    yield books
    books.close()


def charged(session_id: str = "S", minutes: int = 0) -> list[Event]:
    return [start(session_id, minutes, account_id="A", tariff_id="SPOT"), end(session_id, minutes + 60)]


def hour(*values: str, begins: int = 0, minutes: int = 0, **data: Any) -> Event:
    """Quarter hours from a minute on; `minutes` names the message."""
    slots = [(begins + 15 * place, begins + 15 * place + 15, value) for place, value in enumerate(values)]
    return prices("NL-DA", *slots, minutes=minutes, **data)


def topics(books: Books, session_id: str = "S") -> list[str]:
    return [type(fact).__name__ for fact in facts_of(books.ledger, "session", session_id)]


def rated(books: Books, session_id: str = "S") -> SessionRated:
    return ratings(books.ledger, session_id)[-1]


def awaited(books: Books) -> list[tuple[str, str]]:
    query = "SELECT session_id, series FROM ledger.awaited_prices ORDER BY 1"
    return books.ledger.connection.execute(query).fetchall()


def test_energy_is_priced_by_the_slot_in_which_it_flows(books: Books) -> None:
    """2.5 kWh in each quarter hour, at 0.18, 0.08, -0.02 and 0.28."""
    books.deliver(hour("0.10", "0", "-0.1", "0.2"), *charged())
    cost = rated(books)
    assert (cost.amount_minor, cost.exact_excl, cost.holds) == (130, "1.3", ())
    assert [line.unit_price for line in cost.lines] == ["0.18", "0.08", "-0.02", "0.28"]
    assert [(used.series, used.per_kwh) for used in cost.spot_prices] == [
        ("NL-DA", value) for value in ("0.1", "0", "-0.1", "0.2")
    ]


def test_a_missing_slot_holds_the_session(books: Books) -> None:
    books.deliver(hour("0.1", "0.1"), *charged())
    facts = facts_of(books.ledger, "session", "S")
    assert topics(books) == HELD
    assert isinstance(facts[-1], SessionHeld)
    assert [(reason.code, reason.because) for reason in facts[-1].reasons] == [("PRICE_MISSING", "series NL-DA")]
    assert awaited(books) == [("S", "NL-DA")]


def test_a_slot_is_needed_only_where_energy_flows(books: Books) -> None:
    begun, ended = charged()
    books.deliver(hour("0.1"), begun, reading("S", 15, "1010"), state("S", 15, "SuspendedEV"), ended)
    assert (rated(books).amount_minor, len(rated(books).spot_prices)) == (180, 1)


def test_the_slot_that_comes_releases_the_session_in_its_own_batch(books: Books) -> None:
    books.deliver(*charged("S"), *charged("elsewhere", minutes=600))
    books.deliver(hour("0.1", "0.1", "0.1", "0.1"))
    assert topics(books) == RELEASED
    assert (rated(books).amount_minor, rated(books).holds) == (180, ())
    assert awaited(books) == [("elsewhere", "NL-DA")]
    assert topics(books, "elsewhere") == HELD


@pytest.mark.parametrize("restarts", [False, True])
def test_slots_may_come_one_by_one(books: Books, restarts: bool) -> None:
    books.deliver(*charged())
    for place in (3, 0, 2, 1):
        assert topics(books) == HELD
        if restarts:
            books.feed.restart()
        books.deliver(hour("0.1", begins=15 * place, minutes=place))
    assert topics(books) == RELEASED
    assert awaited(books) == []


def test_prices_of_the_same_batch_count_wherever_they_stand_in_it(books: Books) -> None:
    books.deliver(*charged(), hour("0.1", "0.1", "0.1", "0.1"))
    assert topics(books) == RELEASED
    assert books.feed.pipeline.totals.held == 0


def test_prices_on_their_way_to_the_store_count(books: Books) -> None:
    books.feed.send(hour("0.1", "0.1", "0.1", "0.1"))
    books.feed.send(*charged())
    books.feed.pipeline.drain()
    assert topics(books)[-1] == "SessionRated"


def test_a_session_on_its_way_to_the_store_is_found(books: Books) -> None:
    books.feed.send(*charged())
    books.feed.send(hour("0.1", "0.1", "0.1", "0.1"))
    books.feed.pipeline.drain()
    assert topics(books) == RELEASED


def test_more_sessions_than_one_batch_takes_are_released_by_the_next_ones(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priced, "RELEASED_MAX", 2)
    names = [f"S{number}" for number in range(5)]
    books.deliver(*[event for name in names for event in charged(name)])
    books.deliver(hour("0.1", "0.1", "0.1", "0.1"))
    assert len(awaited(books)) == 3
    books.deliver(reading("S0", 30, "1005"))
    books.deliver(reading("S1", 30, "1005"))
    assert awaited(books) == []
    assert {topics(books, name)[-1] for name in names} <= {"SessionRated", "MeterRecorded"}


def test_what_a_process_left_undone_the_next_one_does(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priced, "RELEASED_MAX", 1)
    books.deliver(*charged("S1"), *charged("S2"))
    books.deliver(hour("0.1", "0.1", "0.1", "0.1"))
    assert len(awaited(books)) == 1
    books.feed.restart()
    books.deliver(tariff("OTHER"))
    assert awaited(books) == []


def test_a_slot_published_again_after_rating_changes_nothing(books: Books) -> None:
    books.deliver(hour("0.1", "0.1", "0.1", "0.1"), *charged())
    before = facts_of(books.ledger, "session", "S")
    books.deliver(hour("9", "9", "9", "9", minutes=1))
    assert facts_of(books.ledger, "session", "S") == before
    books.deliver(reading("S", 15, "1000"))
    assert [line.unit_price for line in rated(books).lines] == ["0.18"]
    books.deliver(*charged("later"))
    assert rated(books, "later").amount_minor == 9080


def test_a_slot_published_again_before_rating_counts(books: Books) -> None:
    books.deliver(hour("9", "9", "9", "9"), hour("0.1", "0.1", "0.1", "0.1", minutes=1), *charged())
    assert rated(books).amount_minor == 180


def test_a_series_in_another_currency_has_no_price_for_the_tariff(books: Books) -> None:
    books.deliver(*charged(), hour("0.1", "0.1", "0.1", "0.1", currency="NOK"))
    assert (topics(books), awaited(books)) == (HELD, [])


def test_a_publication_told_twice_is_a_repeat_and_another_content_a_conflict(books: Books) -> None:
    books.deliver(hour("0.1"), hour("0.1"))
    books.feed.restart()
    books.deliver(hour("0.10"), hour("0.2"))
    assert books.feed.outcomes()[1:] == (2, 1)


def test_prices_of_another_tenant_are_not_ours(books: Books) -> None:
    books.deliver(hour("0.1", "0.1", "0.1", "0.1").under(tenant="other"), *charged())
    assert topics(books) == HELD


# --- two processes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def other(database_url: str) -> Iterator[Feed]:
    """Another process: connections, memory and topic of its own."""
    with Ledger(database_url) as ledger:
        feed = Feed(ledger, "ev.prices.v1", group="other")
        yield feed
        feed.close()


def test_prices_that_come_while_the_session_is_held_release_it(
    books: Books,
    other: Feed,
    meanwhile: Interleave,
    decided_again: Callable[[], int],
) -> None:
    meanwhile(lambda: other.deliver(hour("0.1", "0.1", "0.1", "0.1")))
    books.deliver(*charged())
    assert (topics(books)[-1], decided_again()) == ("SessionRated", 1)


def test_a_session_that_is_held_while_its_prices_come_is_released(
    books: Books,
    other: Feed,
    meanwhile: Interleave,
    decided_again: Callable[[], int],
) -> None:
    meanwhile(lambda: other.deliver(*charged()))
    books.deliver(hour("0.1", "0.1", "0.1", "0.1"))
    assert (topics(books), decided_again()) == (RELEASED, 1)


# --- what is made of it ----------------------------------------------------------------------------------------------


def test_a_released_session_is_billed_once_whether_the_biller_met_the_hold_before_or_not(books: Books) -> None:
    books.deliver(*charged("met"))
    assert books.bill() == 0
    books.deliver(*charged("unmet"))
    books.deliver(hour("0.1", "0.1", "0.1", "0.1"))
    assert (books.bill(), books.bill(), books.billed) == (2, 0, ["met", "unmet"])


def test_the_invoice_comes_out_of_the_events_again_and_is_explained(books: Books, database_url: str) -> None:
    books.deliver(*charged(), hour("0.10", "0", "-0.1", "0.2"))
    books.bill()
    books.deliver(hour("9", "9", "9", "9", minutes=1))
    with connect(database_url, "auditor") as connection:
        assert replay(connection, None, lambda _position, _end: None) == Replayed(1, [])
        steps = explain(connection, books.invoices[0]).sessions[0].steps
    assert "spot NL-DA -0.1 × 1 + 0.08" in str(steps[2].line["because"])


def test_another_tariff_that_follows_spot_prices_is_tried_with_those_that_are_published(
    books: Books, database_url: str
) -> None:
    books.sessions("A", "PRICED")
    books.sessions("A", "UNPRICED", minutes=600)
    books.deliver(hour("0.1", "0.1", "0.1", "0.1"))
    other = parse_tariff(read_json_decimals(to_json(tariff("X", SPOT).data)))
    with connect(database_url, "auditor") as connection:
        changes = [change for page in what_if(connection, other, SPAN) for change in page.changes]
    assert [(c.session_id, c.before_minor, c.after_minor) for c in changes] == [
        ("PRICED", 300, 180),
        ("UNPRICED", 300, None),
    ]


def test_the_tables_show_the_hold_and_its_end(books: Books, database_url: str) -> None:
    query = "SELECT session_id, status, held_codes FROM finance.session_costs"
    books.deliver(*charged())
    Projector(database_url).catch_up()
    assert select(database_url, query) == [{"session_id": "S", "status": "HELD", "held_codes": ["PRICE_MISSING"]}]
    books.deliver(hour("0.1", "0.1", "0.1", "0.1"))
    Projector(database_url).catch_up()
    released = [{"session_id": "S", "status": "RATED", "held_codes": []}]
    assert select(database_url, query) == released
    rebuild(database_url, ["session_costs"])
    assert select(database_url, query) == released


def test_a_simulated_market_whose_prices_of_a_day_come_late_leaves_nothing_held(books: Books) -> None:
    """Sixty sessions of a month: those of the late day wait for their prices, and all are rated in the end."""
    lines = list(messages(sessions=60, seed=5, spot=True))
    records = [Record("", 0, 0, line.key.encode(), line.value) for line in lines]
    for begin in range(0, len(records), 500):
        books.deliver(*records[begin : begin + 500])
    connection = books.ledger.connection
    facts = [logged.fact for logged in read_page(connection, "session", 0, head(connection, "session"))]
    spot = [fact for fact in facts if isinstance(fact, SessionRated) and fact.spot_prices]
    settled = [fact for fact in facts if isinstance(fact, SessionReleased)]
    assert len(spot) > len(settled) > 0
    assert len({fact.session_id for fact in facts if isinstance(fact, SessionRated)}) == 60
    assert awaited(books) == []


def test_a_settled_hold_names_what_it_settles(books: Books) -> None:
    books.deliver(*charged(), hour("0.1", "0.1", "0.1", "0.1"))
    (settled,) = [fact for fact in facts_of(books.ledger, "session", "S") if isinstance(fact, SessionReleased)]
    assert [(reason.code, reason.because) for reason in settled.reasons] == [("PRICE_MISSING", "series NL-DA")]
