"""Totals of others beside ours: when they differ, and what is said about it."""

from fractions import Fraction

import pytest

from tests.unit.cdr.foreign import cdr, compared, differing

UNTAXED = """[{"id": "T-1", "currency": "EUR", "elements": [{"price_components": [
              {"type": "ENERGY", "price": 0.25, "step_size": 1}]}]}]"""
NEGATIVE = '{"excl_vat": -3.13, "incl_vat": -3.75}'


@pytest.mark.parametrize("excl", ["3.125", "3.13", "3.1250", "3.1", "3"])
def test_a_total_agrees_when_it_is_ours_rounded_to_its_own_decimals(excl: str) -> None:
    assert differing(compared(cdr(f'{{"excl_vat": {excl}, "incl_vat": 3.75}}'))) == []


@pytest.mark.parametrize("excl", ["3.12", "3.1249", "3.14", "3.2", "4", "-3.13", "3.1300"])
def test_a_total_differs_when_it_is_not(excl: str) -> None:
    comparison = compared(cdr(f'{{"excl_vat": {excl}, "incl_vat": 3.75}}'))
    assert differing(comparison) == ["total_cost.excl_vat"]
    assert comparison.differences[0].ours == Fraction(25, 8)
    assert comparison.differences[0].because == "ENERGY 12.5 KWH × 0.25 = 3.125 (element 1: no restrictions)"


def test_amounts_with_fewer_decimals_than_the_currency_are_noted() -> None:
    comparison = compared(cdr('{"excl_vat": 3.1, "incl_vat": 3.75}'))
    assert [(coarse.name, str(coarse.theirs)) for coarse in comparison.coarse] == [("total_cost.excl_vat", "3.1")]
    assert compared(cdr('{"excl_vat": 3.13, "incl_vat": 3.75}')).coarse == ()


def test_a_difference_below_the_cent_is_said_to_be_one() -> None:
    comparison = compared(cdr('{"excl_vat": 3.1300, "incl_vat": 3.75}'))
    assert (comparison.costs_differ, comparison.is_below_minor_unit) == (True, True)
    comparison = compared(cdr('{"excl_vat": 3.17, "incl_vat": 3.75}'))
    assert (comparison.costs_differ, comparison.is_below_minor_unit) == (True, False)


def test_2_3_0_adds_its_taxes_to_the_amount_before() -> None:
    taxes = '{"before_taxes": 3.13, "taxes": [{"name": "VAT", "amount": 0.50}, {"name": "City", "amount": %s}]}'
    assert differing(compared(cdr(taxes % "0.12"))) == []
    assert differing(compared(cdr(taxes % "0.13"))) == ["total_cost.before_taxes + taxes"]
    assert differing(compared(cdr('{"before_taxes": 3.13}'))) == []


def test_quantities_are_compared_and_need_no_other_reading() -> None:
    comparison = compared(cdr(total_energy="12.6", total_time="1.01", total_parking_time="0.5"))
    assert differing(comparison) == ["total_energy", "total_time", "total_parking_time"]
    assert comparison.differences[0].because == "the ENERGY volumes of the charging periods added up"
    assert (comparison.costs_differ, comparison.explanations) == (False, ())


@pytest.mark.parametrize("total", ["total_energy_cost", "total_time_cost", "total_reservation_cost"])
def test_each_kind_of_cost_is_compared(total: str) -> None:
    names = differing(compared(cdr(**{total: '{"excl_vat": 9.99}'})))
    assert names == [f"{total}.excl_vat"]


def test_of_a_credit_cdr_only_the_total_cost_is_negated() -> None:
    credit = {"credit": "true", "credit_reference_id": '"C-0"', "total_energy_cost": '{"excl_vat": 3.13}'}
    assert differing(compared(cdr(NEGATIVE, **credit))) == []
    assert differing(compared(cdr(**credit))) == ["total_cost.excl_vat", "total_cost.incl_vat"]
    assert differing(compared(cdr(NEGATIVE))) == ["total_cost.excl_vat", "total_cost.incl_vat"]


def test_tax_that_no_price_names_is_a_difference() -> None:
    comparison = compared(cdr(tariffs=UNTAXED))
    assert differing(comparison) == ["total_cost.incl_vat"]
    assert comparison.differences[0].ours is None
    assert "unknown, as no VAT rate is named" in comparison.differences[0].because


def test_no_tax_at_all_agrees_with_prices_that_name_none() -> None:
    assert differing(compared(cdr('{"excl_vat": 3.13, "incl_vat": 3.13}', tariffs=UNTAXED))) == []


def test_a_long_derivation_is_cut() -> None:
    elements = ", ".join(
        f'{{"price_components": [{{"type": "ENERGY", "price": 0.{place}, "step_size": 1}}], '
        f'"restrictions": {{"max_kwh": {place}}}}}'
        for place in range(1, 10)
    )
    tariffs = f'[{{"id": "T-1", "currency": "EUR", "elements": [{elements}]}}]'
    because = compared(cdr('{"excl_vat": 1.00}', tariffs=tariffs)).differences[0].because
    assert because.endswith("; and 4 lines more")


def test_a_given_tariff_prices_in_place_of_the_cdrs_own() -> None:
    given = cdr()["tariffs"][0] | {"id": "OTHER"}
    given["elements"][0]["price_components"][0]["price"] = 1
    assert differing(compared(cdr(), tariff_given=given)) == ["total_cost.excl_vat", "total_cost.incl_vat"]
    assert differing(compared(cdr(tariffs=""), tariff_given=cdr()["tariffs"][0])) == []
