"""The running session: what it costs so far, and when that cannot be said."""

from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.tariff.compiled import compile_tariff
from ledger.tariff.live import Live
from ledger.tariff.parse import parse_tariff
from ledger.tariff.readings import Readings
from ledger.tariff.report import Cost
from ledger.tariff.spot import PriceMissingError, Slot
from tests.unit.tariff.build import BERLIN, MINUTE_US, Json, component, element, local_us, tariff

START_US = local_us("2026-03-02 10:00")
KWH = 1_000_000
BEGINNING = Readings(START_US, 5 * KWH, START_US, 5 * KWH)
CONTENT = tariff(element(component("ENERGY", "0.50", "20", step_size=1000), component("PARKING_TIME", "6", "20")))


def at(minute: int) -> int:
    return START_US + minute * MINUTE_US


def live(content: Json = CONTENT, so_far: Readings = BEGINNING, **slots: list[Slot]) -> Live:
    return Live(compile_tariff(parse_tariff(content), BERLIN), so_far, slots=slots)


def test_the_cost_grows_with_each_reading() -> None:
    session = live()
    costs = []
    for minute, register in ((15, 7 * KWH), (30, 7 * KWH + 1), (45, 9 * KWH)):
        session.add_reading(at(minute), register)
        costs.append(session.cost())
    assert costs == [
        Cost(Fraction(1), Fraction("1.2")),
        Cost(Fraction("1.5"), Fraction("1.8")),
        Cost(Fraction(2), Fraction("2.4")),
    ]


def test_a_session_that_has_just_begun_costs_its_fee() -> None:
    assert live(tariff(element(component("FLAT", "2")))).cost() == Cost(Fraction(2), None)


def test_it_can_begin_with_what_was_read_before() -> None:
    samples = [(at(15), 7 * KWH, None, None)]
    session = live(so_far=Readings(START_US, 5 * KWH, at(20), 8 * KWH, samples, [(at(18), "SuspendedEV")]))
    session.add_reading(at(80), 8 * KWH)
    assert session.cost().excl == Fraction("1.5") + 6
    assert [line.quantity for line in session.report().lines] == [3, 1]


def test_a_state_that_arrives_late_changes_what_ran_before() -> None:
    session = live()
    session.add_reading(at(15), 7 * KWH)
    session.add_reading(at(75), 7 * KWH)
    assert session.cost().excl == 1
    session.add_state_change(at(15), "SuspendedEV")
    assert session.cost().excl == 7


def test_a_reading_before_the_start_is_none_of_the_session() -> None:
    session = live()
    session.add_reading(at(-15), 4 * KWH)
    session.add_reading(at(15), 7 * KWH)
    assert session.cost().excl == 1


def test_a_register_that_falls_has_no_cost() -> None:
    session = live()
    session.add_reading(at(15), 7 * KWH)
    session.add_reading(at(30), 6 * KWH)
    with pytest.raises(ValueError, match="the register of a session must not decrease"):
        session.cost()


def test_a_spot_price_that_is_missing_is_named_until_it_is_there() -> None:
    content = tariff(element(component("ENERGY", "0") | {"spot": {"series": "DA"}}))
    hour = (at(0), at(60), Decimal("0.10"))
    session = live(content, DA=[hour])
    session.add_reading(at(60), 9 * KWH)
    assert session.cost().excl == Fraction("0.4")
    session.add_reading(at(75), 10 * KWH)
    with pytest.raises(PriceMissingError, match="no price of series DA at 2026-03-02T10:00:00Z"):
        session.cost()
    assert live(content, so_far=session.readings, DA=[hour, (at(60), at(75), Decimal(1))]).cost().excl == Fraction(
        "1.4"
    )
