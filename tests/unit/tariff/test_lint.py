"""Each kind of finding: the tariff that has it, the neighbour that has not."""

from decimal import Decimal
from typing import Any

import pytest

from ledger.tariff.lint.finding import Code
from ledger.tariff.lint.lint import lint
from ledger.tariff.parse import TariffError
from tests.unit.tariff.build import Json, component, element, tariff

ENERGY = component("ENERGY", "0.30", "19")
TIME = component("TIME", "3", "19")
PARKING = component("PARKING_TIME", "6", "19")
FLAT = component("FLAT", "1", "19")
WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]


def found(content: Json) -> list[tuple[str, str]]:
    return [(finding.path, finding.code.value) for finding in lint(content)]


def texts(content: Json, code: Code) -> list[str]:
    return [finding.text for finding in lint(content) if finding.code is code]


def test_a_sound_tariff_has_no_findings() -> None:
    assert found(tariff(element(ENERGY, TIME, start_time="08:00", end_time="20:00"), element(ENERGY, TIME))) == []


def test_a_finding_is_one_line_with_path_and_code() -> None:
    (finding,) = lint(tariff(element(component("ENERGY", "0.30"))))
    expected = "$.elements[0].price_components[0].vat: VAT_MISSING: ENERGY names no VAT rate: the price after tax is "
    assert str(finding) == expected + "not known"


@pytest.mark.parametrize(
    ("restrictions", "field"),
    [
        ({"min_kwh": 20, "max_kwh": 20}, "max_kwh"),
        ({"max_kwh": 0}, "max_kwh"),
        ({"min_power": 22, "max_power": 11}, "max_power"),
        ({"min_current": 16, "max_current": 16}, "max_current"),
        ({"min_duration": 60, "max_duration": 30}, "max_duration"),
        ({"start_date": "2026-03-02", "end_date": "2026-03-02"}, "end_date"),
        ({"start_date": "2026-03-02", "end_date": "2026-03-07", "day_of_week": ["SUNDAY", "SATURDAY"]}, "day_of_week"),
    ],
)
def test_contradictory_restrictions_never_match(restrictions: dict[str, Any], field: str) -> None:
    content = tariff(element(TIME, **restrictions), element(TIME))
    assert found(content) == [(f"$.elements[0].restrictions.{field}", "NEVER_MATCHES")]


@pytest.mark.parametrize(
    "restrictions",
    [
        {"min_kwh": 20, "max_kwh": Decimal("20.000001")},
        {"min_power": 11, "max_power": 22},
        {"start_date": "2026-03-02", "end_date": "2026-03-08", "day_of_week": ["SATURDAY"]},
        {"start_date": "2026-03-02", "end_date": "2026-03-03", "start_time": "22:00", "end_time": "06:00"},
    ],
)
def test_restrictions_that_something_meets_are_no_finding(restrictions: dict[str, Any]) -> None:
    assert Code.NEVER_MATCHES not in {finding.code for finding in lint(tariff(element(TIME, **restrictions)))}


def test_an_element_after_an_unrestricted_one_never_applies() -> None:
    assert found(tariff(element(ENERGY), element(ENERGY, min_kwh=10))) == [("$.elements[1]", "SHADOWED")]


def test_shadows_are_judged_per_dimension() -> None:
    content = tariff(element(ENERGY), element(ENERGY, TIME))
    assert found(content) == [("$.elements[1].price_components[0]", "SHADOWED")]


def test_elements_that_cover_the_week_together_shadow_a_third() -> None:
    day, night = (
        element(ENERGY, start_time="06:00", end_time="22:00"),
        element(ENERGY, start_time="22:00", end_time="06:00"),
    )
    (text,) = texts(tariff(day, night, element(ENERGY)), Code.SHADOWED)
    assert "ENERGY of elements 1, 2 before it" in text
    assert found(tariff(day, element(ENERGY))) == []


def test_power_below_and_above_leave_room_for_periods_without_power() -> None:
    content = tariff(element(ENERGY, max_power=11), element(ENERGY, min_power=11), element(ENERGY))
    assert found(content) == []


def test_energy_bands_that_meet_cover_everything() -> None:
    content = tariff(element(ENERGY, max_kwh=10), element(ENERGY, min_kwh=10), element(ENERGY, min_duration=60))
    assert found(content) == [("$.elements[2]", "SHADOWED")]
    apart = tariff(element(ENERGY, max_kwh=10), element(ENERGY, min_kwh=11), element(ENERGY, min_duration=60))
    assert found(apart) == []


def test_a_late_fee_never_applies_where_another_is_due_at_the_start() -> None:
    late = tariff(element(FLAT, min_duration=3600), element(FLAT))
    assert found(late) == [("$.elements[0]", "SHADOWED")]
    assert found(tariff(element(FLAT, min_duration=3600), element(FLAT, max_power=11))) == []


def test_reservations_and_sessions_do_not_shadow_each_other() -> None:
    assert found(tariff(element(TIME, reservation="RESERVATION"), element(TIME))) == []


def test_a_reservation_prices_only_time_and_a_fee() -> None:
    content = tariff(element(FLAT, PARKING, reservation="RESERVATION"), element(ENERGY))
    assert found(content) == [("$.elements[0].price_components[1]", "NEVER_PRICED")]


def test_hours_that_overlap_in_part_are_found() -> None:
    content = tariff(
        element(ENERGY, start_time="08:00", end_time="20:00"),
        element(ENERGY, start_time="18:00", end_time="08:00"),
    )
    assert found(content) == [("$.elements[1].restrictions", "OVERLAPPING_HOURS")]


@pytest.mark.parametrize(
    "second",
    [
        {"start_time": "20:00", "end_time": "08:00"},  # no overlap
        {"day_of_week": WEEKDAYS},  # the first says an exception within these days
        {"start_time": "18:00", "end_time": "08:00", "min_kwh": 50},  # never at once
    ],
)
def test_exceptions_and_neighbours_do_not_overlap(second: dict[str, Any]) -> None:
    first = element(TIME, start_time="08:00", end_time="20:00", day_of_week=WEEKDAYS, max_kwh=50)
    content = tariff(first, element(TIME, **second), element(TIME))
    assert Code.OVERLAPPING_HOURS not in {finding.code for finding in lint(content)}


def test_hours_without_a_price_are_named_by_dimension() -> None:
    content = tariff(
        element(ENERGY, day_of_week=WEEKDAYS, start_time="06:00", end_time="22:00"),
        element(ENERGY, start_time="22:00", end_time="06:00", day_of_week=["MONDAY"]),
        element(TIME),
    )
    (text,) = texts(content, Code.MISSING_HOURS)
    assert text == (
        "ENERGY has no price at Tue Wed Thu Fri 00:00-06:00 22:00-24:00, Sat Sun 00:00-24:00: it costs nothing then"
    )


def test_a_season_without_a_price_is_named_by_its_dates() -> None:
    content = tariff(
        element(ENERGY, start_date="2026-01-01", end_date="2026-03-01"),
        element(ENERGY, start_date="2026-04-01"),
        element(FLAT, start_date="2026-01-01"),
    )
    (text,) = texts(content, Code.MISSING_HOURS)
    assert text.startswith(
        "ENERGY has no price from 2026-03-01 until 2026-04-01 (exclusive) at Mon Tue Wed Thu Fri Sat"
    )


@pytest.mark.parametrize(
    ("price", "is_exact"), [("3", True), ("2.40", True), ("2", False), ("0.1", False), ("0", True)]
)
@pytest.mark.parametrize("dimension", ["TIME", "PARKING_TIME"])
def test_a_price_per_hour_has_a_price_per_minute_with_an_end(dimension: str, price: str, is_exact: bool) -> None:
    paths = found(tariff(element(component(dimension, price, "19"))))
    assert paths == ([] if is_exact else [("$.elements[0].price_components[0].price", "MINUTE_PRICE_INEXACT")])


def test_energy_has_no_price_per_minute() -> None:
    assert found(tariff(element(component("ENERGY", "0.1", "19")))) == []


def test_a_step_of_zero_is_found() -> None:
    content = tariff(element(component("ENERGY", "0.30", "19", step_size=0)))
    assert found(content) == [("$.elements[0].price_components[0].step_size", "STEP_SIZE_ZERO")]


@pytest.mark.parametrize(("tax_included", "count"), [("NO", 1), ("YES", 1), ("N/A", 0)])
def test_a_price_names_its_vat_where_there_is_one(tax_included: str, count: int) -> None:
    assert len(lint(tariff(element(component("ENERGY", "0.30")), tax_included=tax_included))) == count


def test_what_costs_nothing_needs_no_vat() -> None:
    assert found(tariff(element(component("ENERGY", "0")))) == []


@pytest.mark.parametrize(
    ("excl", "incl", "is_found"),
    [
        ("1.00", "1.19", False),
        ("1.00", "1.10", True),
        ("0.42", "0.50", False),
        ("0.50", "0.50", True),
        ("0", "1", True),
    ],
)
def test_the_sides_of_a_bound_imply_the_rate_of_the_prices(excl: str, incl: str, is_found: bool) -> None:
    for names in (("excl_vat", "incl_vat"), ("before_taxes", "after_taxes")):
        bound = dict(zip(names, (Decimal(excl), Decimal(incl)), strict=True))
        expected = [("$.min_price", "BOUND_VAT")] if is_found else []
        assert found(tariff(element(ENERGY), min_price=bound)) == expected


def test_a_minimum_above_the_maximum_is_found() -> None:
    content = tariff(element(ENERGY), min_price={"excl_vat": Decimal(5)}, max_price={"excl_vat": Decimal(4)})
    assert found(content) == [("$.min_price", "BOUNDS_CROSSED")]


@pytest.mark.parametrize(
    ("fields", "restrictions", "is_found"),
    [
        ({"type": "AD_HOC_PAYMENT"}, {}, True),
        ({"type": "AD_HOC_PAYMENT"}, {"max_power": 50}, False),
        ({"type": "AD_HOC_PAYMENT", "valid_for": {"power_types": ["AC_3_PHASE"]}}, {}, False),
        ({"type": "REGULAR"}, {"min_power": 50}, False),
        ({}, {}, False),
        ({}, {"min_power": 50}, True),
        ({}, {"min_power": 22}, False),
        ({"valid_for": {"power_types": ["DC"]}}, {}, True),
    ],
)
def test_a_fee_per_session_is_no_ad_hoc_price_at_50_kw(
    fields: Json, restrictions: dict[str, Any], is_found: bool
) -> None:
    paths = found(tariff(element(ENERGY, FLAT, **restrictions), **fields))
    assert paths == ([("$.elements[0].price_components[1]", "AFIR_PRICE_PART")] if is_found else [])


def test_an_occupancy_fee_per_minute_is_allowed_at_50_kw() -> None:
    content = tariff(element(TIME, min_duration=2700), element(ENERGY, PARKING), type="AD_HOC_PAYMENT")
    assert found(content) == []


def test_charging_time_from_the_start_is_no_occupancy_fee() -> None:
    content = tariff(element(ENERGY, TIME), type="AD_HOC_PAYMENT")
    assert found(content) == [("$.elements[0].price_components[1]", "AFIR_PRICE_PART")]


def test_an_ad_hoc_price_at_50_kw_is_per_kwh() -> None:
    content = tariff(element(PARKING), type="AD_HOC_PAYMENT")
    assert found(content) == [("$.elements", "AFIR_NO_ENERGY_PRICE")]
    assert found(tariff(element(component("TIME", "0", "19")), type="AD_HOC_PAYMENT")) == []


def test_ad_hoc_price_parts_are_in_the_order_in_which_they_are_shown() -> None:
    content = tariff(element(FLAT, TIME, ENERGY, max_power=22), type="AD_HOC_PAYMENT")
    assert found(content) == [("$.elements[0].price_components", "AFIR_ORDER")]
    assert "order them ENERGY, TIME, FLAT" in texts(content, Code.AFIR_ORDER)[0]


def test_a_tariff_that_cannot_be_read_is_refused_with_its_path() -> None:
    with pytest.raises(TariffError, match=r"^\$.elements\[0\].price_components\[0\].price: is missing"):
        lint(tariff(element({"type": "ENERGY"})))


def test_a_price_for_every_quarter_hour_of_the_week_is_sound() -> None:
    quarters = [
        element(ENERGY, day_of_week=[day], start_time=clock(quarter), end_time=clock(quarter + 1))
        for day in (*WEEKDAYS, "SATURDAY", "SUNDAY")
        for quarter in range(96)
    ]
    assert found(tariff(*quarters)) == []
    assert found(tariff(*quarters, element(ENERGY))) == [("$.elements[672]", "SHADOWED")]


def clock(quarter: int) -> str:
    return f"{quarter % 96 // 4:02d}:{quarter % 4 * 15:02d}"
