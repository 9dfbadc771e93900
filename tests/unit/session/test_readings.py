"""Facts to the readings and states that are priced: a parking state that the meter refutes."""

import pytest

from ledger.session.readings import readings_of
from ledger.tariff.periods import charging_periods
from ledger.values.time import to_us
from tests.building import end, fact_of, minute, reading, state
from tests.unit.session.build import given, started

REGISTERS = ((10, "1000"), (20, "1005"), (30, "1005"), (40, "1010"), (50, "1010"))
LEAD_IN = ["CHARGING", "CHARGING", "PARKING", "CHARGING", "PARKING", "PARKING"]
PARKED_FIRST = ["PARKING", *LEAD_IN[1:]]


def kinds(*states: tuple[int, str]) -> list[str]:
    """The kind of each interval between registers, in an hour in which the car charges twice for ten minutes."""
    begun, ended = started(kwh="1000"), fact_of(end("S", 60, "1010"))
    facts = [fact_of(reading("S", at, kwh)) for at, kwh in REGISTERS]
    session = given(begun, *facts, *[fact_of(state("S", at, name)) for at, name in states], ended)
    periods = charging_periods(readings_of(session, begun, ended))
    ends = [to_us(minute(at)) for at in (10, 20, 30, 40, 50, 60)]
    return [next(str(p.kind) for p in periods if p.start_us < at <= p.end_us) for at in ends]


def test_a_car_that_takes_its_fill_while_it_is_said_to_want_no_power_did_not_park_before() -> None:
    assert kinds((0, "SuspendedEV")) == LEAD_IN


def test_a_state_that_is_said_again_is_the_same_state() -> None:
    assert kinds((0, "SuspendedEV"), (5, "SuspendedEV"), (25, "SuspendedEV")) == LEAD_IN


@pytest.mark.parametrize("before", [(0, "EVConnected"), (0, "SuspendedEVSE")])
def test_until_the_energy_flows_the_state_before_holds(before: tuple[int, str]) -> None:
    assert kinds(before, (1, "SuspendedEV")) == ["NEITHER", *LEAD_IN[1:]]


def test_a_car_that_waits_and_then_is_said_to_charge_has_parked_before() -> None:
    assert kinds((0, "SuspendedEV"), (10, "Charging"))[0] == "PARKING"


def test_a_car_that_has_charged_parks_until_it_takes_more() -> None:
    assert kinds((0, "Charging"), (1, "SuspendedEV")) == PARKED_FIRST
    assert kinds((20, "SuspendedEV")) == LEAD_IN


def test_a_state_that_nothing_flows_in_is_believed() -> None:
    assert kinds((0, "SuspendedEV"), (10, "EVConnected"))[:2] == ["PARKING", "CHARGING"]
    assert kinds((50, "SuspendedEV"))[-1] == "PARKING"
