"""The forms of keys and signatures, on all curves."""

from base64 import b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ledger.meter.ocmf.curves import CURVE_OF_ALGORITHM, CURVES, SECP192K1
from ledger.meter.ocmf.key import KEY_TEXT_MAX, LOADED_KEYS_MAX, KeyUnreadableError, OtherCurveError, load_key
from ledger.meter.ocmf.signature import SignatureUnreadableError, signature_der
from tests.meters import CURVE_NAMES, PAYLOAD, Meter, meter, wrapped

P256 = meter("secp256r1")
NUMBER = b"\x02\x01\x01"


def spaced(content: bytes) -> str:
    return content.hex(" ").upper()


def pem(content: bytes) -> str:
    return f"-----BEGIN PUBLIC KEY-----\n{b64encode(content).decode()}\n-----END PUBLIC KEY-----\n"


def compressed_spki(meter: Meter) -> bytes:
    """The same SubjectPublicKeyInfo around the compressed point."""
    point = b"\x03" + bytes([1 + len(meter.compressed)]) + b"\x00" + meter.compressed
    algorithm = meter.spki[2 : 2 + 2 + meter.spki[3]]
    return bytes([0x30, len(algorithm + point)]) + algorithm + point


@pytest.mark.parametrize("name", CURVE_NAMES)
def test_a_key_is_the_same_in_every_text(name: str) -> None:
    of = meter(name)
    texts = [
        of.key,
        spaced(of.spki),
        b64encode(of.spki).decode(),
        pem(of.spki),
        wrapped(of.spki),
        of.raw_point.hex(),
        b64encode(of.raw_point).decode(),
        (b"\x04" + of.raw_point).hex(),
        of.compressed.hex(),
        compressed_spki(of).hex(),
    ]
    assert {load_key(text, of.curve).key_id for text in texts} == {load_key(of.key, of.curve).key_id}


def test_the_id_of_a_key_is_the_hash_of_its_spki() -> None:
    assert load_key(P256.key, P256.curve).key_id == sha256(P256.spki).hexdigest()


@pytest.mark.parametrize("name", CURVE_NAMES)
def test_a_key_verifies_what_its_meter_signed_and_nothing_else(name: str) -> None:
    of = meter(name)
    key = load_key(of.key, of.curve)
    assert key.verifies(of.sign(PAYLOAD), PAYLOAD)
    assert not key.verifies(of.sign(PAYLOAD), PAYLOAD + b" ")


@pytest.mark.parametrize("name", CURVE_NAMES)
@pytest.mark.parametrize("form", [0, 1, 2, 3, 5, 6, 7])
def test_a_whole_point_has_form_04_and_no_hybrid_one(name: str, form: int) -> None:
    of = meter(name)
    spki = bytearray(of.spki)
    spki[-2 * of.curve.width - 1] = form
    with pytest.raises(KeyUnreadableError):
        load_key(spki.hex(), of.curve)


@pytest.mark.parametrize("name", CURVE_NAMES)
def test_a_key_of_another_curve_is_told_from_one_that_is_unreadable(name: str) -> None:
    of = meter(name)
    (other, *_) = (curve for curve in CURVES if curve is not of.curve)
    with pytest.raises(OtherCurveError, match=of.curve.name):
        load_key(of.key, other)


def test_a_raw_point_of_another_curve_of_the_same_size_is_known_as_such() -> None:
    with pytest.raises(OtherCurveError, match="secp256k1"):
        load_key(meter("secp256k1").raw_point.hex(), P256.curve)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        "3059",
        P256.key[:-2],
        P256.key + "00",
        bytes(64).hex(),
        b"\xff".hex() * 64,
        wrapped(P256.spki)[:-4],
        b64encode(b'{"KU": "3059"}').decode(),
        b64encode(b'{"UK": 5}').decode(),
        b64encode(b'{"UK": "no hex"}').decode(),
        "0" * (KEY_TEXT_MAX + 1),
    ],
)
def test_what_is_no_key_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(KeyUnreadableError) as refused:
        load_key(text, P256.curve)
    assert str(refused.value).isprintable()


def test_loaded_keys_are_kept_and_bounded() -> None:
    assert load_key(P256.key, P256.curve) is load_key(P256.key, P256.curve)
    assert load_key.cache_info().maxsize == LOADED_KEYS_MAX


def test_the_base_point_of_the_curve_written_here_is_on_it_and_has_its_order() -> None:
    base = SECP192K1.generator
    assert SECP192K1.curve.contains_point(base.x(), base.y())
    assert (SECP192K1.order * base).x() is None


def test_both_spellings_of_brainpool_curves_are_known() -> None:
    for size in (256, 384):
        one, two = (CURVE_OF_ALGORITHM[f"ECDSA-brainpool{letter}{size}r1-SHA256"] for letter in ("", "P"))
        assert one is two
    assert len(CURVE_OF_ALGORITHM) == len(CURVES) + 2


@pytest.mark.parametrize("name", CURVE_NAMES)
def test_a_signature_is_the_same_in_every_form(name: str) -> None:
    of = meter(name)
    der, raw = of.sign(PAYLOAD), of.raw_signature(PAYLOAD)
    forms = [(der.hex(), None), (der.hex().upper(), "hex"), (b64encode(der).decode(), "base64"), (raw.hex(), None)]
    assert {signature_der(data, encoding, of.curve) for data, encoding in forms} == {der}


def signature_of(*integers: bytes, tag: int = 0x30, extra: int = 0) -> bytes:
    content = b"".join(integers)
    return bytes([tag, len(content) + extra]) + content


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        signature_of(NUMBER),
        signature_of(NUMBER, NUMBER, tag=0x31),
        signature_of(NUMBER, NUMBER, extra=1),
        signature_of(NUMBER, NUMBER) + b"\x00",
        signature_of(NUMBER, NUMBER, NUMBER),
        signature_of(NUMBER, b"\x02\x02\x00\x01"),  # padded
        signature_of(NUMBER, b"\x02\x01\x80"),  # negative
        signature_of(NUMBER, b"\x02\x00"),
        signature_of(NUMBER, b"\x03\x01\x01"),
        signature_of(NUMBER, b"\x02\x02\x01"),
        b"\x30\x81\x06" + NUMBER + NUMBER,  # a length in two bytes where one suffices
        encode_dss_signature(0, 1),
        encode_dss_signature(1, 0),
        encode_dss_signature(P256.curve.order, 1),
        encode_dss_signature(1, P256.curve.order),
        bytes(64),  # r and s of zero
    ],
    ids=bytes.hex,
)
def test_only_strict_der_with_numbers_below_the_order_is_a_signature(der: bytes) -> None:
    with pytest.raises(SignatureUnreadableError):
        signature_der(der.hex(), None, P256.curve)


@pytest.mark.parametrize(("data", "encoding"), [("zz", None), ("A", "hex"), ("*", "base64"), ("00", "octal")])
def test_a_signature_in_another_encoding_is_unreadable(data: str, encoding: str | None) -> None:
    with pytest.raises(SignatureUnreadableError):
        signature_der(data, encoding, P256.curve)
