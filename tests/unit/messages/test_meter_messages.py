"""Messages about meters, and the facts they become."""

from typing import Any

import pytest

from tests.unit.messages.samples import LEFT_OUT, event, fact_of, reason


def test_registers_are_exact_and_a_register_may_begin_at_zero() -> None:
    fact = fact_of(event("replaced", data={"last_register_kwh": "0.000001"}))
    assert (fact.meter_id, fact.last_register_milliwh, fact.first_register_milliwh) == ("M-4711", 1, 0)


def test_a_configuration_is_the_full_new_state() -> None:
    fact = fact_of(event("configured", data={"roll_over_kwh": None, "unit": LEFT_OUT, "legal_metering": None}))
    assert (fact.roll_over_milliwh, fact.unit, fact.legal_metering) == (None, None, None)


def test_a_key_is_kept_byte_for_byte() -> None:
    assert fact_of(event("key-registered", data={"public_key": " 30 59\n"})).public_key == " 30 59\n"


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("key-registered", {"public_key": LEFT_OUT}, "$.data.public_key: is missing"),
        ("key-registered", {"encoding": ""}, "$.data.encoding: must be text"),
        ("key-registered", {"valid_from": "2026-01-01"}, "$.data.valid_from: must be"),
        ("key-registered", {"valid_from": "2026-13-01T00:00:00Z"}, "$.data.valid_from: "),
        ("replaced", {"new_meter_id": LEFT_OUT}, "$.data.new_meter_id: is missing"),
        ("replaced", {"last_register_kwh": 5}, "$.data.last_register_kwh: must be a JSON string"),
        ("replaced", {"first_register_kwh": "-1"}, "$.data.first_register_kwh: must be a quantity"),
        ("replaced", {"at": LEFT_OUT}, "$.data.at: is missing"),
        ("configured", {"roll_over_kwh": "0.000"}, "$.data.roll_over_kwh: must be above 0"),
        ("configured", {"roll_over_kwh": "1e6"}, "$.data.roll_over_kwh: must be a quantity"),
        ("configured", {"unit": "MWH"}, "$.data.unit: must be 'KWH' or 'WH'"),
        ("configured", {"legal_metering": "Germany"}, "$.data.legal_metering: must be"),
    ],
)
def test_a_message_of_another_shape_is_unreadable(kind: str, data: dict[str, Any], said: str) -> None:
    assert reason(event(kind, data=data)).startswith(said)
