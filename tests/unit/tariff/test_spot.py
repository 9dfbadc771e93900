"""Energy at spot prices: the value of each slot, and what happens without one."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import TariffError, parse_tariff
from ledger.tariff.periods import charging_periods
from ledger.tariff.policy import policies_of
from ledger.tariff.pricer import price
from ledger.tariff.readings import Readings
from ledger.tariff.report import Report
from ledger.tariff.report_json import report_json
from ledger.tariff.spot import PriceMissingError, Slot, SpotPrice
from tests.unit.tariff.build import BERLIN, MINUTE_US, Json, charging, component, element, local_us, periods, tariff

MONDAY = "2026-03-02 10:00"
START_US = local_us(MONDAY)


def spot(series: str = "NL-DA", **fields: Any) -> Json:
    return component("ENERGY", "0.30") | {"spot": {"series": series} | fields}


def quarter(place: int, per_kwh: str) -> Slot:
    """A quarter of an hour, counted from MONDAY."""
    from_us = START_US + place * 15 * MINUTE_US
    return (from_us, from_us + 15 * MINUTE_US, Decimal(per_kwh))


def at_prices(
    content: Json, *stretches: Json, slots: list[Slot], groups: tuple[str, ...] = (), **chosen: str
) -> Report:
    compiled = compile_tariff(parse_tariff(content), BERLIN, groups)
    return price(compiled, periods(START_US, *stretches), policies_of(chosen), {"NL-DA": slots})


HOUR = [quarter(0, "0.10"), quarter(1, "0.20"), quarter(2, "0.20"), quarter(3, "-0.05")]


def test_a_tariff_tells_the_series_that_it_follows() -> None:
    content = tariff(element(spot("B")), element(spot("A")), element(component("TIME", "1")))
    assert compile_tariff(parse_tariff(content), BERLIN).series == ("A", "B")
    assert compile_tariff(parse_tariff(tariff(element(component("TIME", "1")))), BERLIN).series == ()


def test_each_quarter_hour_has_its_price_and_equal_ones_are_one_line() -> None:
    report = at_prices(tariff(element(spot())), charging(60, "4"), slots=HOUR)
    assert [(line.unit_price, line.quantity) for line in report.lines] == [
        (Decimal("0.10"), 1),
        (Decimal("0.20"), 2),
        (Decimal("-0.05"), 1),
    ]
    assert report.excl == Fraction("0.45")


def test_a_price_is_the_slot_s_times_a_factor_plus_an_amount() -> None:
    content = tariff(element(spot(add="0.08", factor=Decimal("1.5"))))
    report = at_prices(content, charging(15, "2"), slots=HOUR)
    assert (report.lines[0].unit_price, report.excl) == (Decimal("0.23"), Fraction("0.46"))
    assert report.lines[0].because == "element 1: no restrictions; spot NL-DA 0.10 × 1.5 + 0.08"


def test_a_negative_price_pays_the_driver() -> None:
    report = at_prices(tariff(element(spot())), charging(15, "10"), slots=[quarter(0, "-0.20")])
    assert (report.excl, report.excl_minor) == (-2, -200)


def test_a_discount_is_on_the_price_of_the_slot_and_never_makes_a_negative_one_dearer() -> None:
    content = tariff(element(spot()), ev_extensions={"discounts": [{"dimension": "ENERGY", "percent": 50}]})
    report = at_prices(content, charging(60, "4"), slots=HOUR)
    assert [line.unit_price for line in report.lines] == [Decimal("0.05"), Decimal("0.1"), Decimal("-0.05")]


def test_the_values_used_are_told_so_that_they_can_be_stored() -> None:
    report = at_prices(tariff(element(spot())), charging(20, "4"), slots=HOUR)
    assert report.spot_prices == tuple(SpotPrice("NL-DA", *slot) for slot in HOUR[:2])
    assert report_json(report)["spot_prices"][1] == {
        "series": "NL-DA",
        "from": "2026-03-02T09:15:00Z",
        "until": "2026-03-02T09:30:00Z",
        "per_kwh": "0.2",
    }


def test_a_missing_slot_is_named_with_its_instant() -> None:
    with pytest.raises(PriceMissingError, match="no price of series NL-DA at 2026-03-02T09:15:00Z") as caught:
        at_prices(tariff(element(spot())), charging(60, "4"), slots=[HOUR[0], HOUR[2]])
    assert (caught.value.series, caught.value.instant_us) == ("NL-DA", START_US + 15 * MINUTE_US)


def test_a_slot_is_needed_only_where_energy_flows() -> None:
    report = at_prices(tariff(element(spot())), charging(15, "1"), charging(45), slots=HOUR[:1])
    assert report.excl == Fraction("0.10")
    assert report.spot_prices == (SpotPrice("NL-DA", *HOUR[0]),)


def test_a_slot_is_needed_only_where_its_component_applies() -> None:
    content = tariff(element(component("ENERGY", "1"), start_time="10:15"), element(spot()))
    assert at_prices(content, charging(30, "2"), slots=HOUR[:1]).excl == Fraction("1.10")


def test_a_new_spot_price_is_no_restriction_and_always_splits() -> None:
    report = at_prices(tariff(element(spot())), charging(60, "4"), slots=HOUR, restriction_scope="period_start")
    assert report.excl == Fraction("0.45")


def test_energy_between_readings_is_shared_between_slots() -> None:
    """Readings at 10:10 and 10:20: half of what flowed between them is in the second quarter."""
    samples = [(START_US + 10 * MINUTE_US, 1_000_000, None, None), (START_US + 20 * MINUTE_US, 3_000_000, None, None)]
    readings = Readings(START_US, 0, START_US + 30 * MINUTE_US, 3_000_000, samples)
    compiled = compile_tariff(parse_tariff(tariff(element(spot()))), BERLIN)
    report = price(compiled, charging_periods(readings, compiled), slots={"NL-DA": HOUR})
    assert [line.quantity for line in report.lines] == [2, 1]


def test_slots_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="the slots of series NL-DA overlap or are out of order"):
        at_prices(tariff(element(spot())), charging(60, "4"), slots=[HOUR[1], HOUR[0]])


def test_other_tariffs_need_no_slots() -> None:
    assert at_prices(tariff(element(component("ENERGY", "1"))), charging(60, "4"), slots=[]).excl == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (component("TIME", "1") | {"spot": {"series": "A"}}, "spot: has a meaning for ENERGY only, not for TIME"),
        (spot(price=1), "$.elements[0].price_components[0].spot.price: is not known here"),
        (spot(""), ".spot.series: is missing or no name of 1 to 255 printable ASCII characters"),
        (spot("NL DA"), ".spot.series: is missing or no name"),
        (spot(add="-0.01"), ".spot.add: '-0.01' is no number"),
        (spot(add="1e3"), ".spot.add: '1e3' is no number"),
        (spot(factor=-1), ".spot.factor: -1 is outside of 0 to 1000000"),
        (spot(add="99999999999"), ".spot.add: 99999999999 is outside of 0 to 1000000000"),
    ],
)
def test_an_error_names_the_path(given: Json, message: str) -> None:
    with pytest.raises(TariffError) as caught:
        parse_tariff(tariff(element(given)))
    assert message in str(caught.value)


def test_with_a_spot_price_the_price_shown_may_be_missing() -> None:
    content = spot()
    del content["price"]
    assert parse_tariff(tariff(element(content))).elements[0].components[0].price == 0
