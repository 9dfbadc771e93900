"""The readings that OCPI leaves open: the default, the other one, and what is neither."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ledger.tariff.cdr import cdr_periods
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.tariff.policy import DEFAULT, OPTIONS, POLICIES, Policies, PolicyError, policies_of
from ledger.tariff.pricer import price
from ledger.tariff.report import Report
from ledger.tariff.report_json import report_json
from tests.unit.tariff.build import (
    BERLIN,
    Json,
    charging,
    component,
    element,
    parking,
    rated,
    rated_by,
    reserved,
    tariff,
)  # fmt: skip

MONDAY = "2026-03-02 10:00"


def test_the_defaults_are_the_first_of_each_list() -> None:
    assert {name: readings[0] for name, readings in OPTIONS.items()} == POLICIES == DEFAULT.as_dict()
    assert policies_of({}) == DEFAULT


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"step": "parking"}, "policy 'step' is unknown: it is one of step_size_after_parking, power_unknown"),
        ({"rounding": "up"}, "policy rounding cannot be 'up': it is one of half_up_total, half_even_total"),
    ],
)
def test_what_is_not_known_is_named_with_what_is(chosen: dict[str, str], message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policies_of(chosen)
    assert message in str(caught.value)


def test_a_result_says_by_which_policies_it_was_made() -> None:
    report = rated_by(tariff(element(component("TIME", "1"))), MONDAY, charging(60), rounding="half_up_line")
    assert report.policies == Policies(rounding="half_up_line")
    assert report_json(report)["policies"] == {"rounding": "half_up_line"}
    assert "policies" not in report_json(rated(tariff(element(component("TIME", "1"))), MONDAY, charging(60)))


STEPS = tariff(element(component("TIME", "1", step_size=3600), component("PARKING_TIME", "2", step_size=600)))


@pytest.mark.parametrize(("policy", "minutes"), [("last_relevant", [60, 25]), ("parking", [30, 30])])
def test_whose_step_rounds_where_charging_follows_parking(policy: str, minutes: list[int]) -> None:
    report = rated_by(STEPS, MONDAY, parking(25), charging(30), step_size_after_parking=policy)
    assert sorted(line.billed_quantity * 60 for line in report.lines) == sorted(minutes)


@pytest.mark.parametrize("policy", OPTIONS["step_size_after_parking"])
def test_a_session_that_never_parked_rounds_what_it_charged(policy: str) -> None:
    (line,) = rated_by(STEPS, MONDAY, charging(30), step_size_after_parking=policy).lines
    assert line.billed_quantity == 1


@pytest.mark.parametrize(("policy", "cost"), [("no_match", 1), ("match", 2)])
@pytest.mark.parametrize("restriction", ["min_power", "max_power", "min_current", "max_current"])
def test_a_period_that_tells_no_power_or_current(policy: str, cost: int, restriction: str) -> None:
    content = tariff(element(component("TIME", "2"), **{restriction: 16}), element(component("TIME", "1")))
    assert rated_by(content, MONDAY, charging(60), power_unknown=policy).excl == cost


@pytest.mark.parametrize("policy", OPTIONS["power_unknown"])
def test_a_power_that_is_known_is_compared(policy: str) -> None:
    content = tariff(element(component("TIME", "2"), min_power=16), element(component("TIME", "1")))
    assert rated_by(content, MONDAY, charging(60, power_kw=15), power_unknown=policy).excl == 1


@pytest.mark.parametrize(("policy", "cost"), [("split", "3"), ("period_start", "2")])
@pytest.mark.parametrize("restriction", [{"end_time": "11:00"}, {"max_duration": 3600}, {"max_kwh": 10}])
def test_a_price_that_switches_inside_a_period(policy: str, cost: str, restriction: dict[str, Any]) -> None:
    content = tariff(element(component("TIME", "1"), **restriction), element(component("TIME", "2")))
    assert rated_by(content, MONDAY, charging(120, "20"), restriction_scope=policy).excl == Fraction(cost)


def cdr(*dimensions: tuple[str, str], end: str = "10:16") -> Json:
    volumes = [{"type": name, "volume": Decimal(volume)} for name, volume in dimensions]
    return {
        "end_date_time": f"2026-03-02T{end}:00Z",
        "charging_periods": [{"start_date_time": "2026-03-02T10:00:00Z", "dimensions": volumes}],
    }


def of_cdr(content: Json, cdr_content: Json, policy: str) -> Report:
    parsed, policies = parse_tariff(content), policies_of({"time_source": policy})
    return price(compile_tariff(parsed, BERLIN), cdr_periods(cdr_content, parsed, policies), policies)


@pytest.mark.parametrize(("policy", "minutes"), [("instants", 16), ("volumes", 17)])
@pytest.mark.parametrize("dimension", ["TIME", "PARKING_TIME"])
def test_hours_of_four_decimals_can_be_a_step_more(policy: str, minutes: int, dimension: str) -> None:
    """0.2667 h is 960.12 s, and sixteen minutes are 960 s."""
    content = tariff(element(component(dimension, "1", step_size=60)))
    (line,) = of_cdr(content, cdr((dimension, "0.2667")), policy).lines
    assert line.billed_quantity * 60 == minutes


def test_hours_of_a_volume_are_divided_by_the_instants() -> None:
    """Half of a period of two hours that says one hour is half an hour."""
    content = tariff(element(component("TIME", "1"), max_duration=3600), element(component("TIME", "3")))
    report = of_cdr(content, cdr(("TIME", "1"), end="12:00"), "volumes")
    assert [(line.element, line.quantity) for line in report.lines] == [(1, Fraction(1, 2)), (2, Fraction(1, 2))]


def test_a_volume_of_a_period_without_duration_counts() -> None:
    content = tariff(element(component("TIME", "1")))
    assert of_cdr(content, cdr(("TIME", "0.5"), end="10:00"), "volumes").excl == Fraction(1, 2)
    assert of_cdr(content, cdr(("TIME", "0.5"), end="10:00"), "instants").excl == 0


def test_hours_of_a_reservation_can_come_from_its_volume() -> None:
    content = tariff(element(component("TIME", "1"), reservation="RESERVATION"))
    assert of_cdr(content, cdr(("RESERVATION_TIME", "0.25")), "volumes").excl == Fraction(1, 4)


@pytest.mark.parametrize(("policy", "cost"), [("apply", 5), ("ignore", 1)])
def test_bounds_apply_or_are_ignored(policy: str, cost: int) -> None:
    content = tariff(element(component("TIME", "1")), min_price={"excl_vat": 5})
    assert rated_by(content, MONDAY, charging(60), price_bounds=policy).excl == cost


def two_prices(currency: str, first: str, second: str, fee: str = "0") -> Json:
    """Two lines of energy, one kWh each, and a fee."""
    return tariff(
        element(component("ENERGY", first), end_time="11:00"),
        element(component("ENERGY", second), component("FLAT", fee)),
    ) | {"currency": currency}


@pytest.mark.parametrize(
    ("content", "policy", "minor"),
    [
        (two_prices("EUR", "0.003", "0.003", "0.009"), "half_up_total", 2),
        (two_prices("EUR", "0.003", "0.003", "0.009"), "half_up_line", 1),
        (two_prices("EUR", "0.003", "0.003", "0.009"), "half_up_dimension", 2),
        (two_prices("EUR", "0.004", "0.004", "0.004"), "half_up_dimension", 1),
        (two_prices("EUR", "0.005", "0.020"), "half_up_total", 3),
        (two_prices("EUR", "0.005", "0.020"), "half_even_total", 2),
        (two_prices("EUR", "0.005", "0.030"), "half_even_total", 4),
        (two_prices("JPY", "0.5", "0.5"), "half_up_total", 1),
        (two_prices("JPY", "0.5", "0.5"), "half_up_line", 2),
        (two_prices("JPY", "0.5", "0"), "half_even_total", 0),
        (two_prices("BHD", "0.0005", "0.0005"), "half_up_line", 2),
        (two_prices("BHD", "0.0005", "0.0005"), "half_up_dimension", 1),
    ],
)
def test_where_and_how_amounts_are_rounded(content: Json, policy: str, minor: int) -> None:
    report = rated_by(content, MONDAY, charging(120, "2"), rounding=policy)
    assert report.excl_minor == minor


def test_amounts_after_tax_are_rounded_on_their_own() -> None:
    content = tariff(element(component("ENERGY", "0.01", "25"), component("TIME", "0.01", "25")))
    report = rated_by(content, MONDAY, charging(60, "1"), rounding="half_up_line")
    assert (report.excl_minor, report.incl_minor) == (2, 2)
    assert rated(content, MONDAY, charging(60, "1")).incl_minor == 3


def test_a_reservation_is_one_dimension_when_rounding() -> None:
    """OCPI has one total_reservation_cost."""
    content = tariff(element(component("TIME", "0.004"), component("FLAT", "0.004"), reservation="RESERVATION"))
    report = rated_by(content, MONDAY, reserved(60), charging(1), rounding="half_up_dimension")
    assert report.excl_minor == 1
