"""Properties of reading: no bytes raise, and no digit of a quantity is lost."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ledger.intake.message import Message, Misaddressed, Record, Unreadable
from ledger.values.energy import from_milliwh
from tests.unit.messages.samples import READER, SESSION_ID, SHORT, event, fact_of, record_of, to_json

quantities = st.builds(
    lambda whole, decimals: f"{whole}.{decimals}" if decimals else whole,
    st.from_regex(r"[0-9]{1,12}", fullmatch=True),
    st.from_regex(r"([0-9]{1,6})?", fullmatch=True),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
headers = st.lists(
    st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_time", "content-type", "x", "ce_"]), st.binary(max_size=30)),
    max_size=4,
).map(tuple)


def assert_an_arrival(record: Record) -> None:
    arrival = READER.read(record)
    assert isinstance(arrival, Message | Misaddressed | Unreadable)
    if not isinstance(arrival, Message):
        assert arrival.reason.isprintable()
        assert 0 < len(arrival.reason) < 500


@given(value=st.none() | st.binary(max_size=200), key=st.none() | st.binary(max_size=20), headers=headers)
def test_any_bytes_are_an_arrival(value: bytes | None, key: bytes | None, headers: Any) -> None:
    assert_an_arrival(Record("ev.sessions.v1", 0, 0, key, value, headers))


@given(kind=st.sampled_from(sorted(SHORT)), data=st.data())
def test_a_message_with_bytes_changed_is_an_arrival(kind: str, data: st.DataObject) -> None:
    value = bytearray(to_json(event(kind)))
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    assert_an_arrival(record_of(bytes(value)))


@given(kind=st.sampled_from(sorted(SHORT)), field=st.data(), value=json_values)
def test_a_field_of_any_shape_is_an_arrival(kind: str, field: st.DataObject, value: object) -> None:
    content = event(kind)
    within = content["data"] if field.draw(st.booleans()) else content
    within[field.draw(st.sampled_from(sorted(within)))] = value
    assert_an_arrival(record_of(json.dumps(content).encode()))


@given(register=quantities, power=quantities, current=quantities)
def test_quantities_keep_every_digit(register: str, power: str, current: str) -> None:
    fact = fact_of(event("metered", data={"register_kwh": register, "power_kw": power, "current_a": current}))
    read = [fact.register_milliwh, fact.power_milliw, fact.current_microa]
    assert read == [Decimal(text) * 10**6 for text in (register, power, current)]
    assert Decimal(from_milliwh(fact.register_milliwh)) == Decimal(register)


@given(text=st.text(max_size=4) | st.builds("{}.{}".format, st.text(max_size=4), st.text(max_size=3)))
@example("0.0")
@example("1.")
def test_a_quantity_is_read_or_refused_as_the_contract_has_it(text: str) -> None:
    whole, point, decimals = text.partition(".")
    is_quantity = text.isascii() and whole.isdigit() and (decimals.isdigit() or not point)
    arrival = READER.read(record_of(event("metered", data={"register_kwh": text})))
    assert isinstance(arrival, Message) is is_quantity


@given(value=st.binary(max_size=60))
def test_what_is_read_is_utf_8(value: bytes) -> None:
    content = to_json(event("metered")).replace(b'"Sample.Clock"', b'"' + value + b'"')
    arrival = READER.read(record_of(content))
    if isinstance(arrival, Message):
        assert json.loads(content.decode())["subject"] == SESSION_ID
