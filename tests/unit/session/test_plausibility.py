"""Readings that cannot be true: given a session, when it is judged, then these findings."""

from typing import Any

import pytest
from msgspec.structs import replace

from ledger.session.events import Verdict
from ledger.session.plausibility.judge import FINDINGS_MAX, judge
from ledger.session.plausibility.rules import DEFAULT_RULES, POLICIES, Rules
from ledger.session.rating import readings_of
from tests.building import Event, end, fact_of, reading, state
from tests.unit.session.build import given, started


def verdicts(*events: Event, rules: Rules = DEFAULT_RULES, **data: Any) -> list[Verdict]:
    session = given(started(**data), *map(fact_of, events))
    assert session.started is not None
    assert session.ended is not None
    return judge(session, session.started, session.ended, readings_of(session, session.started, session.ended), rules)


def codes(*events: Event, rules: Rules = DEFAULT_RULES, **data: Any) -> list[str]:
    return [verdict.code for verdict in verdicts(*events, rules=rules, **data)]


# --- jumps -----------------------------------------------------------------------------------------------------------


def test_a_placeholder_of_zero_at_the_start_is_a_jump_to_the_first_real_register() -> None:
    (verdict,) = verdicts(reading("S", 1, "910.031"), end("S", 2, "910.114"), kwh="0", max_power_kw="11")
    assert (verdict.code, verdict.policy, verdict.because) == ("IMPLAUSIBLE_JUMP", "hold", "/test metered@1")
    assert verdict.readings == ("/test started@0", "/test metered@1")
    assert verdict.found == "910.031 kWh in 60 s, 0.320 kWh at most"


@pytest.mark.parametrize(("kwh", "is_found"), [("1013.300", False), ("1013.300001", True)])
def test_power_times_time_with_a_fifth_and_one_step_is_still_plausible(kwh: str, is_found: bool) -> None:
    """11 kW for an hour: 13.2 kWh, and 0.1 kWh."""
    assert codes(end("S", 60, kwh), max_power_kw="11") == (["IMPLAUSIBLE_JUMP"] if is_found else [])


@pytest.mark.parametrize(
    ("power", "most"),
    [
        ({"power_type": "AC_1_PHASE"}, "1023.140"),
        ({"power_type": "AC_2_PHASE"}, "1035.020"),
        ({"power_type": "AC_2_PHASE_SPLIT"}, "1035.020"),
        ({"power_type": "AC_3_PHASE"}, "1052.540"),
        ({"power_type": "DC"}, "1480.100"),
        ({}, "1480.100"),
    ],
)
def test_without_a_stated_power_the_power_type_decides(power: dict[str, str], most: str) -> None:
    assert codes(end("S", 60, most), **power) == []
    assert codes(end("S", 60, f"{most}001"), **power) == ["IMPLAUSIBLE_JUMP"]


def test_a_jump_between_two_samples_is_seen_where_the_whole_session_would_be_plausible() -> None:
    after = [reading("S", 50, "1000.5"), reading("S", 51, "1008"), end("S", 60, "1008.5")]
    assert [v.because for v in verdicts(*after, max_power_kw="11")] == ["/test metered@51"]


def test_of_a_meter_gone_mad_the_first_findings_are_told() -> None:
    mad = [reading("S", at, f"{1000 + 50 * at}") for at in range(1, 30)]
    assert codes(*mad, end("S", 60, "2450"), max_power_kw="11") == ["IMPLAUSIBLE_JUMP"] * FINDINGS_MAX


def test_watt_hours_labelled_as_kilowatt_hours_are_a_jump() -> None:
    assert codes(end("S", 60, "11000"), max_power_kw="22") == ["IMPLAUSIBLE_JUMP"]


# --- units, frozen registers -----------------------------------------------------------------------------------------


def test_kilowatt_hours_labelled_as_watt_hours_are_far_below_the_sampled_power() -> None:
    samples = [reading("S", at, f"{1000 + at * 0.000184:.6f}", power_kw="11.04") for at in (15, 30, 45)]
    (verdict,) = verdicts(*samples, end("S", 60, "1000.011040"), max_power_kw="11")
    assert (verdict.code, verdict.readings) == ("ENERGY_BELOW_POWER", ("/test started@0", "/test metered@45"))
    assert verdict.found == "0.00828 kWh where the sampled powers tell of 8.280 kWh"


def test_registers_that_agree_with_the_sampled_power_are_nothing_to_speak_of() -> None:
    samples = [reading("S", at, f"{1000 + at * 0.184:.3f}", power_kw="11.04") for at in (15, 30, 45)]
    assert codes(*samples, end("S", 60, "1011.040"), max_power_kw="11") == []


@pytest.mark.parametrize(("minutes", "found"), [(29, []), (30, ["METER_FROZEN"])])
def test_a_register_that_stands_still_for_half_an_hour_of_stated_charging_is_frozen(
    minutes: int, found: list[str]
) -> None:
    still = [state("S", 0, "Charging"), reading("S", 10, "1002"), reading("S", 10 + minutes, "1002")]
    assert codes(*still, end("S", 60, "1004")) == found


def test_charging_that_is_only_assumed_freezes_nothing() -> None:
    assert codes(reading("S", 1, "1000"), end("S", 600, "1000")) == []


def test_a_register_may_stand_still_while_the_car_is_parked() -> None:
    parked = [state("S", 0, "Charging"), reading("S", 20, "1004"), state("S", 21, "SuspendedEV")]
    assert codes(*parked, end("S", 600, "1004")) == []


def test_charging_that_is_stated_again_and_again_is_one_stretch_of_it() -> None:
    said = [state("S", at, "Charging", seq_no=None) for at in (0, 10, 20)]
    assert codes(*said, end("S", 31, "1000")) == ["METER_FROZEN"]


# --- after the end, parked -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kwh", "code", "policy"),
    [
        ("1010", "SAMPLE_AFTER_END", "note"),
        ("1010.100", "SAMPLE_AFTER_END", "note"),
        ("1010.100001", "ENERGY_AFTER_END", "hold"),
        ("1009.899999", "ENERGY_AFTER_END", "hold"),
    ],
)
def test_a_sample_after_the_end_is_noted_within_the_tolerance_and_holds_beyond(
    kwh: str, code: str, policy: str
) -> None:
    (verdict,) = verdicts(end("S"), reading("S", 61, kwh))
    assert (verdict.code, verdict.policy) == (code, policy)


def test_energy_in_a_parking_state_is_noted() -> None:
    parked = [state("S", 0, "SuspendedEV"), reading("S", 30, "1005")]
    (verdict, more) = verdicts(*parked, state("S", 31, "Idle"), end("S", 60, "1010"))
    assert (verdict.code, verdict.policy) == ("ENERGY_WHILE_PARKED", "note")
    assert (verdict.found, more.found) == ("5.000 kWh while SuspendedEV", "4.833333 kWh while Idle")


def test_a_car_that_takes_little_while_it_is_parked_is_nothing_to_speak_of() -> None:
    parked = [reading("S", 20, "1009"), state("S", 20, "SuspendedEV"), reading("S", 40, "1009.050")]
    assert codes(*parked, end("S", 60, "1009.100")) == []


# --- missing messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "last", "found"),
    [
        ([1, 2], 3, None),
        ([1, 1, 2, 2], 3, None),
        ([2, 1], 3, None),
        ([None, None], None, None),
        ([1, None], 2, None),
        ([2], 3, "seq_no 1 did not come"),
        ([1, 5], 9, "seq_no 2 to 4, 6 to 8 did not come"),
        ([2, 4], None, "seq_no 1, 3 did not come"),
    ],
)
def test_numbers_of_the_station_that_never_came_are_a_gap(numbers: list[Any], last: Any, found: str | None) -> None:
    samples = [reading("S", at, "1001", seq_no=number) for at, number in enumerate(numbers, start=1)]
    told = verdicts(*samples, end("S", seq_no=last), seq_no=0)
    assert [(v.code, v.because, v.found) for v in told] == ([("SEQ_GAP", "/test ended@60", found)] if found else [])


def test_numbers_after_the_end_s_leave_no_gap() -> None:
    assert codes(end("S", seq_no=1), reading("S", 61, "1010", seq_no=7), seq_no=0) == ["SAMPLE_AFTER_END"]


# --- rules are data --------------------------------------------------------------------------------------------------


def test_a_policy_of_the_settings_wins() -> None:
    rules = replace(DEFAULT_RULES, policies={"SAMPLE_AFTER_END": "hold"})
    (verdict,) = verdicts(end("S"), reading("S", 61, "1010"), rules=rules)
    assert verdict.policy == "hold"


def test_each_limit_of_the_settings_counts() -> None:
    sixth = replace(DEFAULT_RULES, power_margin_percent=100, register_step_milliwh=0, power_w=10_000)
    assert codes(end("S", 60, "1010"), rules=sixth) == []
    assert codes(end("S", 60, "1010.000001"), rules=sixth) == ["IMPLAUSIBLE_JUMP"]


def test_only_what_differs_from_the_defaults_of_the_version_is_stored() -> None:
    assert Rules(version=1) == DEFAULT_RULES
    assert set(POLICIES.values()) == {"note", "hold"}
