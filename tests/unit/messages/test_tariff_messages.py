"""What a published tariff becomes."""

from typing import Any

import pytest
from msgspec.structs import replace

from ledger.intake.message import Message
from ledger.store.serial import decode_fact, encode_fact, topic_of
from ledger.tariff.parse import tariff_hash
from ledger.tariffbook.events import TariffPublished
from ledger.values.canonical import read_json_decimals
from tests.unit.messages.samples import READER, binary_record, event, fact_of, reason, record_of, to_json

TEXT = b'{ "currency":"EUR", "elements":[{"price_components":[{"type":"ENERGY","price":0.30,"vat":19.0}]}]}'


def published(text: bytes) -> bytes:
    return to_json(event("published", data={})).split(b'"data"')[0] + b'"data": ' + text + b' , "x": 1}'


def fact_from(text: bytes) -> TariffPublished:
    arrival = READER.read(record_of(published(text), b"TARIFF-1"))
    assert isinstance(arrival, Message), arrival
    assert isinstance(arrival.fact, TariffPublished)
    return arrival.fact


def test_the_text_of_a_tariff_is_kept_with_the_decimals_of_its_numbers() -> None:
    fact = fact_from(TEXT)
    assert bytes(fact.tariff) == TEXT
    assert (fact.tariff_id, fact.currency) == ("TARIFF-1", "EUR")


def test_a_stored_tariff_is_read_again_as_it_was() -> None:
    fact = fact_from(TEXT)
    again = decode_fact(topic_of(fact), encode_fact(fact))
    assert isinstance(again, TariffPublished)
    assert bytes(again.tariff) == TEXT
    assert tariff_hash(read_json_decimals(bytes(again.tariff))) == fact.tariff_hash


def test_the_hash_knows_numbers_and_not_their_spelling() -> None:
    assert fact_from(TEXT).tariff_hash == fact_from(TEXT.replace(b"0.30", b"0.3").replace(b" ", b"")).tariff_hash
    assert fact_from(TEXT).tariff_hash != fact_from(TEXT.replace(b"0.30", b"0.31")).tariff_hash


def test_no_digit_of_a_price_goes_through_floating_point() -> None:
    # Both are the same number to a double.
    one, other = TEXT.replace(b"0.30", b"100000000.000000000001"), TEXT.replace(b"0.30", b"100000000.000000000002")
    assert fact_from(one).tariff_hash != fact_from(other).tariff_hash


def test_a_tariff_in_binary_mode_is_the_value_itself() -> None:
    record = replace(binary_record(event("published"), ("content-type", b"application/json")), value=b"\n " + TEXT)
    arrival = READER.read(record)
    assert isinstance(arrival, Message), arrival
    assert isinstance(arrival.fact, TariffPublished)
    assert bytes(arrival.fact.tariff) == TEXT
    assert arrival.fact.tariff_hash == fact_from(TEXT).tariff_hash


@pytest.mark.parametrize("number", [b"1e400", b"NaN", b"Infinity", b"-1", b'"0.30"', b"1e31", b"0." + b"1" * 50])
def test_a_price_that_is_no_price_is_refused(number: bytes) -> None:
    assert reason(published(TEXT.replace(b"0.30", number))).startswith(("$.data", "not JSON"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"elements": []}, "$.data.elements: "),
        ({"currency": "ZZZ"}, "$.data.currency: "),
        ({"id": "OTHER"}, "$.data.id: is not the event's subject"),
        ({"tariff_alt_text": [{"language": "en", "text": "a\x01"}]}, "$.data.tariff_alt_text[0].text: "),
        ({"last_updated": "\x00"}, "$.data"),
    ],
)
def test_a_tariff_that_cannot_be_priced_is_refused_with_its_path(data: dict[str, Any], expected: str) -> None:
    assert reason(event("published", data=data)).startswith(expected)


@pytest.mark.parametrize("place", ["restrictions", "price_components"])
def test_an_unknown_key_is_refused_where_it_could_change_a_price(place: str) -> None:
    component = {"type": "ENERGY", "price": 1}
    element: dict[str, Any] = {"price_components": [component], "restrictions": {}}
    (component if place == "price_components" else element["restrictions"])["max_kWh"] = 1
    expected = f"$.data.elements[0].{place}"
    assert reason(event("published", data={"elements": [element]})).startswith(expected)


def test_an_unknown_key_elsewhere_is_ignored() -> None:
    assert fact_of(event("published", data={"max_kWh": 1})).currency == "EUR"


def test_a_key_given_twice_is_refused() -> None:
    assert "given twice" in reason(published(TEXT.replace(b'"vat"', b'"price":0.1,"vat"')))
