"""Input that is no message: each is unreadable, with a reason in one line that names the place."""

import json
from typing import Any

import pytest

from consumers.messages.fields import MAX_VALUE_BYTES
from ledger.intake.message import Message, Record, Unreadable
from tests.unit.messages.samples import LEFT_OUT, READER, SESSION_ID, event, fact_of, reason, record_of, to_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", "not JSON: EOF"),
        (b"\xff\xfe{}", "not UTF-8: byte 0"),
        (b'{"type": "ev.session.metered.v1", "id": "\xe9"}', "not UTF-8: byte 41"),
        (b"\xef\xbb\xbf{}", "not JSON: expected value"),
        (b"register 12", "not JSON"),
        (b"\x00\x01\x02", "not JSON"),
        (b"[]", "$: must be a JSON object"),
        (b"null", "$: must be a JSON object"),
        (b'"ev.session.metered.v1"', "$: must be a JSON object"),
        (b"{} {}", "not JSON: trailing characters"),
        (b"[" * 100_000, "not JSON: recursion limit exceeded"),
        (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, "not JSON: recursion limit exceeded"),
    ],
)
def test_bytes_that_are_no_json_object_are_unreadable(value: bytes, expected: str) -> None:
    assert reason(value).startswith(expected)


def test_nesting_inside_a_field_that_is_ignored_is_refused_too() -> None:
    value = to_json(event("metered"))
    deep = b'"extra": ' + b"[" * 100_000
    assert "recursion limit" in reason(value.replace(b'"data": {', deep + b', "data": {'))


@pytest.mark.parametrize("kind", ["metered", "opened", "published"])
def test_a_value_of_more_than_256_kib_is_refused_before_it_is_parsed(kind: str) -> None:
    small = to_json(event(kind))
    largest = small + b" " * (MAX_VALUE_BYTES - len(small))
    subject = str(event(kind)["subject"]).encode()
    assert isinstance(READER.read(record_of(largest, subject)), Message)
    assert reason(largest + b" ") == f"the value has {MAX_VALUE_BYTES + 1} bytes: at most {MAX_VALUE_BYTES} are read"


def test_a_value_of_300_kib_is_unreadable() -> None:
    assert reason(b"x" * 300 * 1024).startswith("the value has 307200 bytes")


def test_a_record_without_a_value_is_unreadable() -> None:
    arrival = READER.read(Record("ev.sessions.v1", 0, 0, SESSION_ID.encode(), None))
    assert isinstance(arrival, Unreadable)
    assert arrival.reason == "the record has no value"


QUANTITIES: list[Any] = [
    1237.25,
    1237,
    True,
    None,
    ["1"],
    "",
    "-1",
    "+1",
    "1e3",
    "1_000",
    " 1",
    "1 ",
    "1\n",
    "1.",
    ".5",
    "0x1",
    "NaN",
    "Infinity",
    "１２３４",
    "١٢",
    "1٫5",
    "1.1234567",
    "1234567890123",
    LEFT_OUT,
]


@pytest.mark.parametrize("kind", ["started", "metered", "ended"])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_register_must_be_a_string_of_ascii_digits(kind: str, quantity: Any) -> None:
    assert reason(event(kind, data={"register_kwh": quantity})).startswith("$.data.register_kwh: ")


@pytest.mark.parametrize("field", ["power_kw", "current_a", "soc_percent"])
@pytest.mark.parametrize("quantity", [11.0, 11, "-1", "１１", "1e1"])
def test_other_quantities_follow_the_same_rule(field: str, quantity: Any) -> None:
    assert reason(event("metered", data={field: quantity})).startswith(f"$.data.{field}: ")


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"NaN", b"Infinity", b"-Infinity", b"1" * 4000])
def test_numbers_beyond_every_range_are_refused_where_a_quantity_must_be(number: bytes) -> None:
    value = to_json(event("metered")).replace(b'"1237.250"', number)
    assert reason(value).startswith("$.data.register_kwh: must be a JSON string")


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_constants_that_json_does_not_have_are_refused_in_ignored_fields(constant: bytes) -> None:
    value = to_json(event("metered")).replace(b'"data"', b'"extra": [{"x": ' + constant + b'}], "data"')
    assert reason(value) == f"not JSON: {constant.decode()}"


def test_nan_within_a_text_is_only_text() -> None:
    assert fact_of(event("metered", data={"context": "NaN to Infinity"})).context == "NaN to Infinity"


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-02T08:15:00",
        "2026-11-02 08:15:00Z",
        "2026-11-02T08:15Z",
        "2026-11-02T08:15:00z",
        "2026-11-02T08:15:00+0100",
        "2026-11-02T08:15:00.1234567Z",
        "2026-11-02T08:15:00Z\n",
        "２０２６-11-02T08:15:00Z",
        "1700000000",
        1700000000,
        "2026-02-30T08:15:00Z",
        "2026-11-02T24:00:00Z",
        "2026-11-02T08:15:60Z",
        "2026-11-02T08:15:00+24:00",
        "1999-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "2000-01-01T00:00:00+00:01",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        None,
        LEFT_OUT,
    ],
)
def test_time_must_be_an_instant_with_its_offset_in_the_years_that_count(time: Any) -> None:
    assert reason(event("metered", time=time)).startswith("$.time: ")


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\tb", "\x1b[31m", "\x7f", "\x85", "x" * 1001, 5, {}])
def test_free_text_has_no_control_characters_and_an_end(text: Any) -> None:
    assert reason(event("metered", data={"context": text})).startswith("$.data.context: ")


@pytest.mark.parametrize("escape", [b'"\\ud800"', b'"\\udc00"', b'"\\ud800\\ud800"'])
def test_half_a_surrogate_pair_is_no_text(escape: bytes) -> None:
    assert reason(to_json(event("metered")).replace(b'"Sample.Clock"', escape)).startswith("not JSON: ")


@pytest.mark.parametrize("attribute", ["id", "source", "subject", "tenant"])
@pytest.mark.parametrize("text", ["", "a b", "a\nb", "é", "Ａ", "a\x00", "x" * 256, 7])
def test_ids_are_printable_ascii_without_spaces(attribute: str, text: Any) -> None:
    assert reason(event("metered", **{attribute: text})).startswith(f"$.{attribute}: ")


@pytest.mark.parametrize("kind", ["started", "metered", "state-changed", "ended"])
@pytest.mark.parametrize("seq_no", [-1, 2**31, 10**30, "1", 1.0, True])
def test_a_sequence_number_is_a_whole_number_of_31_bits(kind: str, seq_no: Any) -> None:
    assert reason(event(kind, data={"seq_no": seq_no})).startswith("$.data.seq_no: ")


@pytest.mark.parametrize("name", ["ev.session.paused.v1", "ev.session.metered.v2", "", "x" * 5000, "a\nb"])
def test_an_unknown_type_is_named(name: str) -> None:
    assert reason(event("metered", type=name)).startswith("$.type: type ")


@pytest.mark.parametrize("name", ["ev.session.paused.v1", "ev.session.resumed.v1"])
def test_a_type_of_a_later_version_is_not_handled(name: str) -> None:
    assert reason(event("metered", type=name)) == f"$.type: type '{name}' is not handled by this version"


@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "type", "subject", "time", "data"])
def test_a_missing_attribute_is_named(attribute: str) -> None:
    content = event("metered")
    del content[attribute]
    assert f"$.{attribute}: is missing" in reason(content)


def test_another_version_of_cloudevents_is_refused() -> None:
    assert reason(event("metered", specversion="0.3")).startswith("$.specversion: ")


def test_the_stated_type_decides_and_not_a_text_that_looks_like_one() -> None:
    ended = event("ended", data={"reason": 'ev.session.metered.v1", "type": "ev.session.metered.v1'})
    assert type(fact_of(ended)).__name__ == "SessionEnded"


@pytest.mark.parametrize("key", ['"type"', '"register_kwh"'])
def test_escaped_keys_are_the_same_keys(key: str) -> None:
    escaped = json.dumps(key[1:-1]).replace("e", "\\u0065")
    value = to_json(event("metered")).replace(key.encode(), escaped.encode())
    assert isinstance(READER.read(record_of(value)), Message)


def test_unknown_fields_are_ignored_wherever_they_stand() -> None:
    plain = fact_of(event("metered"))
    more = event("metered", data={"phase": "L1", "signed": {**event("metered")["data"]["signed"], "x": 1}}, traceid="1")
    assert fact_of(more) == plain
