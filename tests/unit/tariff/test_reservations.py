"""Reservations: OCPI's RESERVATION and RESERVATION_EXPIRES."""

from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.tariff.periods import charging_periods
from ledger.tariff.pricer import price
from ledger.tariff.readings import Readings, Reservation
from ledger.tariff.report_json import report_json
from tests.unit.tariff.build import (
    BERLIN,
    MINUTE_US,
    Json,
    charging,
    component,
    element,
    lines_of,
    local_us,
    parking,
    rated,
    reserved,
    tariff,
)  # fmt: skip

MONDAY = "2026-03-02 10:00"
START_US = local_us(MONDAY)


def for_reservation(*components: Json, **more: str) -> Json:
    return element(*components, reservation="RESERVATION", **more)


def for_expired(*components: Json, **more: str) -> Json:
    return element(*components, reservation="RESERVATION_EXPIRES", **more)


SESSION = element(component("TIME", "1"), component("FLAT", "0.5"))


def test_the_elements_of_a_session_do_not_apply_in_its_reservation() -> None:
    content = tariff(for_reservation(component("TIME", "5")), SESSION)
    assert lines_of(rated(content, MONDAY, reserved(15), charging(60))) == [
        ("RESERVATION_TIME", 1, Decimal("0.25")),
        ("FLAT", 2, Decimal(1)),
        ("TIME", 2, Decimal(1)),
    ]


def test_the_elements_of_a_reservation_do_not_apply_in_its_session() -> None:
    content = tariff(for_reservation(component("TIME", "5"), component("FLAT", "3")))
    assert lines_of(rated(content, MONDAY, charging(60))) == []


def test_the_fee_of_a_reservation_is_apart_from_the_session_s() -> None:
    content = tariff(for_reservation(component("FLAT", "3"), component("TIME", "3")), SESSION)
    report = rated(content, MONDAY, reserved(60), charging(60))
    assert [line.dimension for line in report.lines] == ["RESERVATION_FLAT", "RESERVATION_TIME", "FLAT", "TIME"]
    assert report.excl == Fraction("7.5")


def test_only_time_and_a_fee_are_priced_in_a_reservation() -> None:
    content = tariff(for_reservation(component("ENERGY", "9"), component("PARKING_TIME", "9")), SESSION)
    assert rated(content, MONDAY, reserved(15)).lines == ()


def test_what_was_not_used_has_expired() -> None:
    """RESERVATION_EXPIRES wins for each dimension, RESERVATION supplies the rest, the session's do not apply."""
    content = tariff(
        SESSION,
        for_reservation(component("TIME", "2"), component("FLAT", "1")),
        for_expired(component("FLAT", "4")),
    )
    assert lines_of(rated(content, MONDAY, reserved(60))) == [
        ("RESERVATION_FLAT", 3, Decimal(1)),
        ("RESERVATION_TIME", 2, Decimal(1)),
    ]


def test_what_was_used_has_not_expired() -> None:
    content = tariff(for_expired(component("FLAT", "4")), SESSION)
    assert [line.dimension for line in rated(content, MONDAY, reserved(60), charging(60)).lines] == ["FLAT", "TIME"]


def test_a_reservation_rounds_its_own_time() -> None:
    content = tariff(
        for_reservation(component("TIME", "6", step_size=600)),
        element(component("TIME", "1", step_size=3600), component("PARKING_TIME", "1", step_size=60)),
    )
    report = rated(content, MONDAY, reserved(22), charging(30), parking(10))
    assert [line.billed_quantity * 60 for line in report.lines] == [30, 30, 10]


def test_the_time_of_day_is_judged_at_each_instant_of_a_reservation() -> None:
    content = tariff(for_reservation(component("TIME", "6"), end_time="10:10"), for_reservation(component("TIME", "1")))
    report = rated(content, MONDAY, reserved(30), charging(60))
    assert [(line.element, line.quantity * 60) for line in report.lines] == [(1, 10), (2, 20)]


def test_a_duration_in_a_reservation_counts_from_its_own_start() -> None:
    content = tariff(
        element(component("TIME", "6"), reservation="RESERVATION", min_duration=900),
        element(component("TIME", "1"), min_duration=900),
    )
    report = rated(content, MONDAY, reserved(20), charging(20))
    assert [(line.element, line.quantity * 60) for line in report.lines] == [(1, 5), (2, 5)]


@pytest.mark.parametrize("stretches", [(reserved(60),), (reserved(60), charging(60))])
def test_bounds_are_those_of_the_whole(stretches: tuple[Json, ...]) -> None:
    content = tariff(for_reservation(component("TIME", "2")), element(component("TIME", "1")))
    content["min_price"], content["max_price"] = {"excl_vat": Decimal("2.5")}, {"excl_vat": Decimal("2.7")}
    assert rated(content, MONDAY, *stretches).excl == Fraction("2.5" if len(stretches) == 1 else "2.7")


def test_a_reservation_of_an_instant_has_its_fee() -> None:
    content = tariff(for_reservation(component("FLAT", "3")), SESSION)
    assert rated(content, MONDAY, reserved(0), charging(0)).excl == Fraction("3.5")


def test_the_time_of_the_session_is_told_without_that_of_the_reservation() -> None:
    content = tariff(for_reservation(component("TIME", "2")), SESSION)
    found = report_json(rated(content, MONDAY, reserved(30), charging(60), parking(15)))
    assert (found["total_time_h"], found["total_parking_time_h"]) == ("1.25", "0.25")
    assert found["total_reservation_time_h"] == "0.5"
    assert "total_reservation_time_h" not in report_json(rated(content, MONDAY, charging(60)))


def reading(from_minute: int, until_minute: int, *, expired: bool = False, minutes: int = 60) -> Readings:
    """A session from MONDAY on, reserved between two minutes before or after its start."""
    reservation = Reservation(START_US + from_minute * MINUTE_US, START_US + until_minute * MINUTE_US, expired)
    return Readings(START_US, 0, START_US + minutes * MINUTE_US, 0, reservation=reservation)


@pytest.mark.parametrize(
    ("readings", "minutes"),
    [
        (reading(-30, 0), 30),
        (reading(-30, 45), 30),
        (reading(-30, -10), 20),
        (reading(5, 45), None),
        (reading(-30, 0, expired=True), 30),
    ],
    ids=["until the start", "beyond the start", "over before the start", "after the start", "used after all"],
)
def test_a_reservation_is_billed_to_the_start_or_its_own_end(readings: Readings, minutes: int | None) -> None:
    first, *rest = charging_periods(readings)
    if minutes is None:
        assert (first.kind, rest) == (Kind.CHARGING, [])
    else:
        assert (first.kind, first.duration_us) == (Kind.RESERVATION, minutes * MINUTE_US)
        assert rest == charging_periods(Readings(START_US, 0, readings.end_us, 0))


def test_an_expired_reservation_is_followed_by_nothing() -> None:
    readings = reading(-30, 0, expired=True, minutes=0)
    assert charging_periods(readings) == [ChargingPeriod(START_US - 30 * MINUTE_US, START_US, Kind.RESERVATION, 0, 0)]
    content = tariff(for_expired(component("FLAT", "4")), SESSION)
    assert price(compile_tariff(parse_tariff(content), BERLIN), charging_periods(readings)).excl == 4
