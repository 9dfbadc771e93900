"""Where a message and its signed record do not agree."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.meter.ocmf.parse import parse
from ledger.meter.ocmf.record import Record
from ledger.meter.signed_value import Stated, differences, signed_reading, signed_register
from tests.meters import BEGIN, END, payload

BEGAN = datetime(2026, 11, 2, 8, tzinfo=UTC)
ENDED = datetime(2026, 11, 2, 9, tzinfo=UTC)


def record(*readings: dict[str, Any], **fields: Any) -> Record:
    return parse(b"OCMF|" + payload("T7", *readings, **fields) + b"|{}")


WHOLE = record(BEGIN, END)


def fields(stated: Stated, of: Record = WHOLE) -> list[str]:
    return [difference.field for difference in differences(stated, of)]


def test_a_message_that_says_what_was_signed_agrees() -> None:
    assert fields(Stated(12_500_000, BEGAN, "M-4711")) == []
    assert fields(Stated(20_125_000, ENDED, "M-4711")) == []


def test_the_reading_nearest_in_time_is_meant() -> None:
    assert fields(Stated(20_125_000, BEGAN, "M-4711")) == ["register"]
    reading = signed_reading(WHOLE, ENDED - timedelta(minutes=29))
    assert reading is not None
    assert reading.taken_at == ENDED


def test_each_field_is_compared_for_itself() -> None:
    late = ENDED + timedelta(seconds=1)
    assert fields(Stated(20_125_001, ENDED, "M-4711")) == ["register"]
    assert fields(Stated(20_125_000, late, "M-4711")) == ["time"]
    assert fields(Stated(20_125_000, ENDED, "M-4712")) == ["meter"]
    assert fields(Stated(1, late, "M-4712")) == ["register", "time", "meter"]


def test_fractions_of_a_second_are_the_stations_own() -> None:
    assert fields(Stated(20_125_000, ENDED + timedelta(microseconds=999_999), "M-4711")) == []


def test_a_meter_is_known_by_either_serial() -> None:
    assert fields(Stated(20_125_000, ENDED, "G-1")) == []
    assert fields(Stated(20_125_000, ENDED, "M-1"), record(END, MS=None, GS="")) == []


def test_the_signed_records_own_unit_wins() -> None:
    in_wh = record(END | {"RV": 2850951, "RU": "Wh"})
    assert signed_register(in_wh, ENDED) == 2_850_951_000
    assert signed_register(WHOLE, ENDED) == 20_125_000
    (difference,) = differences(Stated(2_850_951, ENDED, "M-4711"), in_wh)
    assert str(difference) == "register is 2.850951 kWh in the message and 2850951 Wh in the signed record"


@pytest.mark.parametrize("readings", [(END | {"RI": "1-b:2.8.0"},), (END | {"RV": "x"},), (END | {"RU": "mOhm"},)])
def test_a_record_without_the_register_agrees_with_nothing(readings: tuple[dict[str, Any], ...]) -> None:
    assert fields(Stated(20_125_000, ENDED, "M-4711"), record(*readings)) == ["register"]
    assert signed_register(record(*readings), ENDED) is None


def test_energy_of_the_transaction_counts_where_there_is_no_register() -> None:
    of_transaction = END | {"RI": "01-00:B2.08.00*FF", "RV": "7.625"}
    assert signed_register(record(of_transaction), ENDED) == 7_625_000
    assert signed_register(record(of_transaction, END), ENDED) == 20_125_000
