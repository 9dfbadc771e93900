"""Which price applies: one test a rule of the OCPI text on restrictions and their selection."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.unit.tariff.build import charging, component, element, lines_of, neither, parking, rated, tariff

ENERGY_1, ENERGY_2 = component("ENERGY", "1"), component("ENERGY", "2")
TIME_1, TIME_2 = component("TIME", "1"), component("TIME", "2")


def split(start: str, *, hours: int = 2, zone: str = "Europe/Berlin", **restrictions: Any) -> list[Any]:
    """Element and minutes of each TIME line, where element 1 is restricted and element 2 takes the rest."""
    content = tariff(element(TIME_1, **restrictions), element(TIME_2))
    report = rated(content, start, charging(hours * 60, "0"), zone=zone)
    return [(line.element, int(line.quantity * 60)) for line in report.lines]


def test_the_first_matching_element_of_a_dimension_wins() -> None:
    content = tariff(element(ENERGY_1), element(ENERGY_2, TIME_2))
    assert lines_of(rated(content, "2026-03-02 10:00", charging(60, "5"))) == [
        ("ENERGY", 1, Decimal(5)),
        ("TIME", 2, Decimal(1)),
    ]


def test_a_dimension_without_a_match_costs_nothing() -> None:
    content = tariff(element(component("PARKING_TIME", "5")), element(TIME_1, start_time="12:00", end_time="13:00"))
    report = rated(content, "2026-03-02 10:00", charging(60, "5"))
    assert (report.lines, report.excl) == ((), 0)


def test_all_restrictions_that_are_set_must_hold() -> None:
    assert split("2026-03-02 10:00", start_time="10:00", end_time="11:00", day_of_week=["TUESDAY"]) == [(2, 120)]


def test_a_switch_at_a_time_of_day_splits_energy_in_proportion() -> None:
    content = tariff(element(ENERGY_1, end_time="17:00"), element(ENERGY_2))
    report = rated(content, "2026-03-02 16:55", charging(15, "3"))
    assert lines_of(report) == [("ENERGY", 1, Decimal(1)), ("ENERGY", 2, Decimal(2))]
    assert report.excl == 5


@pytest.mark.parametrize(
    ("start", "minutes"),
    [
        ("2026-03-02 07:00", [(2, 60), (1, 60)]),
        ("2026-03-02 08:00", [(1, 120)]),
        ("2026-03-02 19:00", [(1, 60), (2, 60)]),
    ],
)
def test_the_start_time_is_inside_and_the_end_time_is_not(start: str, minutes: list[tuple[int, int]]) -> None:
    assert split(start, start_time="08:00", end_time="20:00") == minutes


def test_what_is_reached_at_the_last_instant_does_not_count() -> None:
    assert split("2026-03-02 06:00", start_time="08:00", end_time="20:00") == [(2, 120)]


def test_an_end_before_the_start_wraps_midnight() -> None:
    assert split("2026-03-02 21:00", hours=10, start_time="22:00", end_time="06:00") == [(2, 60), (1, 480), (2, 60)]


def test_a_day_and_a_night_are_judged_at_the_instant() -> None:
    """Monday 22:00 to 06:00 holds on Monday until 24:00, and on Monday from 00:00; never on Tuesday."""
    limits = {"start_time": "22:00", "end_time": "06:00", "day_of_week": ["MONDAY"]}
    assert split("2026-03-02 21:00", hours=4, **limits) == [(2, 60), (1, 120), (2, 60)]
    assert split("2026-03-01 23:00", hours=8, **limits) == [(2, 60), (1, 360), (2, 60)]


def test_midnight_as_end_is_the_end_of_the_day() -> None:
    assert split("2026-03-02 23:00", start_time="20:00", end_time="00:00") == [(1, 60), (2, 60)]


def test_equal_start_and_end_is_the_whole_day() -> None:
    assert split("2026-03-02 23:00", start_time="08:00", end_time="08:00") == [(1, 120)]


def test_one_side_of_a_time_of_day_is_enough() -> None:
    assert split("2026-03-02 07:00", start_time="08:00") == [(2, 60), (1, 60)]
    assert split("2026-03-02 07:00", end_time="08:00") == [(1, 60), (2, 60)]


def test_an_hour_that_the_night_repeats_counts_twice() -> None:
    """On 2026-10-25 Berlin lives through 02:00 to 03:00 twice."""
    assert split("2026-10-25 01:00", hours=4, start_time="02:00", end_time="03:00") == [(2, 60), (1, 120), (2, 60)]
    assert split("2026-10-25 01:00", hours=4, start_time="02:30", end_time="03:00") == [
        (2, 90), (1, 30), (2, 30), (1, 30), (2, 60),
    ]  # fmt: skip


def test_an_hour_that_the_night_skips_does_not_count() -> None:
    """On 2026-03-29 Berlin's clocks go from 02:00 to 03:00."""
    assert split("2026-03-29 01:00", start_time="02:00", end_time="03:00") == [(2, 120)]
    assert split("2026-03-29 01:00", start_time="01:30", end_time="03:30") == [(2, 30), (1, 60), (2, 30)]


def test_a_zone_with_half_an_hour_of_summer_time() -> None:
    """On 2026-04-05 Lord Howe's clocks go from 02:00 back to 01:30."""
    zone = "Australia/Lord_Howe"
    assert split("2026-04-05 01:00", hours=3, zone=zone, start_time="01:30", end_time="02:00") == [
        (2, 30), (1, 60), (2, 90),
    ]  # fmt: skip


def test_times_of_day_are_local() -> None:
    assert split("2026-03-02 07:00", zone="Asia/Kathmandu", start_time="08:00") == [(2, 60), (1, 60)]


def test_dates_include_the_first_day_and_exclude_the_last() -> None:
    limits = {"start_date": "2026-03-02", "end_date": "2026-03-03"}
    assert split("2026-03-01 23:00", hours=26, **limits) == [(2, 60), (1, 1440), (2, 60)]


def test_days_of_the_week_are_local() -> None:
    assert split("2026-03-01 23:00", day_of_week=["MONDAY"]) == [(2, 60), (1, 60)]
    assert split("2026-03-01 23:00", day_of_week=["MONDAY", "SUNDAY"]) == [(1, 120)]


def test_duration_counts_parking_and_holding_back_too() -> None:
    content = tariff(element(TIME_1, max_duration=3600), element(TIME_2, min_duration=3600))
    report = rated(content, "2026-03-02 10:00", charging(30), parking(10), neither(10), charging(20))
    assert lines_of(report) == [
        ("TIME", 1, Decimal("0.5")),
        ("TIME", 1, Decimal(10) / 60),
        ("TIME", 2, Decimal(10) / 60),
    ]


def test_a_duration_reached_inside_a_period_splits_it() -> None:
    assert split("2026-03-02 10:00", min_duration=1800, max_duration=5400) == [(2, 30), (1, 60), (2, 30)]


def test_energy_so_far_splits_at_the_interpolated_instant() -> None:
    content = tariff(element(ENERGY_1, TIME_1, max_kwh=4), element(ENERGY_2, TIME_2, min_kwh=4))
    report = rated(content, "2026-03-02 10:00", charging(60, "12"))
    assert [(str(line.dimension), line.element, line.quantity) for line in report.lines] == [
        ("ENERGY", 1, 4),
        ("TIME", 1, Fraction(1, 3)),
        ("ENERGY", 2, 8),
        ("TIME", 2, Fraction(2, 3)),
    ]


def test_an_instant_that_no_microsecond_hits_keeps_the_sum_exact() -> None:
    content = tariff(element(TIME_1, max_kwh=1), element(TIME_1))
    report = rated(content, "2026-03-02 10:00", charging(60, "7"))
    assert [line.quantity for line in report.lines] == [Fraction(1, 7), Fraction(6, 7)]
    assert report.excl == 1


def test_power_is_compared_with_both_ends_of_its_range() -> None:
    content = tariff(element(ENERGY_1, min_power=10, max_power=20), element(ENERGY_2))
    power = [charging(10, "1", power_kw=kw) for kw in (9, 10, 19, 20)]
    found: list[Any] = [(line.element, line.quantity) for line in rated(content, "2026-03-02 10:00", *power).lines]
    assert found == [(2, 1), (1, 2), (2, 1)]


def test_current_is_compared_likewise() -> None:
    content = tariff(element(ENERGY_1, max_current=32), element(ENERGY_2, min_current=32))
    current = [charging(10, "1", current_a=a) for a in (31, 32)]
    assert [line.element for line in rated(content, "2026-03-02 10:00", *current).lines] == [1, 2]


@pytest.mark.parametrize("limit", ["min_power", "max_power", "min_current", "max_current"])
def test_a_limit_on_what_is_not_known_does_not_match(limit: str) -> None:
    content = tariff(element(ENERGY_1, **{limit: 0 if limit.startswith("min") else 1000}), element(ENERGY_2))
    report = rated(content, "2026-03-02 10:00", charging(10, "1"))
    assert [line.element for line in report.lines] == [2]


def test_an_element_for_reservations_never_prices_a_session() -> None:
    content = tariff(element(TIME_1, reservation="RESERVATION"), element(TIME_2))
    assert [line.element for line in rated(content, "2026-03-02 10:00", charging(60)).lines] == [2]


def test_a_fee_is_charged_once_though_several_become_active() -> None:
    fee_1, fee_2 = component("FLAT", "1"), component("FLAT", "2")
    content = tariff(element(fee_1, end_time="11:00"), element(fee_2, start_time="11:00"))
    assert lines_of(rated(content, "2026-03-02 10:00", charging(120))) == [("FLAT", 1, Decimal(1))]
    assert lines_of(rated(content, "2026-03-02 11:00", charging(120))) == [("FLAT", 2, Decimal(1))]


def test_a_fee_that_becomes_active_later_is_charged_then() -> None:
    report = rated(tariff(element(component("FLAT", "1"), min_duration=3600)), "2026-03-02 10:00", charging(120))
    (line,) = report.lines
    assert line.from_us - report.start_us == 3600 * 10**6


def test_a_fee_that_would_start_at_the_very_end_is_not_charged() -> None:
    report = rated(tariff(element(component("FLAT", "1"), min_duration=7200)), "2026-03-02 10:00", charging(120))
    assert report.lines == ()


def test_a_session_without_duration_still_pays_fee_and_energy() -> None:
    content = tariff(element(component("FLAT", "1"), ENERGY_1, start_time="10:00", end_time="11:00"), element(ENERGY_2))
    assert lines_of(rated(content, "2026-03-02 10:00", charging(0, "2"))) == [
        ("FLAT", 1, Decimal(1)),
        ("ENERGY", 1, Decimal(2)),
    ]
    assert lines_of(rated(content, "2026-03-02 10:00", charging(0))) == [("FLAT", 1, Decimal(1))]


def test_energy_that_jumps_at_the_last_instant_has_the_price_before_it() -> None:
    content = tariff(element(ENERGY_1, end_time="11:00"), element(ENERGY_2))
    report = rated(content, "2026-03-02 10:00", charging(60, "1"), charging(0, "1"))
    assert lines_of(report) == [("ENERGY", 1, Decimal(2))]


def test_time_that_is_neither_costs_neither_time_nor_parking() -> None:
    content = tariff(element(TIME_1, component("PARKING_TIME", "1")))
    assert rated(content, "2026-03-02 10:00", neither(60)).lines == ()
    assert lines_of(rated(content, "2026-03-02 10:00", parking(60))) == [("PARKING_TIME", 1, Decimal(1))]


def test_an_open_tariff_with_a_hundred_years_is_priced() -> None:
    report = rated(tariff(element(TIME_1, day_of_week=["MONDAY"])), "2026-03-02 00:00", charging(60 * 24 * 365))
    assert report.excl == 24 * 52 + 24


def test_energy_that_jumps_at_the_last_instant_has_the_price_of_the_time_before() -> None:
    content = tariff(element(component("ENERGY", "1"), end_time="11:00"), element(component("ENERGY", "2")))
    assert rated(content, "2026-03-02 10:00", charging(60), charging(0, "1")).excl == 1
    assert rated(content, "2026-03-02 10:00", charging(60), charging(0, "1"), charging(1)).excl == 2
