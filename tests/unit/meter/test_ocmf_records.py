"""Reading a record, and the verdict on it."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.meter.ocmf.contents import Pagination, Reading
from ledger.meter.ocmf.parse import RECORD_BYTES_MAX, OcmfError, parse, records_in
from ledger.meter.ocmf.verify import Keys, verify, verify_text
from tests.meters import ANOTHER_SECRET, BEGIN, CURVE_NAMES, END, PAYLOAD, meter, payload, reading

P256 = meter("secp256r1")
STRANGER = meter("secp256r1", ANOTHER_SECRET)
RECORD = P256.record(PAYLOAD)


def unsigned(**fields: object) -> bytes:
    return b"OCMF|" + json.dumps({"PG": "T1", "RD": [BEGIN]} | fields).encode() + b'|{"SD":"00"}'


def read_one(**fields: object) -> Reading:
    (found,) = parse(unsigned(RD=[BEGIN | fields])).readings
    return found


def test_a_record_is_read_field_by_field() -> None:
    record = parse(RECORD)
    assert (record.pagination, record.meter_serial, record.faults) == (Pagination("T", 7), "M-4711", ())
    begin, end = record.readings
    assert (begin.transaction, end.transaction) == ("B", "E")
    assert (begin.taken_at, begin.time_status) == (datetime(2026, 11, 2, 8, tzinfo=UTC), "S")
    assert (end.value, end.unit, end.energy_milliwh) == (Decimal("20.125"), "kWh", 20_125_000)


def test_the_signed_bytes_are_kept_as_they_came() -> None:
    assert parse(b" \n" + RECORD + b"\r\n").payload == PAYLOAD
    assert parse(RECORD.decode()).payload == PAYLOAD


def test_a_reading_takes_over_what_it_leaves_out() -> None:
    record = parse(unsigned(RD=[BEGIN, {"RV": "13", "RI": "1-b:2.8.0"}, {"TX": "E", "RV": 14}]))
    assert [(r.transaction, r.identification, r.value) for r in record.readings] == [
        ("B", "1-b:1.8.0", Decimal("12.500")),
        ("B", "1-b:2.8.0", Decimal(13)),
        ("E", "1-b:2.8.0", Decimal(14)),
    ]


@pytest.mark.parametrize(
    ("value", "unit", "energy_milliwh"),
    [
        ("       9.038", "kWh", 9_038_000),
        ("00000000.000", "kWh", 0),
        (2850685, "Wh", 2_850_685_000),
        (Decimal("0.2596"), "kWh", 259_600),
        ("0.0000005", "kWh", Fraction(1, 2)),
        ("1", "mOhm", None),
        ("1", None, None),
        ("1,5", "kWh", None),
        (True, "kWh", None),
    ],
)
def test_a_value_is_exact_in_its_own_unit(value: object, unit: str | None, energy_milliwh: object) -> None:
    text = json.dumps({"PG": "T1", "RD": [BEGIN | {"RV": "@", "RU": unit}]})
    number = str(value) if isinstance(value, Decimal) else json.dumps(value)
    (found,) = parse(f"OCMF|{text.replace(json.dumps('@'), number)}|{{}}").readings
    assert found.energy_milliwh == energy_milliwh


def test_of_a_key_given_twice_the_last_counts() -> None:
    assert parse(b'OCMF|{"PG":"T1","PG":"T2"}|{}').pagination == Pagination("T", 2)


def test_a_number_keeps_the_decimals_it_was_written_with() -> None:
    record = parse('OCMF|{"PG":"T1","RD":[{"TM":"2026-11-02T08:00:00,000+0000 S","RV":2935.60}]}|{}')
    assert str(record.readings[0].value) == "2935.60"


@pytest.mark.parametrize(
    ("text", "taken_at", "status"),
    [
        ("2018-07-24T13:22:04,250+0200 S", datetime(2018, 7, 24, 11, 22, 4, 250_000, tzinfo=UTC), "S"),
        ("2018-07-24T13:22:04+0200 U", datetime(2018, 7, 24, 11, 22, 4, tzinfo=UTC), "U"),
        ("2018-07-24T13:22:04,000+0200", datetime(2018, 7, 24, 11, 22, 4, tzinfo=UTC), None),
        ("2018-07-24T13:22:04,000Z I", datetime(2018, 7, 24, 13, 22, 4, tzinfo=UTC), "I"),
        ("2018-02-30T13:22:04,000+0200 R", None, "R"),
        ("yesterday S", None, None),
    ],
)
def test_a_time_is_an_instant_and_the_state_of_the_clock(
    text: str, taken_at: datetime | None, status: str | None
) -> None:
    found = read_one(TM=text)
    assert (found.taken_at, found.time_status) == (taken_at, status)


@pytest.mark.parametrize(
    ("code", "is_register", "is_of_transaction"),
    [
        ("1-b:1.8.0", True, False),
        ("1-0:1.8.0*198", True, False),
        ("01-00:01.08.00.FF", True, False),
        ("01-00:B0.08.00*FF", True, False),
        ("01-00:B2.08.00*FF", False, True),
        ("1-b:2.8.0", False, False),
        ("1-0:1.7.0", False, False),
        ("power", False, False),
    ],
)
def test_the_import_register_is_known_by_its_obis_code(code: str, is_register: bool, is_of_transaction: bool) -> None:
    found = read_one(RI=code)
    assert (found.is_import_register, found.is_import_of_transaction) == (is_register, is_of_transaction)


def test_the_gateways_serial_names_a_meter_without_one() -> None:
    assert parse(unsigned(GS="G-1", MS="")).meter_serial == "G-1"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"PG": None}, "PG is missing"),
        ({"PG": "T01"}, "PG is not a context T or F and a number"),
        ({"PG": 5}, "PG is no text"),
        ({"RD": []}, "RD is no array of objects"),
        ({"IS": "yes"}, "IS is neither true nor false"),
        ({"IF": "RFID_NONE"}, "IF is no array of texts"),
        ({"RD": [BEGIN | {"RV": "x"}]}, "reading 1 RV is not a number"),
        ({"RD": [BEGIN | {"RV": []}]}, "reading 1 RV is no number"),
        ({"RD": [BEGIN, {"TM": "2018-02-30T13:22:04,000+0200 R"}]}, "reading 2 TM is no time of the calendar"),
    ],
)
def test_an_odd_field_is_noted_and_stops_nothing(fields: dict[str, object], fault: str) -> None:
    assert fault in parse(unsigned(**fields)).faults


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "does not begin with OCMF|"),
        (b'{"RD": []}', "does not begin with OCMF|"),
        (b"OCMF|{}", "2 sections"),
        (b"OCMF|{}|{}|{}", "4 sections"),
        (b"OCMF|[]|{}", "the payload is no JSON object"),
        (b"OCMF|{|{}", "the payload is no JSON"),
        (b'OCMF|{"GI":"a\\u0000b"}|{}', "U+0000"),
        (b"OCMF|{}|no", "the signature section is no JSON"),
        (b'OCMF|{"GI":"\xff"}|{}', "utf-8"),
        (b'OCMF|{"RV":NaN}|{}', "malformed"),
        (b'OCMF|{"RV":1e999999999}|{}', "out of range"),
        (b'OCMF|{"GI":' + b"[" * 100_000 + b"}|{}", "nested"),
        (b"OCMF|{" + b" " * RECORD_BYTES_MAX + b"}|{}", "at most"),
        ('OCMF|{"GI":"\ud800"}|{}', "utf-8"),
    ],
    ids=range(14),
)
def test_what_is_no_record_is_refused_in_one_line_and_never_valid(text: bytes | str, said: str) -> None:
    with pytest.raises(OcmfError, match=re.escape(said)) as refused:
        parse(text)
    assert "\n" not in str(refused.value)
    verdict, record = verify_text(text, Keys(registered=(P256.key,)))
    assert (verdict.outcome, record) == ("invalid", None)


def test_a_file_holds_records_with_anything_between_them() -> None:
    spaced = P256.record(PAYLOAD.replace(b"\n", b"\r\n\t "))
    content = b"<v>" + RECORD + b"</v>\n<v>" + spaced + b"</v>\nOCMF|{}|broken"
    assert list(records_in(content)) == [RECORD, spaced, b"OCMF|{}|broken"]
    assert list(records_in(b"nothing")) == []


@pytest.mark.parametrize("name", CURVE_NAMES)
def test_a_record_is_valid_with_the_key_of_its_meter_only(name: str) -> None:
    of, stranger = meter(name), meter(name, ANOTHER_SECRET)
    record = parse(of.record(PAYLOAD))
    assert verify(record, Keys(registered=(of.key,))).outcome == "valid"
    assert verify(record, Keys(registered=(stranger.key,))).outcome == "invalid"
    assert verify(record, Keys(registered=(stranger.key, of.key))).outcome == "valid"


def test_the_default_algorithm_is_secp256r1() -> None:
    verdict = verify(parse(P256.record(PAYLOAD, SA=None)), Keys(registered=(P256.key,)))
    assert (verdict.outcome, verdict.method) == ("valid", "ECDSA-secp256r1-SHA256")


def test_a_carried_key_counts_only_where_none_is_registered() -> None:
    record = parse(RECORD)
    carried = verify(record, Keys(carried=P256.key))
    assert (carried.outcome, carried.key_source) == ("valid", "carried")
    both = verify(record, Keys(registered=(STRANGER.key,), carried=P256.key))
    assert (both.outcome, both.key_source) == ("invalid", "registered")


@pytest.mark.parametrize(
    ("signature", "keys", "outcome"),
    [
        ({}, Keys(), "no_key"),
        ({}, Keys(carried="no key"), "no_key"),
        ({}, Keys(registered=("no key", P256.key)), "valid"),
        ({}, Keys(registered=(STRANGER.key, "no key")), "invalid"),
        ({"SA": "RSA"}, Keys(registered=(P256.key,)), "unsupported"),
        ({"SA": ""}, Keys(registered=(P256.key,)), "unsupported"),
        ({"SA": 5}, Keys(registered=(P256.key,)), "unsupported"),
        ({"SA": "RSA"}, Keys(), "unsupported"),
        ({"SA": "ECDSA-secp256k1-SHA256"}, Keys(registered=(P256.key,)), "invalid"),
        ({"SD": "zz"}, Keys(registered=(P256.key,)), "invalid"),
        ({"SD": None}, Keys(registered=(P256.key,)), "invalid"),
        ({"SD": 5}, Keys(registered=(P256.key,)), "invalid"),
        ({"SE": "base64"}, Keys(registered=(P256.key,)), "invalid"),
        ({"SE": "octal"}, Keys(registered=(P256.key,)), "invalid"),
        ({"SM": "text/plain"}, Keys(registered=(P256.key,)), "invalid"),
    ],
    ids=str,
)
def test_each_verdict_has_its_reason(signature: dict[str, object], keys: Keys, outcome: str) -> None:
    verdict = verify(parse(P256.record(PAYLOAD, **signature)), keys)
    assert verdict.outcome == outcome
    assert verdict.reason


def test_fields_that_cannot_be_read_leave_the_verdict_alone() -> None:
    odd = payload("T1", reading("B", "much", "2026-11-02T08:00:00"), END)
    record = parse(P256.record(odd))
    assert record.faults
    assert verify(record, Keys(registered=(P256.key,))).outcome == "valid"
