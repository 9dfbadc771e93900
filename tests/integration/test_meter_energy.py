"""Energy per meter in double entry: what its register moved by = its sessions + what no session took."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.desk import Desk
from ledger.intake.subject import SubjectKey
from ledger.session.events import SessionStarted
from ledger.session.release import Order, Substitute
from ledger.store.fact import Fact
from projections.projector import Projector
from projections.rebuild import rebuild
from tests.building import TENANT, Feed, account, end, facts_of, reading, start, tariff
from tests.integration.appending import append
from tests.integration.read_side import select, snapshot
from tests.unit.projections.facts import START, configured, ended, replaced, started

KWH = 1_000_000

Facts = list[tuple[str, Fact]]


def session(name: str, minutes: tuple[int, int], registers: tuple[int, int], meter_id: str = "M1") -> Facts:
    """A session from minute to minute, from register to register (kWh)."""
    at = START + timedelta(minutes=minutes[0])
    start = started(name, occurred_at=at, register_milliwh=registers[0] * KWH, meter_id=meter_id)
    return [(name, start), (name, ended(registers[1] * KWH, minutes[1]))]


def project(url: str, *facts: tuple[str, Fact]) -> None:
    append(url, "session", *facts)
    Projector(url).catch_up()


def chain(url: str, meter_id: str = "M1") -> list[tuple[Any, ...]]:
    """(session or kind, unattributed before it, its own energy), in kWh, in the order of time."""
    rows = select(url, "SELECT * FROM finance.meter_chain ORDER BY place")
    return [
        (row["session_id"] or row["kind"], _kwh(row["unattributed_milliwh"]), _kwh(row["session_milliwh"]))
        for row in rows
        if row["meter_id"] == meter_id
    ]


def _kwh(milliwh: int | None) -> int | None:
    return None if milliwh is None else milliwh // KWH


def energy(url: str, meter_id: str = "M1") -> dict[str, Any]:
    (row,) = (row for row in select(url, "SELECT * FROM finance.meter_energy") if row["meter_id"] == meter_id)
    assert row["sessions_milliwh"] + row["unattributed_milliwh"] == row["movement_milliwh"]
    return row


def test_what_lies_between_two_sessions_is_unattributed(database_url: str) -> None:
    project(database_url, *session("A", (0, 10), (100, 110)), *session("B", (20, 30), (113, 120)))
    assert chain(database_url) == [("A", None, 10), ("B", 3, 7)]
    assert energy(database_url)["movement_milliwh"] == 20 * KWH


def test_a_session_that_comes_late_stands_between_its_neighbours(database_url: str) -> None:
    project(database_url, *session("A", (0, 10), (100, 110)), *session("C", (40, 50), (130, 140)))
    assert chain(database_url) == [("A", None, 10), ("C", 20, 10)]
    project(database_url, *session("B", (20, 30), (112, 127)))
    assert chain(database_url) == [("A", None, 10), ("B", 2, 15), ("C", 3, 10)]


def test_a_register_that_runs_backwards_gives_negative_unattributed_energy(database_url: str) -> None:
    project(database_url, *session("A", (0, 10), (100, 110)), *session("B", (20, 30), (60, 70)))
    row = energy(database_url)
    assert (row["falls"], row["falls_milliwh"], row["jumps"]) == (1, -50 * KWH, 0)
    assert row["movement_milliwh"] == -30 * KWH


def test_a_placeholder_at_the_start_shows_as_a_fall_of_what_the_session_has_too_much(database_url: str) -> None:
    project(database_url, *session("A", (0, 10), (900, 910)), *session("B", (20, 30), (0, 911)))
    assert chain(database_url) == [("A", None, 10), ("B", -910, 911)]


def test_two_sessions_at_once_on_a_meter_show_as_energy_that_was_counted_twice(database_url: str) -> None:
    project(database_url, *session("A", (0, 30), (100, 120)), *session("B", (10, 40), (110, 130)))
    assert chain(database_url) == [("A", None, 20), ("B", -10, 20)]


def test_a_session_without_an_end_takes_no_energy_yet(database_url: str) -> None:
    first, _ = session("A", (0, 10), (100, 110))
    project(database_url, first, *session("B", (20, 30), (113, 120)))
    assert chain(database_url) == [("A", None, 0), ("B", 13, 7)]


def test_a_register_that_rolls_over_goes_on(database_url: str) -> None:
    project(database_url, ("m", configured(roll_over_milliwh=1_000 * KWH)), *session("A", (0, 10), (980, 995)))
    project(database_url, *session("B", (20, 30), (3, 10)), *session("C", (40, 50), (990, 5)))
    assert chain(database_url) == [("A", None, 15), ("B", 8, 7), ("C", 980, 15)]
    assert energy(database_url)["roll_overs"] == 2


def test_a_small_fall_is_no_roll_over(database_url: str) -> None:
    project(database_url, ("m", configured(roll_over_milliwh=1_000 * KWH)), *session("A", (0, 10), (700, 710)))
    project(database_url, *session("B", (20, 30), (300, 310)))
    assert chain(database_url) == [("A", None, 10), ("B", -410, 10)]


def test_the_modulus_that_was_configured_last_counts_for_all_that_was_measured(database_url: str) -> None:
    project(database_url, *session("A", (0, 10), (990, 5)))
    assert chain(database_url) == [("A", None, -985)]
    project(database_url, ("m", configured(roll_over_milliwh=1_000 * KWH)))
    assert chain(database_url) == [("A", None, 15)]
    project(database_url, ("m", configured(roll_over_milliwh=None)))
    assert chain(database_url) == [("A", None, -985)]


def test_a_new_meter_begins_where_its_register_stands(database_url: str) -> None:
    exchange = replaced("M1", "M2", 20, last_register_milliwh=112 * KWH, first_register_milliwh=5 * KWH)
    project(database_url, *session("A", (0, 10), (100, 110)), ("m", exchange), *session("B", (30, 40), (6, 9), "M2"))
    assert chain(database_url) == [("A", None, 10), ("REMOVED", 2, 0)]
    assert chain(database_url, "M2") == [("INSTALLED", None, 0), ("B", 1, 3)]
    assert energy(database_url)["movement_milliwh"] == 12 * KWH
    assert energy(database_url, "M2")["movement_milliwh"] == 4 * KWH


def test_a_reset_of_a_register_is_no_energy(database_url: str) -> None:
    reset = replaced("M1", "M1", 20, last_register_milliwh=111 * KWH)
    project(database_url, *session("A", (0, 10), (100, 110)), ("m", reset), *session("B", (30, 40), (2, 9)))
    assert chain(database_url) == [("A", None, 10), ("REMOVED", 1, 0), ("INSTALLED", None, 0), ("B", 2, 7)]
    assert energy(database_url)["movement_milliwh"] == 20 * KWH


@pytest.mark.parametrize("order", [1, -1])
def test_exchanges_of_one_instant_stand_in_one_order_however_they_arrive(database_url: str, order: int) -> None:
    exchanges = [("m1", replaced("M1", "M3", first_register_milliwh=5)), ("m2", replaced("M2", "M3"))]
    project(database_url, *exchanges[::order])
    rows = select(database_url, "SELECT meter_id, first_register_milliwh FROM finance.meter_chain ORDER BY 1, place")
    assert [row["first_register_milliwh"] for row in rows if row["meter_id"] == "M3"] == [0, 5]


@pytest.mark.parametrize("new_meter", ["M1", "M2"])
def test_a_session_during_which_the_register_broke_off_stands_on_both(database_url: str, new_meter: str) -> None:
    cut = replaced("M1", new_meter, 20, last_register_milliwh=108 * KWH)
    project(database_url, *session("A", (0, 40), (100, 5)), ("m", cut), *session("B", (50, 60), (6, 9), new_meter))
    before, after = chain(database_url)[:2], chain(database_url, new_meter)[-3:]
    assert before == [("A", None, 8), ("REMOVED", 0, 0)]
    assert after == [("INSTALLED", None, 0), ("A", 0, 5), ("B", 1, 3)]
    assert sum(energy(database_url, meter)["sessions"] for meter in {"M1", new_meter}) == 2


@pytest.fixture
def feed(database_url: str) -> Iterator[Feed]:
    """Messages through the whole way, into the test's own database."""
    with Ledger(database_url) as ledger:
        feed = Feed(ledger, "ev.sessions.v1")
        feed.deliver(tariff("T"), account("A"))
        yield feed
        feed.close()


TERMS = {"account_id": "A", "tariff_id": "T", "meter_id": "M1", "max_power_kw": "22"}


def test_what_a_meter_creeps_after_its_last_session_is_unattributed(feed: Feed, database_url: str) -> None:
    feed.deliver(start("S", kwh="1000", **TERMS), end("S", kwh="1010"), reading("S", 70, "1013"))
    Projector(database_url).catch_up()
    assert chain(database_url) == [("S", None, 10), ("S", 3, 0)]
    feed.deliver(reading("S", 80, "1014"))
    Projector(database_url).catch_up()
    assert chain(database_url) == [("S", None, 10), ("S", 4, 0)]
    feed.deliver(start("N", 90, "1015", **TERMS))
    Projector(database_url).catch_up()
    assert chain(database_url) == [("S", None, 10), ("N", 5, 0)]
    assert_rebuilt_alike(database_url)


def test_a_register_that_a_person_substituted_counts(feed: Feed, database_url: str) -> None:
    feed.deliver(start("P", -60, "905", **TERMS), end("P", -10, "910"))
    feed.deliver(start("S", kwh="0", **TERMS), reading("S", 1, "911"), end("S", kwh="912"))
    Projector(database_url).catch_up()
    assert chain(database_url) == [("P", None, 5), ("S", -910, 912)]
    (begin,) = (fact for fact in facts_of(feed.ledger, "session", "S") if isinstance(fact, SessionStarted))
    order = Order("anna", "finance", START, "display")
    substitutes = [Substitute(begin.message_id, 911 * KWH)]
    Desk(feed.ledger).release(SubjectKey("session", TENANT, "S"), order, substitutes, Decimal(100))
    Projector(database_url).catch_up()
    assert chain(database_url) == [("P", None, 5), ("S", 1, 1)]
    assert_rebuilt_alike(database_url)


def assert_rebuilt_alike(url: str) -> None:
    before = snapshot(url)
    rebuild(url, ["metered_sessions"])
    assert snapshot(url) == before


def test_meters_of_two_tenants_do_not_mix(database_url: str) -> None:
    project(database_url, *session("A", (0, 10), (100, 110)))
    other = started("B", tenant="other", register_milliwh=500 * KWH)
    project(database_url, ("B", other))
    rows = select(database_url, "SELECT tenant, sessions, unattributed_milliwh FROM finance.meter_energy ORDER BY 1")
    assert [tuple(row.values()) for row in rows] == [("default", 1, 0), ("other", 1, 0)]
