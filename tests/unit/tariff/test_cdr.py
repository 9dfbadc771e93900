from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ledger.tariff.cdr import CdrError, cdr_periods, cdr_time_zone
from ledger.tariff.parse import parse_tariff
from tests.unit.tariff.build import component, element, tariff

TARIFF = parse_tariff(tariff(element(component("ENERGY", "1"))))


def volumes(**given: Any) -> list[dict[str, Any]]:
    return [{"type": name, "volume": volume} for name, volume in given.items()]


def period(start: str, **given: Any) -> dict[str, Any]:
    return {"start_date_time": f"2026-03-02T{start}:00Z", "dimensions": volumes(**given)}


def cdr(*periods: Any, end: str = "12:00", **fields: Any) -> dict[str, Any]:
    return {"currency": "EUR", "end_date_time": f"2026-03-02T{end}:00Z", "charging_periods": list(periods)} | fields


def test_durations_come_from_instants_and_energy_as_given() -> None:
    first, second = cdr_periods(
        cdr(period("10:00", TIME=Decimal("0.1"), ENERGY=Decimal("1.2345")), period("11:30")), TARIFF
    )
    assert (first.duration_us, second.duration_us) == (5400 * 10**6, 1800 * 10**6)
    assert (first.energy_milliwh, second.start_energy_milliwh, second.energy_milliwh) == (1_234_500, 1_234_500, 0)


def test_energy_keeps_all_its_decimals() -> None:
    (found,) = cdr_periods(cdr(period("10:00", ENERGY=Decimal("0.0000001"))), TARIFF)
    assert found.energy_milliwh == Fraction(1, 10)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"TIME": 1}, "CHARGING"),
        ({"PARKING_TIME": 1}, "PARKING"),
        ({"TIME": 0}, "CHARGING"),
        ({"TIME": 0, "PARKING_TIME": 1}, "PARKING"),
        ({"TIME": 1, "PARKING_TIME": 0}, "CHARGING"),
        ({"TIME": 0, "PARKING_TIME": 0}, "NEITHER"),
        ({"ENERGY": 0}, "NEITHER"),
        ({"RESERVATION_TIME": 0}, "RESERVATION"),
        ({"RESERVATION_TIME": 0, "TIME": 1}, "CHARGING"),
        ({}, "NEITHER"),
    ],
)
def test_volumes_say_which_time_runs(given: dict[str, int], kind: str) -> None:
    (found,) = cdr_periods(cdr(period("10:00", **given)), TARIFF)
    assert found.kind == kind


def test_power_and_current_are_read_and_nothing_is_derived() -> None:
    (found,) = cdr_periods(cdr(period("10:00", ENERGY=5, MIN_POWER=3, MAX_CURRENT=Decimal("16.5"), POWER=4)), TARIFF)
    assert (found.power_milliwatt_min, found.power_milliwatt_max) == (3_000_000, None)
    assert (found.current_microampere_min, found.current_microampere_max) == (None, 16_500_000)


def test_an_instant_without_a_letter_is_utc() -> None:
    with_letter = cdr(period("10:00"))
    without = cdr({"start_date_time": "2026-03-02T10:00:00"}, end_date_time="2026-03-02T12:00:00")
    assert cdr_periods(with_letter, TARIFF) == cdr_periods(without, TARIFF)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x", "$: is a text, not an object"),
        (cdr(), "$.charging_periods: is missing or empty"),
        (cdr(period("10:00"), currency="USD"), "$.currency: 'USD' is not the tariff's EUR"),
        (cdr(period("10:00"), end_date_time=None), "$.end_date_time: is missing"),
        (cdr({"dimensions": []}), "$.charging_periods[0].start_date_time: is missing"),
        (
            cdr({"start_date_time": "20260302T100000Z"}),
            "$.charging_periods[0].start_date_time: '20260302T100000Z' is no",
        ),
        (cdr({"start_date_time": "1626-03-02T10:00:00Z"}), "outside of the years"),
        (cdr(period("13:00")), "$.end_date_time: is before charging_periods[0].start_date_time"),
        (
            cdr(period("10:00"), period("09:00")),
            "$.charging_periods[1].start_date_time: is before charging_periods[0].start_date_time",
        ),
        (cdr(period("10:00", ENERGY=-1)), "$.charging_periods[0].dimensions[0].volume: -1 is outside"),
        (cdr(period("10:00", TIME=1, PARKING_TIME=1)), "$.charging_periods[0].dimensions: TIME and PARKING_TIME"),
        (cdr(period("10:00", ENERGY=None)), "$.charging_periods[0].dimensions[0].volume: is missing"),
        (cdr(period("10:00") | {"dimensions": volumes(TIME=1) * 2}), "dimensions[1].type: TIME stands twice"),
        (
            cdr(period("10:00", RESERVATION_TIME=1, ENERGY=1)),
            "$.charging_periods[0].dimensions: ENERGY cannot flow in a period of RESERVATION_TIME",
        ),
        (
            cdr(period("10:00", TIME=1), period("11:00", RESERVATION_TIME=1)),
            "$.charging_periods[1].dimensions: RESERVATION_TIME comes after the session began",
        ),
    ],
)
def test_an_error_names_the_path(content: Any, message: str) -> None:
    with pytest.raises(CdrError) as caught:
        cdr_periods(content, TARIFF)
    assert message in str(caught.value)


def test_the_zone_given_goes_before_the_location_s() -> None:
    content = {"cdr_location": {"time_zone": "Europe/Lisbon", "country": "NLD"}}
    assert cdr_time_zone(content, "Europe/Berlin") == "Europe/Berlin"
    assert cdr_time_zone(content, None) == "Europe/Lisbon"
    assert cdr_time_zone({"cdr_location": {"country": "NLD"}}, None) == "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "$.cdr_location: is missing"),
        ({"cdr_location": {}}, "$.cdr_location.time_zone: is missing, and so is the country"),
        ({"cdr_location": {"country": "USA"}}, "$.cdr_location.country: 'USA' has no single time zone"),
        ({"cdr_location": {"time_zone": "Mars/Base"}}, "$.cdr_location.time_zone: 'Mars/Base' is no IANA time zone"),
    ],
)
def test_without_a_zone_there_is_no_cost(content: Any, message: str) -> None:
    with pytest.raises(CdrError) as caught:
        cdr_time_zone(content, None)
    assert message in str(caught.value)


def test_a_wrong_zone_is_named() -> None:
    with pytest.raises(CdrError, match="'Berlin' is no IANA time zone"):
        cdr_time_zone({}, "Berlin")
