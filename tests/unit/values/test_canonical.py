import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.values.canonical import canonical_json, decimal_text, read_json_decimals, sha256_hex

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_canonical_json_is_sorted_and_without_spaces(content: object) -> None:
    expected = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert canonical_json(content) == expected


def test_equal_numbers_have_one_text() -> None:
    texts = {canonical_json({"price": Decimal(text)}) for text in ("0.5", "0.50", "5E-1", "0.500000")}
    assert texts == {b'{"price":0.5}'}
    assert canonical_json([Decimal("1E+3"), 1000, Decimal("-0.0"), 2**70]) == b"[1000,1000,0,1180591620717411303424]"


def test_all_digits_of_a_decimal_stay() -> None:
    assert decimal_text(Decimal("0.1234567890123456789012345678901234567")) == "0.1234567890123456789012345678901234567"


@pytest.mark.parametrize("content", [1.5, {"a": 1.5}, [{"a": {"b": 0.5}}], {1: 2}, {"a": {1: 2}}, {"a": b"x"}])
def test_floats_and_what_json_has_not_are_refused(content: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(content)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_has_no_canonical_text(text: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        canonical_json({"price": Decimal(text)})


def test_numbers_are_read_from_their_text() -> None:
    assert read_json_decimals('{"price": 0.1, "step_size": 60}') == {"price": Decimal("0.1"), "step_size": 60}
    assert str(read_json_decimals("[0.10]")[0]) == "0.10"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "no JSON number"),
        ('{"a": -Infinity}', "no JSON number"),
        ("[1e400]", "out of range"),
        ("[1e-400]", "out of range"),
        ("9" * 41, "41 digits"),
        ("0." + "1" * 40, "42 characters"),
        ("[" * 100_000, "nested deeper"),
        ("[" * 65 + "]" * 65, "nested deeper"),
        ('{"a": 1, "a": 2}', "twice"),
        ('"\\u0000"', r"U\+0000"),
        ('"\\ud800"', "surrogate"),
        ('{"\\ud800": 1}', "surrogate"),
        (b"\xff", "not UTF-8"),
        ("", "Expecting value"),
        ("{} {}", "Extra data"),
    ],
)
def test_hostile_json_is_refused_in_one_line(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_json_decimals(text)
    assert "\n" not in str(caught.value)


def test_nesting_up_to_the_limit_is_read() -> None:
    assert canonical_json(read_json_decimals("[" * 64 + "]" * 64)) == b"[" * 64 + b"]" * 64


def test_a_hash_is_hexadecimal() -> None:
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
