"""What the messages about a session become."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.session.events import (
    MeterRecorded,
    Personal,
    Reservation,
    SessionEnded,
    SessionStarted,
    Signed,
    StateChanged,
)
from tests.unit.messages.samples import LEFT_OUT, STARTED, event, fact_of, reason


def test_quantities_become_whole_thousandths_of_thousandths() -> None:
    fact = fact_of(event("metered", data={"register_kwh": "999999999999.999999", "power_kw": "0.000001"}))
    assert isinstance(fact, MeterRecorded)
    assert fact.register_milliwh == 999_999_999_999_999_999
    assert fact.power_milliw == 1
    assert fact.current_microa == 16_000_000


@pytest.mark.parametrize("offset", ["Z", "+00:00", "-00:00"])
def test_the_time_of_the_source_is_kept_in_utc(offset: str) -> None:
    fact = fact_of(event("metered", time=f"2026-11-02T08:15:00.000001{offset}"))
    assert fact.occurred_at == datetime(2026, 11, 2, 8, 15, 0, 1, tzinfo=UTC)
    assert fact.occurred_at.tzinfo is UTC


def test_an_offset_is_taken_off() -> None:
    assert fact_of(event("metered", time="2026-11-02T09:15:00+01:00")) == fact_of(event("metered"))


def test_a_reading_needs_its_register_alone() -> None:
    fact = fact_of(event("metered", data=dict.fromkeys(event("metered")["data"], LEFT_OUT) | {"register_kwh": "1"}))
    absent = (fact.context, fact.power_milliw, fact.current_microa, fact.soc_percent, fact.seq_no, fact.signed)
    assert absent == (None,) * 6


def test_null_is_the_same_as_absent() -> None:
    optional = ["power_kw", "current_a", "soc_percent", "context", "seq_no", "signed"]
    nulls = fact_of(event("metered", data=dict.fromkeys(optional)))
    assert nulls == fact_of(event("metered", data=dict.fromkeys(optional, LEFT_OUT)))


def test_signed_data_are_kept_byte_for_byte() -> None:
    data = 'OCMF|{"FV":"1.0"}|\r\n\t "é" \\u0041' + "x" * 5000
    fact = fact_of(event("metered", data={"signed": {"encoding": "OCMF", "data": data}}))
    assert fact.signed == Signed(encoding="OCMF", data=data)


@pytest.mark.parametrize(
    "signed", [{}, "OCMF", {"encoding": "OCMF"}, {"data": "x"}, {"encoding": "OCMF", "data": "a\x00"}]
)
def test_a_signed_value_names_its_encoding_and_data(signed: Any) -> None:
    assert reason(event("ended", data={"signed": signed})).startswith("$.data.signed")


@pytest.mark.parametrize("state", ["Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle"])
def test_charging_states_are_those_of_ocpp(state: str) -> None:
    fact = fact_of(event("state-changed", data={"charging_state": state}))
    assert isinstance(fact, StateChanged)
    assert fact.charging_state == state


@pytest.mark.parametrize("state", ["charging", "Paused", "", None, 1, LEFT_OUT])
def test_another_charging_state_is_refused(state: Any) -> None:
    assert reason(event("state-changed", data={"charging_state": state})).startswith("$.data.charging_state: ")


def test_an_end_may_leave_its_reason_out() -> None:
    fact = fact_of(event("ended", data={"reason": LEFT_OUT, "seq_no": LEFT_OUT, "signed": LEFT_OUT}))
    assert fact == SessionEnded(
        source="/stations/NL*ABC*S0001",
        message_id="01JD0000000000000000000001",
        topic="ev.sessions.v1",
        partition=3,
        offset=42,
        occurred_at=datetime(2026, 11, 2, 8, 15, tzinfo=UTC),
        register_milliwh=1_256_000_000,
    )


@pytest.mark.parametrize(
    "field", ["location_id", "evse_uid", "connector_id", "time_zone", "country", "meter_id", "register_kwh"]
)
def test_a_start_needs_its_place_and_its_meter(field: str) -> None:
    assert reason(event("started", data={field: LEFT_OUT})) == f"$.data.{field}: is missing"


@pytest.mark.parametrize("payer", [{"account_id": None}, {"payment_id": "PAY-1"}, {"account_id": LEFT_OUT}])
def test_a_start_names_exactly_one_payer(payer: dict[str, Any]) -> None:
    assert reason(event("started", data=payer)) == "$.data: exactly one of account_id and payment_id must be given"


def test_the_person_of_an_ad_hoc_session_is_its_payment() -> None:
    fact = fact_of(event("started", data={"account_id": None, "payment_id": "PAY-1"}))
    assert (fact.account_id, fact.payment_id, fact.personal.person_id) == (None, "PAY-1", "PAY-1")


def test_the_token_stands_among_the_personal_fields_only() -> None:
    fact = fact_of(event("started", data={"cdr_token": {"uid": "012345678", "contract_id": "NL-ABC-1"}}))
    assert isinstance(fact, SessionStarted)
    cdr_token: dict[str, object] = {"contract_id": "NL-ABC-1", "uid": "012345678"}
    assert fact.personal == Personal(person_id="ACC-1", token_uid=STARTED["token_uid"], cdr_token=cdr_token)


@pytest.mark.parametrize(
    "zone", ["Europe/Nowhere", "europe/amsterdam", "../../etc/passwd", "localtime", "CEST", "", "+01:00"]
)
def test_the_zone_must_be_in_the_iana_database(zone: str) -> None:
    assert reason(event("started", data={"time_zone": zone})).startswith("$.data.time_zone: ")


@pytest.mark.parametrize("country", ["nl", "NLD", "N1", "", "ＮＬ"])
def test_a_country_is_two_capital_letters(country: str) -> None:
    assert reason(event("started", data={"country": country})).startswith("$.data.country: ")


@pytest.mark.parametrize("power_type", ["AC", "ac_3_phase", "DC "])
def test_a_power_type_is_one_of_ocpi(power_type: str) -> None:
    assert reason(event("started", data={"power_type": power_type})).startswith("$.data.power_type: ")


def test_a_reservation_is_kept_in_utc() -> None:
    stated = {"from": "2026-11-02T08:00:00+01:00", "until": "2026-11-02T08:00:00Z", "expired": True}
    fact = fact_of(event("started", data={"reservation": stated}))
    assert fact.reservation == Reservation(
        from_=datetime(2026, 11, 2, 7, tzinfo=UTC), until=datetime(2026, 11, 2, 8, tzinfo=UTC), expired=True
    )


@pytest.mark.parametrize(
    "change",
    [
        {"until": "2026-11-02T06:59:59Z"},
        {"until": "2026-11-31T08:00:00Z"},
        {"from": "2026-11-02T07:00:00"},
        {"from": None},
        {"expired": "false"},
        {"expired": 0},
        {"expired": None},
    ],
)
def test_a_reservation_runs_from_an_instant_until_a_later_one(change: dict[str, Any]) -> None:
    stated = {"from": "2026-11-02T07:00:00Z", "until": "2026-11-02T08:00:00Z", "expired": False, **change}
    assert reason(event("started", data={"reservation": stated})).startswith("$.data.reservation.")


def test_snapshots_are_the_same_in_whatever_order_their_keys_came() -> None:
    one = fact_of(event("started", data={"cdr_location": {"city": "Amsterdam", "coordinates": {"a": "1", "b": "2"}}}))
    two = fact_of(event("started", data={"cdr_location": {"coordinates": {"b": "2", "a": "1"}, "city": "Amsterdam"}}))
    assert list(one.cdr_location) == list(two.cdr_location) == ["city", "coordinates"]
    assert list(two.cdr_location["coordinates"]) == ["a", "b"]


@pytest.mark.parametrize("value", [52.1, 10**30, "a\x00", ["a\nb"], {"k\x00": 1}, "x" * 1001])
def test_snapshots_hold_nothing_that_could_not_be_stored_and_read_again(value: Any) -> None:
    assert reason(event("started", data={"cdr_location": {"x": value}})).startswith("$.data.cdr_location")


def test_the_tenant_is_default_unless_it_is_named() -> None:
    assert fact_of(event("started")).tenant == "default"
    assert fact_of(event("started", tenant=None)).tenant == "default"
    assert fact_of(event("started", tenant="north")).tenant == "north"
