"""Sessions as CDRs: what is written, what is not, and what OCPI's four decimals change."""

from base64 import b64decode
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evledger.cdrs import cdr_line
from ledger.cdr.comparing import compare
from ledger.cdr.foreign import read_foreign
from ledger.cdr.tariffs import CdrTariffs
from ledger.cdr.writing import differs_from_rating
from ledger.cdr.written_periods import written
from ledger.session.events import Personal, Signed
from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.values.canonical import read_json_decimals
from tests.unit.cdr.building import LOCATION, START, TOKEN, Json, cdr_of, ended, rated, reading, state, volumes
from tests.unit.tariff.build import component, element, local_us, tariff

ENERGY = component("ENERGY", "0.30", "21")
TIME = component("TIME", "3", "21")
PARKING = component("PARKING_TIME", "6", "21")
FLAT = component("FLAT", "1", "21")
BY_ENERGY = tariff(element(ENERGY))
NOWHERE = {"coordinates": {"latitude": "52.1"}}
OCMF = 'OCMF|{"PG":"T1"}|{"SD":"30"}'


def amounts(cdr: Json, name: str = "total_cost") -> dict[str, str]:
    return {side: str(amount) for side, amount in cdr[name].items()}


def test_a_session_becomes_a_valid_cdr() -> None:
    cdr = cdr_of(rated(BY_ENERGY, ended(60, "20")))
    assert cdr.faults == ()
    assert {name: cdr.content[name] for name in ("country_code", "party_id", "id", "session_id", "currency")} == {
        "country_code": "NL",
        "party_id": "ABC",
        "id": "S-1",
        "session_id": "S-1",
        "currency": "EUR",
    }
    assert (cdr.content["start_date_time"], cdr.content["end_date_time"]) == (START, "2026-10-05T09:00:00Z")
    assert cdr.content["last_updated"] == "2026-10-05T09:00:05Z"
    assert amounts(cdr.content) == {"excl_vat": "6.00", "incl_vat": "7.26"}


def test_2_3_0_writes_taxes_by_rate_that_add_up() -> None:
    content = tariff(element(component("ENERGY", "0.333", "21"), component("FLAT", "0.505", "6")))
    price = cdr_of(rated(content, ended(60, "1")), "2.3.0").content["total_cost"]
    taxes = {str(tax["percentage"]): str(tax["amount"]) for tax in price["taxes"]}
    assert (str(price["before_taxes"]), taxes) == ("0.84", {"6": "0.03", "21": "0.07"})


def test_each_kind_of_cost_has_its_total() -> None:
    content = tariff(element(ENERGY, TIME, PARKING, FLAT))
    cdr = cdr_of(rated(content, ended(60, "10"), reading(40, "10"), state(40, "SuspendedEV"))).content
    found = {name: amounts(cdr, name)["excl_vat"] for name in cdr if name.endswith("_cost")}
    assert found == {
        "total_cost": "8.00",
        "total_fixed_cost": "1.0000",
        "total_energy_cost": "3.0000",
        "total_time_cost": "2.0000",
        "total_parking_cost": "2.0000",
    }
    assert (str(cdr["total_time"]), str(cdr["total_parking_time"])) == ("1.0000", "0.3333")


def test_time_that_is_neither_charging_nor_parking_is_a_period_with_energy_alone() -> None:
    content = tariff(element(ENERGY, TIME, PARKING))
    cdr = cdr_of(rated(content, ended(60, "10"), reading(30, "10"), state(30, "SuspendedEVSE")))
    assert volumes(cdr) == [{"ENERGY": "10.0000", "TIME": "0.5000"}, {"ENERGY": "0.0000"}]


def test_a_price_that_switches_starts_a_period() -> None:
    content = tariff(element(ENERGY, start_time="08:00", end_time="10:15"), element(component("ENERGY", "0.20", "21")))
    cdr = cdr_of(rated(content, ended(60, "12")))
    starts = [period["start_date_time"] for period in cdr.content["charging_periods"]]
    assert starts == [START, "2026-10-05T08:15:00Z"]
    assert volumes(cdr) == [{"ENERGY": "3.0000", "TIME": "0.2500"}, {"ENERGY": "9.0000", "TIME": "0.7500"}]


def test_power_is_written_where_a_price_depends_on_it() -> None:
    content = tariff(element(ENERGY, min_power=7), element(component("ENERGY", "0.20", "21")))
    facts = [reading(30, "5", power_milliw=10_000_000), reading(60, "7", power_milliw=4_000_000)]
    cdr = cdr_of(rated(content, ended(60, "7"), *facts))
    assert [v["MIN_POWER"] for v in volumes(cdr)] == ["10.0000", "4.0000"]
    assert amounts(cdr.content)["excl_vat"] == "1.90"
    assert "MIN_POWER" not in volumes(cdr_of(rated(BY_ENERGY, ended(60, "7"), *facts)))[0]


def test_a_reservation_is_a_period_before_the_session() -> None:
    content = tariff(element(TIME, FLAT, reservation="RESERVATION"), element(ENERGY))
    at_us = local_us("2026-10-05 10:00", "Europe/Amsterdam")
    periods = [
        ChargingPeriod(at_us - 900_000_000, at_us, Kind.RESERVATION, 0, 0),
        ChargingPeriod(at_us, at_us + 3_600_000_000, Kind.CHARGING, 0, 5_000_000),
    ]
    described = written(periods, compile_tariff(parse_tariff(content), "Europe/Amsterdam"), "T-1")
    assert [period["dimensions"][0]["type"] for period in described.objects] == ["RESERVATION_TIME", "ENERGY"]
    assert (described.start_us, str(described.total_time)) == (at_us - 900_000_000, "1.0000")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"cdr_location": None}, "cdr_location is missing"),
        ({"cdr_location": LOCATION | {"city": ""}}, "cdr_location.city is missing"),
        ({"cdr_location": LOCATION | {"city": "x" * 46}}, "cdr_location.city has 46 characters, OCPI takes 45"),
        (
            {"cdr_location": LOCATION | {"coordinates": {"latitude": "1"}}},
            "cdr_location.coordinates.longitude is missing",
        ),
        ({"personal": Personal(person_id="P")}, "cdr_token is missing"),
        ({"personal": Personal(person_id="P", cdr_token=TOKEN)}, "cdr_token.uid is missing"),
        ({"auth_method": None}, "auth_method is missing"),
        ({"auth_method": "RFID"}, "auth_method 'RFID' is none of AUTH_REQUEST, COMMAND, WHITELIST"),
        ({"evse_uid": "E" * 37}, "cdr_location.evse_uid has 37 characters, OCPI takes 36"),
    ],
)
def test_what_ocpi_requires_and_a_session_lacks_is_named(changes: dict[str, Any], fault: str) -> None:
    assert cdr_of(rated(BY_ENERGY, ended(60, "1"), **changes)).faults == (fault,)


def test_an_id_that_is_too_long_is_named_wherever_it_stands() -> None:
    faults = cdr_of(rated(BY_ENERGY, ended(60, "1"), session_id="S" * 37)).faults
    assert faults == (
        "id has 37 characters, OCPI takes 36",
        "session_id has 37 characters, OCPI takes 36",
    )


def test_without_an_operator_the_tariffs_party_owns_the_cdr() -> None:
    named = BY_ENERGY | {"country_code": "DE", "party_id": "ALL"}
    cdr = cdr_of(rated(named, ended(60, "1"), operator_id="OP1")).content
    assert (cdr["country_code"], cdr["party_id"]) == ("DE", "ALL")
    faults = cdr_of(rated(BY_ENERGY, ended(60, "1"), operator_id=None)).faults
    assert faults[:2] == ("country_code is missing", "party_id is missing")


def test_the_tariff_gets_the_names_of_the_version() -> None:
    content = BY_ENERGY | {"min_price": {"before_taxes": Decimal(1), "after_taxes": Decimal("1.21")}, "priority": 3}
    older, newer = (
        cdr_of(rated(content, ended(60, "1")), version).content["tariffs"][0] for version in ("2.2.1", "2.3.0")
    )
    assert older["min_price"] == {"excl_vat": Decimal(1), "incl_vat": Decimal("1.21")}
    assert newer["min_price"] == {"before_taxes": Decimal(1), "after_taxes": Decimal("1.21")}
    assert ("tax_included" in older, newer["tax_included"]) == (False, "NO")
    assert "priority" not in older
    assert older["last_updated"] == "2026-09-01T00:00:00Z"


def test_prices_that_include_tax_have_no_words_in_2_2_1() -> None:
    source = rated(BY_ENERGY | {"tax_included": "YES"}, ended(60, "1"))
    assert cdr_of(source).faults == ("tariffs[0].tax_included YES has no word in OCPI 2.2.1: write version 2.3.0",)
    price = cdr_of(source, "2.3.0").content["total_cost"]
    assert (str(price["before_taxes"]), str(price["taxes"][0]["amount"])) == ("0.25", "0.05")


def test_an_amount_before_tax_that_is_not_known_is_a_missing_field() -> None:
    content = tariff(element(component("ENERGY", "0.30"))) | {"tax_included": "YES"}
    assert cdr_of(rated(content, ended(60, "1")), "2.3.0").faults == ("total_cost is missing",)


def test_where_no_tax_applies_2_2_1_names_no_rates() -> None:
    bounds = {"excl_vat": Decimal(2), "incl_vat": Decimal(3)}
    source = rated(BY_ENERGY | {"tax_included": "N/A", "min_price": bounds}, ended(60, "1"))
    cdr = cdr_of(source).content
    assert "vat" not in cdr["tariffs"][0]["elements"][0]["price_components"][0]
    assert amounts(cdr) == {"excl_vat": "3.00"}
    assert not differs_from_rating(cdr_of(source), source.rated)


def test_a_discount_of_the_payers_group_is_said_for_everybody() -> None:
    discounts = [
        {"dimension": "ENERGY", "percent": Decimal(10), "groups": ["GOLD"]},
        {"dimension": "ENERGY", "percent": Decimal(50), "groups": ["STAFF"]},
    ]
    source = rated(BY_ENERGY | {"ev_extensions": {"discounts": discounts}}, ended(60, "10"), groups=("GOLD",))
    cdr = cdr_of(source)
    assert cdr.content["tariffs"][0]["ev_extensions"] == {
        "discounts": [{"dimension": "ENERGY", "percent": Decimal(10)}]
    }
    assert amounts(cdr.content)["excl_vat"] == "2.70"
    assert not differs_from_rating(cdr, source.rated)


def test_spot_prices_have_no_words_in_ocpi() -> None:
    content = tariff(element(component("ENERGY", "0.30", "21") | {"spot": {"series": "NL-DA"}}))
    source = rated(BY_ENERGY, ended(60, "1"))
    source = source._replace(tariff=compile_tariff(parse_tariff(content), "Europe/Amsterdam"), tariff_content=content)
    assert cdr_of(source).faults == ("tariffs[0].elements follow the spot prices NL-DA, which OCPI has no words for",)


def test_a_later_revision_is_another_cdr() -> None:
    source = rated(BY_ENERGY, ended(60, "1"))
    assert cdr_of(source._replace(rated=msgspec.structs.replace(source.rated, revision=2))).content["id"] == "S-1-2"


def test_signed_values_are_written_as_the_station_sent_them() -> None:
    begin = reading(0, "0", context="Transaction.Begin", signed=Signed(encoding="OCMF", data=OCMF, public_key="3059"))
    other = reading(30, "1", signed=Signed(encoding="EDL", data="00"))
    end = ended(60, "2", signed=Signed(encoding="OCMF", data=OCMF, public_key="3059"))
    cdr = cdr_of(rated(BY_ENERGY, end, begin, other))
    assert cdr.faults == ()
    signed = cdr.content["signed_data"]
    assert (signed["encoding_method"], signed["public_key"]) == ("OCMF", "3059")
    assert [value["nature"] for value in signed["signed_values"]] == ["Start", "End"]
    assert signed["signed_values"][0]["plain_data"] == '{"PG":"T1"}'
    assert b64decode(signed["signed_values"][0]["signed_data"]).decode() == OCMF


def test_nothing_signed_writes_no_signed_data() -> None:
    assert "signed_data" not in cdr_of(rated(BY_ENERGY, ended(60, "1"))).content


def test_ten_kwh_and_a_bit_cost_less_with_four_decimals() -> None:
    content = tariff(element(component("ENERGY", "0.30", "21", step_size=1000)))
    source = rated(content, ended(60, "10.00004"))
    cdr = cdr_of(source)
    assert str(cdr.content["total_energy"]) == "10.0000"
    assert (source.rated.cost.excl_minor, amounts(cdr.content)["excl_vat"]) == (330, "3.00")
    assert differs_from_rating(cdr, source.rated)


def test_parts_of_energy_add_up_to_the_total_that_is_written() -> None:
    content = tariff(*[element(ENERGY, min_kwh=kwh) for kwh in (3, 2, 1)], element(ENERGY))
    cdr = cdr_of(rated(content, ended(60, "3.333333"), reading(7, "0.999999"), reading(31, "1.000049")))
    parts = [Decimal(v["ENERGY"]) for v in volumes(cdr)]
    assert len(parts) == 4
    assert sum(parts) == cdr.content["total_energy"] == Decimal("3.3333")


KWH = st.integers(0, 40_000_000).map(lambda milliwh: f"{milliwh // 1_000_000}.{milliwh % 1_000_000:06d}")
TARIFFS = [
    BY_ENERGY,
    tariff(element(ENERGY, TIME, PARKING, FLAT)),
    tariff(
        element(ENERGY, TIME, start_time="10:20", end_time="10:40"), element(component("ENERGY", "0.21", "6"), PARKING)
    ),
    tariff(element(ENERGY, min_power=11), element(ENERGY, TIME, max_current=16), element(PARKING, min_duration=1200)),
    tariff(element(component("ENERGY", "0.37", "21", 250)), min_price={"excl_vat": Decimal("2.5")}),
]


@settings(max_examples=60, deadline=None)
@given(
    content=st.sampled_from(TARIFFS),
    kwh=st.lists(KWH, min_size=2, max_size=6).map(sorted),
    parks_at=st.integers(0, 60),
    version=st.sampled_from(["2.2.1", "2.3.0"]),
)
def test_whoever_reads_our_cdr_computes_our_totals(content: Json, kwh: list[str], parks_at: int, version: str) -> None:
    *samples, last = sorted(kwh, key=Decimal)
    facts = [reading(7 * place + 5, sample) for place, sample in enumerate(samples)]
    cdr = cdr_of(rated(content, ended(60, last), *facts, state(parks_at, "SuspendedEV")), version)
    assert cdr.faults == ()
    comparison = compare(read_foreign(read_json_decimals(cdr_line(cdr)), CdrTariffs()))
    assert comparison.differences == ()
    energy = sum(Fraction(v["ENERGY"]) for v in volumes(cdr))
    assert energy == Fraction(cdr.content["total_energy"])
    parked = sum(Fraction(v.get("PARKING_TIME", 0)) for v in volumes(cdr))
    assert parked == Fraction(cdr.content["total_parking_time"])
