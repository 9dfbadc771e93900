"""No record with one bit flipped is valid: in its payload, its signature, or the key. On every curve and form."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.meter.ocmf.parse import parse, records_in
from ledger.meter.ocmf.verify import Keys, verify_text
from tests.meters import CURVE_NAMES, PAYLOAD, Meter, meter, wrapped

names = st.sampled_from(CURVE_NAMES)


def outcome(record: bytes, key: str) -> str:
    return verify_text(record, Keys(registered=(key,)))[0].outcome


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def with_signature(of: Meter, signature: bytes) -> bytes:
    return of.record(PAYLOAD, SD=signature.hex())


def test_what_the_properties_begin_with_is_valid() -> None:
    for of in map(meter, CURVE_NAMES):
        assert outcome(of.record(PAYLOAD), of.key) == "valid"
        assert outcome(with_signature(of, of.raw_signature(PAYLOAD)), of.key) == "valid"


@given(names, st.integers(0, len(PAYLOAD) * 8 - 1))
def test_a_bit_flipped_in_the_payload(name: str, bit: int) -> None:
    of = meter(name)
    head, _, section = of.record(PAYLOAD).partition(PAYLOAD)
    broken = head + flipped(PAYLOAD, bit) + section
    assert outcome(broken, of.key) == "invalid"
    assert all(outcome(found, of.key) != "valid" for found in records_in(broken))


@given(names, st.data())
def test_a_bit_flipped_in_the_signature(name: str, data: st.DataObject) -> None:
    of = meter(name)
    for signature in (of.sign(PAYLOAD), of.raw_signature(PAYLOAD)):
        bit = data.draw(st.integers(0, len(signature) * 8 - 1))
        broken = flipped(signature, bit)
        assert outcome(with_signature(of, broken), of.key) == "invalid"
        encoded = of.record(PAYLOAD, SD=b64encode(broken).decode(), SE="base64")
        assert outcome(encoded, of.key) == "invalid"


@given(names, st.data())
def test_a_bit_flipped_in_the_key(name: str, data: st.DataObject) -> None:
    of = meter(name)
    for key in (of.spki, of.raw_point, b"\x04" + of.raw_point, of.compressed):
        broken = flipped(key, data.draw(st.integers(0, len(key) * 8 - 1)))
        for text in (broken.hex(), b64encode(broken).decode(), wrapped(broken)):
            assert outcome(of.record(PAYLOAD), text) in ("invalid", "no_key")


@pytest.mark.parametrize("name", CURVE_NAMES)
def test_every_bit_of_the_keys_frame_and_of_the_signatures_frame(name: str) -> None:
    """The bytes around the numbers, where lenient readers look away: all of them, not a sample."""
    of = meter(name)
    record, signature = of.record(PAYLOAD), of.sign(PAYLOAD)
    frame = len(of.spki) - 2 * of.curve.width
    assert {outcome(record, flipped(of.spki, bit).hex()) for bit in range(frame * 8)} <= {"invalid", "no_key"}
    second = 4 + signature[3]
    bits = [8 * place + bit for place in (0, 1, 2, 3, 4, second, second + 1, second + 2) for bit in range(8)]
    assert {outcome(with_signature(of, flipped(signature, bit)), of.key) for bit in bits} == {"invalid"}


@given(st.binary(max_size=200), st.binary(max_size=100), st.text(max_size=100))
def test_any_bytes_have_a_verdict_and_none_is_valid(payload: bytes, section: bytes, key: str) -> None:
    text = b"OCMF|" + payload + b"|" + section
    verdict, _ = verify_text(text, Keys(carried=key))
    assert verdict.outcome != "valid"
    for found in records_in(text):
        verify_text(found, Keys(carried=key))


@given(st.text(alphabet=" \n\t\r", max_size=8), st.text(alphabet=" \n\t\r", max_size=8))
def test_white_space_inside_the_payload_is_signed(before: str, after: str) -> None:
    of = meter("secp256r1")
    payload = before.encode() + PAYLOAD + after.encode()
    record = of.record(payload)
    assert outcome(record, of.key) == "valid"
    assert parse(record).payload == payload
    assert (outcome(record.replace(payload, PAYLOAD), of.key) == "valid") == (payload == PAYLOAD)
