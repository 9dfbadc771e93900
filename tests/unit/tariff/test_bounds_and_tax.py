"""Totals: tax on top or included, the two sides of min_price and max_price, the final rounding."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ledger.tariff.report import Report
from tests.unit.tariff.build import charging, component, element, rated, tariff


def cost(content: dict[str, Any], kwh: str = "10") -> Report:
    return rated(content, "2026-03-02 10:00", charging(60, kwh))


def of(*components: Any, **fields: Any) -> dict[str, Any]:
    return tariff(element(*components), **fields)


def limit(excl: str | None = None, incl: str | None = None) -> dict[str, Any]:
    return {"excl_vat": excl and Decimal(excl), "incl_vat": incl and Decimal(incl)}


def energy(vat: str | None = None) -> dict[str, Any]:
    return component("ENERGY", "1", vat)


def fee(unit_price: str, vat: str | None = None) -> dict[str, Any]:
    return component("FLAT", unit_price, vat)


def bound(report: Report) -> tuple[str, Any, Any, Any]:
    line = report.lines[-1]
    return str(line.dimension), line.vat_percent, line.excl, line.incl


def test_tax_is_added_line_by_line() -> None:
    report = cost(of(energy("10"), fee("2", "20")))
    assert (report.excl, report.incl) == (12, Fraction("13.4"))


def test_a_component_without_a_rate_adds_no_tax_and_is_named() -> None:
    report = cost(of(energy("10"), fee("2")))
    assert (report.excl, report.incl) == (12, 13)
    assert [str(report.lines[place].dimension) for place in report.lines_without_vat] == ["FLAT"]


def test_where_no_tax_is_named_the_amount_after_tax_is_unknown() -> None:
    report = cost(of(energy(), fee("2")))
    assert (report.excl, report.incl, report.incl_minor) == (12, None, None)
    assert len(report.lines_without_vat) == 2


def test_a_rate_of_a_component_that_was_not_used_names_no_tax() -> None:
    assert cost(of(energy(), component("PARKING_TIME", "1", "20"))).incl is None


def test_a_bound_after_tax_names_a_tax_though_it_does_not_bind() -> None:
    assert cost(of(energy(), max_price=limit(incl="100"))).incl == 10


def test_prices_that_include_tax_are_divided() -> None:
    report = cost(of(energy("25"), tax_included="YES"))
    assert (report.excl, report.incl) == (8, 10)


def test_prices_that_include_an_unknown_tax_have_no_amount_before_it() -> None:
    report = cost(of(energy("25"), fee("1"), tax_included="YES"))
    assert (report.excl, report.excl_minor, report.incl) == (None, None, 11)


def test_where_no_tax_applies_there_is_none_and_no_rate_is_missing() -> None:
    report = cost(of(energy("25"), fee("1"), tax_included="N/A"))
    assert (report.excl, report.incl, report.lines_without_vat) == (11, None, ())
    assert {line.vat_percent for line in report.lines} == {None}


def test_a_minimum_is_a_line_with_the_difference() -> None:
    report = cost(of(energy("20"), min_price=limit("15", "18")))
    assert bound(report) == ("MIN_PRICE", 20, 5, 6)
    assert (report.excl, report.incl) == (15, 18)


def test_a_maximum_is_a_line_with_a_negative_difference() -> None:
    report = cost(of(energy("20"), max_price=limit("5", "6")))
    assert bound(report) == ("MAX_PRICE", 20, -5, -6)
    assert (report.excl, report.incl) == (5, 6)


@pytest.mark.parametrize("side", [limit("10", "12"), limit("10"), limit(incl="12")])
def test_a_bound_that_is_met_exactly_adds_no_line(side: dict[str, Any]) -> None:
    assert len(cost(of(energy("20"), min_price=side, max_price=side)).lines) == 1


def test_a_side_without_a_bound_moves_by_the_rate() -> None:
    assert bound(cost(of(energy("20"), min_price=limit("15")))) == ("MIN_PRICE", 20, 5, 6)
    assert bound(cost(of(energy("20"), max_price=limit(incl="6")))) == ("MAX_PRICE", 20, -5, -6)


def test_each_side_has_its_own_bound() -> None:
    report = cost(of(energy("20"), max_price=limit("100", "11")))
    assert bound(report) == ("MAX_PRICE", 20, 0, -1)
    assert (report.excl, report.incl) == (10, 11)


def test_the_category_with_the_greatest_net_takes_the_bound() -> None:
    assert bound(cost(of(energy("10"), fee("9", "20"), max_price=limit("9"))))[1:] == (10, -10, -11)
    assert bound(cost(of(energy("10"), fee("11", "20"), max_price=limit("11"))))[1:] == (20, -10, -12)


def test_equal_nets_take_the_higher_rate() -> None:
    assert bound(cost(of(energy("10"), fee("10", "20"), max_price=limit("10"))))[1] == 20


def test_without_a_line_the_first_rate_of_the_tariff_counts() -> None:
    content = tariff(
        element(component("TIME", "1"), max_power=1),
        element(component("PARKING_TIME", "1", "15")),
        min_price=limit("2", "2.3"),
    )
    assert bound(cost(content, "0")) == ("MIN_PRICE", 15, 2, Fraction("2.3"))


def test_without_a_line_and_a_tax_the_minimum_has_no_amount_after_tax() -> None:
    report = cost(of(component("PARKING_TIME", "1", "15"), min_price=limit("2")))
    assert (report.excl, report.incl) == (2, None)


def test_where_no_tax_applies_the_stricter_bound_holds() -> None:
    assert cost(of(energy("20"), tax_included="N/A", max_price=limit(incl="6"))).excl == 6
    assert cost(of(energy("20"), tax_included="N/A", max_price=limit("7", "6"))).excl == 6


def test_bounds_hold_for_prices_that_include_tax() -> None:
    report = cost(of(energy("25"), tax_included="YES", max_price=limit(incl="5")))
    assert (report.excl, report.incl) == (4, 5)
    unknown = cost(of(energy(), tax_included="YES", max_price=limit(incl="5")))
    assert (unknown.excl, unknown.incl) == (None, 5)


def test_a_maximum_below_the_minimum_wins() -> None:
    report = cost(of(energy("20"), min_price=limit("15"), max_price=limit("12")))
    assert [str(line.dimension) for line in report.lines] == ["ENERGY", "MIN_PRICE", "MAX_PRICE"]
    assert report.excl == 12


def test_the_total_is_rounded_once_half_up() -> None:
    report = cost(of(component("ENERGY", "0.1", "5"), fee("0.005", "0")), "10.1")
    assert (report.excl, report.excl_minor, report.incl_minor) == (Fraction("1.015"), 102, 107)


def test_the_minor_unit_is_the_currency_s() -> None:
    assert cost(of(component("ENERGY", "0.15"), currency="JPY")).excl_minor == 2
    assert cost(of(component("ENERGY", "0.15"), currency="BHD")).excl_minor == 1500


def test_the_cost_of_a_dimension_is_the_sum_of_its_lines() -> None:
    report = cost(of(energy("10"), fee("2", "20")))
    assert report.cost_of("ENERGY").incl == 11  # type: ignore[arg-type]
    assert report.cost_of("TIME").excl == 0  # type: ignore[arg-type]
