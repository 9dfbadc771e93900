"""The two content modes of the CloudEvents Kafka binding give the same facts."""

import pytest
from msgspec.structs import replace

from ledger.intake.message import Message, Record, Unreadable
from tests.unit.messages.samples import METERED, READER, SHORT, binary_record, event, fact_of, record_of, to_json

JSON = ("content-type", b"application/json")
CLOUDEVENTS = ("content-type", b"application/cloudevents+json; charset=UTF-8")


def reason(record: Record) -> str:
    arrival = READER.read(record)
    assert isinstance(arrival, Unreadable), arrival
    return arrival.reason


@pytest.mark.parametrize("kind", sorted(set(SHORT) - {"published"}))
@pytest.mark.parametrize("more", [(), (JSON,), (("traceparent", b"00-1"),), (("Content-Type", b"text/json+json"),)])
def test_both_modes_give_the_same_fact(kind: str, more: tuple[tuple[str, bytes], ...]) -> None:
    content = event(kind)
    arrival = READER.read(binary_record(content, *more))
    assert isinstance(arrival, Message), arrival
    assert arrival.fact == fact_of(content)


@pytest.mark.parametrize("headers", [(), (CLOUDEVENTS,), (("traceparent", b"00-1"),), (CLOUDEVENTS, ("ce_id", b"x"))])
def test_the_content_type_decides_for_structured_mode(headers: tuple[tuple[str, bytes], ...]) -> None:
    record = replace(record_of(event("metered")), headers=headers)
    arrival = READER.read(record)
    assert isinstance(arrival, Message)
    assert arrival.fact == fact_of(event("metered"))


def test_a_content_type_without_attributes_is_binary_mode_and_names_what_is_missing() -> None:
    assert reason(replace(record_of(event("metered")), headers=(JSON,))) == "header ce_type: is missing"


def test_a_tenant_in_a_header_counts() -> None:
    arrival = READER.read(binary_record(event("metered", tenant="north")))
    assert isinstance(arrival, Message)
    assert arrival.tenant == "north"


@pytest.mark.parametrize("content_type", [b"application/cloudevents+avro", b"application/cloudevents-batch+json"])
def test_other_formats_of_events_are_refused(content_type: bytes) -> None:
    record = replace(record_of(event("metered")), headers=(("content-type", content_type),))
    assert reason(record).startswith("header content-type: ")


def test_other_data_than_json_is_refused() -> None:
    assert reason(binary_record(event("metered"), ("content-type", b"text/xml"))).startswith("header content-type: ")


def test_headers_must_be_utf_8_and_given_once() -> None:
    content = event("metered")
    assert reason(binary_record(content, ("ce_x", b"\xff"))) == "header 'ce_x': not UTF-8"
    assert reason(binary_record(content, ("content-type", b"\xff"))) == "header 'content-type': not UTF-8"
    assert reason(binary_record(content, ("ce_id", b"2"))) == "header 'ce_id': given twice"


@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "time"])
def test_a_missing_header_is_named_as_its_attribute(attribute: str) -> None:
    record = binary_record(event("metered"))
    headers = tuple(header for header in record.headers if header[0] != f"ce_{attribute}")
    assert reason(replace(record, headers=headers)) == f"$.{attribute}: is missing"


def test_bad_data_are_named_by_the_path_of_the_structured_form() -> None:
    assert reason(binary_record(event("metered", data={"register_kwh": 1}))).startswith("$.data.register_kwh: ")
    record = binary_record(event("metered"))
    assert reason(replace(record, value=b"{")).startswith("not JSON: ")
    assert reason(replace(record, value=b"[" * 100_000)).startswith("not JSON: ")
    assert reason(replace(record, value=b"\xff")) == "not UTF-8: byte 0"
    assert reason(replace(record, value=to_json(METERED)[:-1] + b', "x": NaN}')) == "not JSON: NaN"


def test_an_empty_header_is_no_id() -> None:
    assert reason(binary_record(event("metered", id=""))).startswith("$.id: ")
