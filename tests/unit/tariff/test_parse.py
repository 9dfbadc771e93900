from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.tariff.model import Dimension, PriceLimit, ReservationType, TaxIncluded
from ledger.tariff.parse import TariffError, parse_tariff, tariff_hash
from ledger.values.canonical import read_json_decimals
from tests.unit.tariff.build import component, element, tariff

ENERGY = component("ENERGY", "0.25", "20")


def test_currency_and_elements_are_enough() -> None:
    parsed = parse_tariff({"currency": "EUR", "elements": [{"price_components": [{"type": "FLAT", "price": 1}]}]})
    assert parsed.elements[0].components[0].dimension is Dimension.FLAT
    assert (parsed.tax_included, parsed.price_min, parsed.priority) == (TaxIncluded.NO, None, 0)


def test_unknown_keys_of_a_tariff_are_ignored() -> None:
    assert parse_tariff(tariff(element(ENERGY), colour="blue")) == parse_tariff(tariff(element(ENERGY)))


def test_a_step_size_of_zero_counts_as_one() -> None:
    parsed = parse_tariff(tariff(element(component("FLAT", "0", step_size=0))))
    assert parsed.elements[0].components[0].step_size == 1


def test_all_restrictions_are_read_in_integers() -> None:
    parsed = parse_tariff(
        tariff(
            element(
                ENERGY,
                start_time="22:30", end_time="00:00", start_date="2026-01-01", end_date="2027-01-01",
                min_kwh=Decimal("0.5"), max_kwh=10, min_current=6, max_current=Decimal("32.0"),
                min_power=Decimal("3.7"), max_power=11, min_duration=60, max_duration=3600,
                day_of_week=["MONDAY", "SUNDAY"], reservation="RESERVATION",
            )
        )
    )  # fmt: skip
    limits = parsed.elements[0].restrictions
    assert (limits.start_minute, limits.end_minute) == (22 * 60 + 30, 1440)
    assert (limits.start_date, limits.end_date) == (date(2026, 1, 1), date(2027, 1, 1))
    assert (limits.energy_milliwh_min, limits.energy_milliwh_max) == (500_000, 10_000_000)
    assert (limits.current_microampere_min, limits.current_microampere_max) == (6_000_000, 32_000_000)
    assert (limits.power_milliwatt_min, limits.power_milliwatt_max) == (3_700_000, 11_000_000)
    assert (limits.duration_s_min, limits.duration_s_max) == (60, 3600)
    assert limits.days_of_week == frozenset({0, 6})
    assert limits.reservation is ReservationType.RESERVATION


def test_the_bounds_of_both_versions_are_one() -> None:
    older = parse_tariff(tariff(element(ENERGY), min_price={"excl_vat": 1, "incl_vat": Decimal("1.2")}))
    newer = parse_tariff(tariff(element(ENERGY), min_price={"before_taxes": 1, "after_taxes": Decimal("1.2")}))
    assert older.price_min == newer.price_min == PriceLimit(Decimal(1), Decimal("1.2"))


def test_where_a_tariff_may_be_chosen_is_kept() -> None:
    parsed = parse_tariff(tariff(element(ENERGY), valid_for={"groups": ["GOLD"], "evse_uids": []}, priority=-3))
    assert parsed.valid_for.groups == ("GOLD",)
    assert parsed.valid_for.evse_uids == ()
    assert parsed.valid_for.location_ids is None
    assert parsed.priority == -3
    assert (parsed.valid_from_us, parsed.valid_until_us) == (None, None)


def test_dates_of_a_tariff_are_utc_with_or_without_the_letter() -> None:
    dates = {"start_date_time": "1970-01-01T00:00:01Z", "end_date_time": "1970-01-01T00:00:02"}
    with pytest.raises(TariffError, match="outside of the years"):
        parse_tariff(tariff(element(ENERGY), **dates))
    parsed = parse_tariff(
        tariff(element(ENERGY), start_date_time="2000-01-01T01:00:00+01:00", end_date_time="2000-01-01T00:00:00")
    )
    assert parsed.valid_from_us == parsed.valid_until_us == 946_684_800_000_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "$: is an array, not an object"),
        (tariff(), "$.elements: is missing or empty"),
        (tariff(element(ENERGY)) | {"currency": None}, "$.currency: is missing"),
        (tariff(element(ENERGY)) | {"currency": "EURO"}, "$.currency: 'EURO' is no currency"),
        (tariff(element(ENERGY), tax_included="MAYBE"), "$.tax_included: 'MAYBE' is none of YES, NO, N/A"),
        (tariff(element()), "$.elements[0].price_components: is missing or empty"),
        (tariff(element(ENERGY, ENERGY)), "$.elements[0].price_components: has two prices of the same type"),
        (tariff({"price_components": {}}), "$.elements[0].price_components: is an object, not an array"),
        (tariff(element(ENERGY | {"prize": 1})), "$.elements[0].price_components[0].prize: is not known here"),
        (tariff(element(ENERGY | {"price": None})), "$.elements[0].price_components[0].price: is missing"),
        (tariff(element(ENERGY | {"price": "0.25"})), ".price: is a text, not a number"),
        (tariff(element(ENERGY | {"price": True})), ".price: is true or false, not a number"),
        (tariff(element(ENERGY | {"price": Decimal("-0.01")})), ".price: -0.01 is outside of 0 to"),
        (tariff(element(ENERGY | {"price": 10**9 + 1})), ".price: 1000000001 is outside of 0 to"),
        (tariff(element(ENERGY | {"price": Decimal("1E-13")})), ".price: 1E-13 has more than 12 decimals"),
        (tariff(element(ENERGY | {"vat": 101})), ".vat: 101 is outside of 0 to 100"),
        (tariff(element(ENERGY | {"type": "SOLAR"})), ".type: 'SOLAR' is none of ENERGY, TIME"),
        (tariff(element(ENERGY | {"type": None})), ".type: is missing"),
        (tariff(element(ENERGY | {"step_size": Decimal("1.5")})), ".step_size: 1.5 has more than 0 decimals"),
        (tariff(element(ENERGY, max_kw=5)), "$.elements[0].restrictions.max_kw: is not known here"),
        (tariff(element(ENERGY, start_time="24:00")), "$.elements[0].restrictions.start_time: '24:00' is no time"),
        (tariff(element(ENERGY, start_time="8:00")), ".start_time: '8:00' is no time"),
        (tariff(element(ENERGY, start_time="１0:00")), ".start_time: '１0:00' is no time"),
        (tariff(element(ENERGY, end_date="2026-02-30")), ".end_date: '2026-02-30' is no date"),
        (tariff(element(ENERGY, end_date="20260228")), ".end_date: '20260228' is no date"),
        (tariff(element(ENERGY, day_of_week=["MON"])), ".day_of_week[0]: 'MON' is none of MONDAY"),
        (tariff(element(ENERGY, day_of_week="MONDAY")), ".day_of_week: is a text, not an array"),
        (tariff(element(ENERGY, min_kwh=Decimal("1E-7"))), ".min_kwh: 1E-7 has more than 6 decimals"),
        (tariff(element(ENERGY, reservation="YES")), ".reservation: 'YES' is none of RESERVATION"),
        (tariff(element(ENERGY), min_price={}), "$.min_price.before_taxes: is missing"),
        (tariff(element(ENERGY), min_price=5), "$.min_price: is a number, not an object"),
        (
            tariff(element(ENERGY), max_price={"excl_vat": 1, "before_taxes": 2}),
            "$.max_price.before_taxes: 2 is not the excl_vat 1 beside it",
        ),
        (tariff(element(ENERGY), valid_for={"groups": [1]}), "$.valid_for.groups[0]: is a number, not a text"),
        (tariff(element(ENERGY), priority="1"), "$.priority: is no integer"),
        (tariff(element(ENERGY), start_date_time="2026-11-02"), "$.start_date_time: '2026-11-02' is no instant"),
        (tariff(element(ENERGY), end_date_time="2026-02-30T00:00:00Z"), "$.end_date_time: "),
        (tariff(element(ENERGY), end_date_time=0), "$.end_date_time: is a number, not a text"),
        (tariff(*[element(ENERGY)] * 1001), "$.elements: has 1001 elements, at most 1000"),
    ],
)
def test_an_error_names_the_path(content: Any, message: str) -> None:
    with pytest.raises(TariffError) as caught:
        parse_tariff(content)
    assert message in str(caught.value)


def test_numbers_written_differently_have_one_hash() -> None:
    texts = ('{"b": 0.50, "a": [1.0]}', '{"a":[1],"b":0.5}', '{"b":5e-1,"a":[1.00]}')
    assert len({tariff_hash(read_json_decimals(text)) for text in texts}) == 1
    assert tariff_hash({"b": 1}) != tariff_hash({"b": 2})
