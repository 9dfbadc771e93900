"""From readings to charging periods."""

from fractions import Fraction
from typing import Any

import pytest

from ledger.tariff.charging_period import ChargingPeriod
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.tariff.periods import charging_periods
from ledger.tariff.pricer import price
from ledger.tariff.readings import Readings
from tests.unit.tariff.build import BERLIN, MINUTE_US, component, element, local_us, tariff

START = local_us("2026-03-02 16:00")
BASE = 1_234_500_000
KWH = 1_000_000


def readings(
    minutes: int, kwh: int | str, *samples: tuple[int, str], states: dict[int, str] | None = None, **known: int
) -> Readings:
    """A session by minutes since its start and kWh on top of the first register."""
    return Readings(
        START,
        BASE,
        START + minutes * MINUTE_US,
        BASE + millionths(kwh),
        [
            (START + at * MINUTE_US, BASE + millionths(k), known.get(f"power_{at}"), known.get(f"current_{at}"))
            for at, k in samples
        ],
        [(START + at * MINUTE_US, name) for at, name in (states or {}).items()],
    )


def millionths(kwh: int | str) -> int:
    return int(Fraction(str(kwh)) * KWH)


def told(periods: list[ChargingPeriod]) -> list[tuple[Any, ...]]:
    """Minutes since the start, kind, kWh."""
    return [
        (
            (p.start_us - START) // MINUTE_US,
            (p.end_us - START) // MINUTE_US,
            str(p.kind),
            p.energy_milliwh / Fraction(KWH),
        )
        for p in periods
    ]


def test_each_interval_between_readings_is_a_period() -> None:
    assert told(charging_periods(readings(30, 5, (10, "2"), (20, "4")))) == [
        (0, 10, "CHARGING", 2),
        (10, 20, "CHARGING", 2),
        (20, 30, "CHARGING", 1),
    ]


def test_a_switch_between_samples_splits_the_energy_in_proportion() -> None:
    compiled = compile_tariff(
        parse_tariff(tariff(element(component("ENERGY", "1"), end_time="17:00"), element(component("ENERGY", "2")))),
        BERLIN,
    )
    found = charging_periods(readings(80, 4, (55, "1"), (70, "4")), compiled)
    assert told(found) == [(0, 60, "CHARGING", 2), (60, 80, "CHARGING", 2)]


def test_intervals_are_merged_where_no_restriction_tells_them_apart() -> None:
    compiled = compile_tariff(parse_tariff(tariff(element(component("ENERGY", "1")))), BERLIN)
    assert told(charging_periods(readings(30, 5, (10, "2"), (20, "4")), compiled)) == [(0, 30, "CHARGING", 5)]


def test_an_energy_limit_is_crossed_at_an_interpolated_instant() -> None:
    content = tariff(element(component("TIME", "1"), max_kwh=3), element(component("TIME", "2")))
    compiled = compile_tariff(parse_tariff(content), BERLIN)
    found = charging_periods(readings(30, 5, (10, "2"), (20, "4")), compiled)
    assert told(found) == [(0, 15, "CHARGING", 3), (15, 30, "CHARGING", 2)]


def test_samples_outside_of_the_session_change_nothing() -> None:
    with_more = readings(30, 5, (-10, "-1"), (10, "2"), (40, "9"))
    assert charging_periods(with_more) == charging_periods(readings(30, 5, (10, "2")))


def test_power_is_what_was_sampled_at_the_end_of_the_interval_else_energy_over_time() -> None:
    found = charging_periods(readings(30, 5, (10, "2"), (20, "4"), power_10=7_000_000))
    assert [p.power_milliwatt_min for p in found] == [7_000_000, 12_000_000, 6_000_000]
    assert [p.power_milliwatt_max for p in found] == [7_000_000, 12_000_000, 6_000_000]


def test_current_is_what_was_sampled_else_unknown() -> None:
    found = charging_periods(readings(30, 5, (10, "2"), current_10=16_000_000))
    assert [p.current_microampere_max for p in found] == [16_000_000, None]


def test_a_state_change_inside_an_interval_keeps_its_power() -> None:
    found = charging_periods(readings(20, 4, states={5: "SuspendedEVSE"}))
    assert told(found) == [(0, 5, "CHARGING", 1), (5, 20, "NEITHER", 3)]
    assert [p.power_milliwatt_min for p in found] == [12_000_000, 12_000_000]


def test_energy_at_one_instant_is_a_period_without_length() -> None:
    found = charging_periods(readings(10, 3, (0, "1"), (10, "2")))
    assert told(found) == [(0, 0, "CHARGING", 1), (0, 10, "CHARGING", 1), (10, 10, "CHARGING", 1)]
    assert [p.power_milliwatt_max for p in found] == [None, 6_000_000, None]


def test_a_session_without_length_is_one_period() -> None:
    assert told(charging_periods(readings(0, 2))) == [(0, 0, "CHARGING", 2)]


def test_until_the_first_state_a_session_charges() -> None:
    assert told(charging_periods(readings(60, 5, states={20: "SuspendedEVSE", 40: "Charging"})))[0][2] == "CHARGING"


@pytest.mark.parametrize(
    ("states", "kinds"),
    [
        ({0: "SuspendedEV"}, ["PARKING"]),
        ({0: "SuspendedEVSE"}, ["NEITHER"]),
        ({0: "EVConnected"}, ["NEITHER"]),
        ({0: "Idle"}, ["NEITHER"]),
        ({0: "Charging", 10: "EVConnected"}, ["CHARGING", "PARKING"]),
        ({0: "Charging", 10: "Idle"}, ["CHARGING", "PARKING"]),
        ({0: "EVConnected", 10: "Charging", 20: "EVConnected"}, ["NEITHER", "CHARGING", "PARKING"]),
        ({10: "EVConnected"}, ["CHARGING", "NEITHER"]),
        ({10: "SuspendedEVSE", 20: "SuspendedEV"}, ["CHARGING", "NEITHER", "PARKING"]),
        ({10: "Charging", 11: "SuspendedEVSE", 20: "Idle"}, ["CHARGING", "CHARGING", "NEITHER", "PARKING"]),
    ],
)
def test_parking_runs_while_the_vehicle_does_not_ask_for_power(states: dict[int, str], kinds: list[str]) -> None:
    assert [str(p.kind) for p in charging_periods(readings(30, "0", states=states))] == kinds


def test_energy_above_the_tolerance_counts_as_having_charged() -> None:
    has_charged = charging_periods(readings(30, "0.2", (10, "0.2"), states={10: "EVConnected"}))
    not_yet = charging_periods(readings(30, "0.1", (10, "0.1"), states={10: "EVConnected"}))
    assert [str(p.kind) for p in has_charged] == ["CHARGING", "PARKING"]
    assert [str(p.kind) for p in not_yet] == ["CHARGING", "NEITHER"]


def test_energy_above_the_tolerance_in_a_parking_state_is_charging() -> None:
    found = charging_periods(readings(40, "5.25", (10, "0.1"), (20, "5.1"), (30, "5.2"), states={0: "SuspendedEV"}))
    assert [str(p.kind) for p in found] == ["PARKING", "CHARGING", "PARKING", "PARKING"]


def test_a_log_that_says_suspended_first_and_idle_last_is_charging_all_the_time() -> None:
    found = charging_periods(readings(60, "19.7187", states={0: "SuspendedEV", 60: "Idle"}))
    assert told(found) == [(0, 60, "CHARGING", Fraction("19.7187"))]


def test_a_switch_of_price_does_not_hide_energy_in_a_parking_state() -> None:
    """0.15 kWh in one interval are above the tolerance, also where a price cuts it in two."""
    content = tariff(element(component("PARKING_TIME", "1"), end_time="16:10"), element(component("PARKING_TIME", "2")))
    compiled = compile_tariff(parse_tariff(content), BERLIN)
    session = readings(20, "0.15", states={0: "SuspendedEV"})
    assert [str(p.kind) for p in charging_periods(session, compiled)] == ["CHARGING", "CHARGING"]
    assert price(compiled, charging_periods(session)).lines == ()


def test_of_two_states_at_one_instant_the_last_counts() -> None:
    session = Readings(START, 0, START + MINUTE_US, 0, (), [(START, "SuspendedEV"), (START, "SuspendedEVSE")])
    assert [str(p.kind) for p in charging_periods(session)] == ["NEITHER"]


def test_a_state_after_the_end_changes_nothing() -> None:
    assert [str(p.kind) for p in charging_periods(readings(30, 1, states={30: "SuspendedEV"}))] == ["CHARGING"]


def test_a_register_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="register of a session must not decrease: 2000000 is followed by 1000000"):
        charging_periods(readings(30, 5, (10, "2"), (20, "1")))


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="instants of a session must not decrease"):
        charging_periods(readings(-1, 5))
