"""Which CDRs of others can be priced, and what is said of those that cannot."""

import pytest

from tests.unit.cdr.foreign import PERIODS, TARIFF, cdr, compared, differing

OTHER = TARIFF.replace('"T-1"', '"T-2"').replace("0.25", "0.50")
WITHOUT_ID = PERIODS.replace('"tariff_id": "T-1",', "")
NO_ELEMENTS = '[{"id": "T-1", "currency": "EUR"}]'
TWO_PERIODS = f"""[{PERIODS[1:-1]}, {{"start_date_time": "%s", "tariff_id": "%s",
                   "dimensions": [{{"type": "ENERGY", "volume": 1}}]}}]"""


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"currency": ""}, "$.currency: is missing"),
        ({"currency": '"EURO"'}, "$.currency: 'EURO' is no currency code of ISO 4217"),
        ({"currency": '"CHF"'}, "$.currency: 'CHF' is not the tariff's EUR"),
        ({"total_cost": ""}, "$.total_cost: is missing"),
        ({"total_cost": '{"excl_vat": "3.13"}'}, "$.total_cost.excl_vat: is not a number"),
        ({"total_cost": '{"excl_vat": 1e20}'}, "$.total_cost.excl_vat: 1E+20 is outside of -999999999999"),
        ({"total_cost": '{"before_taxes": 1, "taxes": [{}]}'}, "$.total_cost.taxes[0].amount: is missing"),
        ({"total_cost": "3.13"}, "$.total_cost: is a number, not an object"),
        ({"total_energy": "-1"}, "$.total_energy: -1 is outside of 0 to"),
        ({"tariffs": ""}, "$.tariffs: is missing: the tariff must be given"),
        ({"tariffs": NO_ELEMENTS}, "$.tariffs[0].elements: is missing or empty"),
        ({"tariffs": f"[{OTHER}]"}, "$.charging_periods[0].tariff_id: 'T-1' is none of the CDR's tariffs"),
        (
            {"tariffs": f"[{TARIFF}, {OTHER}]", "charging_periods": WITHOUT_ID},
            "$.charging_periods[0].tariff_id: is missing, and the CDR has 2 tariffs",
        ),
        ({"charging_periods": ""}, "$.charging_periods: is missing or empty"),
        (
            {"charging_periods": TWO_PERIODS % ("2026-10-05T07:59:59Z", "T-1")},
            "$.charging_periods[1].start_date_time: is before charging_periods[0].start_date_time",
        ),
        ({"end_date_time": '"2026-10-05T07:00:00Z"'}, "$.end_date_time: is before charging_periods[0]"),
        ({"cdr_location": ""}, "$.cdr_location: is missing: without it the time zone must be given"),
        ({"cdr_location": '{"country": "USA"}'}, "$.cdr_location.country: 'USA' has no single time zone"),
        ({"cdr_location": '{"time_zone": "Mars/Base"}'}, "$.cdr_location.time_zone: 'Mars/Base' is no IANA time zone"),
    ],
)
def test_what_keeps_a_cdr_from_being_priced_is_named_with_its_path(changes: dict[str, str], error: str) -> None:
    with pytest.raises(ValueError) as raised:
        compared(cdr(**changes))
    assert str(raised.value).startswith(error)


def test_a_given_zone_makes_up_for_a_country_with_many() -> None:
    assert differing(compared(cdr(cdr_location='{"country": "USA"}'), time_zone_given="America/New_York")) == []


def test_a_period_without_a_tariff_takes_the_only_one() -> None:
    assert differing(compared(cdr(charging_periods=WITHOUT_ID))) == []


def test_periods_choose_among_the_tariffs_by_id_in_any_case() -> None:
    periods = PERIODS.replace('"T-1"', '"t-2"')
    total = '{"excl_vat": 6.25, "incl_vat": 7.50}'
    assert differing(compared(cdr(total, tariffs=f"[{TARIFF}, {OTHER}]", charging_periods=periods))) == []


def test_one_tariff_prices_a_session() -> None:
    periods = TWO_PERIODS % ("2026-10-05T08:30:00Z", "T-2")
    with pytest.raises(ValueError, match=r"charging_periods\[1\].tariff_id: 'T-2' is another tariff than before"):
        compared(cdr(tariffs=f"[{TARIFF}, {OTHER}]", charging_periods=periods))


def test_numbers_of_a_cdr_are_read_as_decimals() -> None:
    assert compared(cdr()).report.excl_minor == 313
