"""Public keys of meters: their texts to a key that verifies."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import ecdsa
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa.util import sigdecode_der

from ledger.meter.ocmf.curves import CURVES, SECP192K1, Curve
from ledger.values.canonical import read_json_decimals

# A key of the largest curve as spaced hexadecimal text has below 400 characters.
KEY_TEXT_MAX: Final = 2_000
# A large operator's meters; a loaded key takes about 2 KiB.
LOADED_KEYS_MAX: Final = 10_000

_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_PEM: Final = re.compile(r"-----BEGIN PUBLIC KEY-----(.+)-----END PUBLIC KEY-----")
_ECDSA: Final = ec.ECDSA(hashes.SHA256())
# id-ecPublicKey (RFC 5480) as DER.
_EC_PUBLIC_KEY: Final = bytes.fromhex("06072a8648ce3d0201")
_UNCOMPRESSED: Final = 4
_COMPRESSED: Final = (2, 3)

Verify = Callable[[bytes, bytes], bool]


class KeyUnreadableError(ValueError):
    """A text that is no public key; the message says what is wrong."""


class OtherCurveError(ValueError):
    """A key of another curve than the record's algorithm."""


class PublicKey(msgspec.Struct, frozen=True):
    """A point on a curve. `key_id` is the SHA-256 of its SubjectPublicKeyInfo with the point uncompressed, in hex:
    the same for every text of the key. `verifies` takes a DER signature and the signed bytes.
    """

    curve: Curve
    key_id: str
    verifies: Verify


@lru_cache(maxsize=LOADED_KEYS_MAX)
def load_key(text: str, curve: Curve) -> PublicKey:
    """The key of the curve in a text: SubjectPublicKeyInfo or raw point, in hex, base64, PEM, or base64 of
    `{"UK": "<hex>"}`; white space is ignored.

    Raises KeyUnreadableError, or OtherCurveError where the key is one of another curve of OCMF.
    """
    content = _decoded(text)
    own, point = _point_of(content)
    if own is None:
        return _raw_key(point, curve)
    key = _key(point, own)
    if own is not curve:
        raise OtherCurveError(f"the key is one of {own.name}, not of {curve.name}")
    return key


def curves_of_key(text: str) -> list[Curve]:
    """The curves that a text is a key of: one for a SubjectPublicKeyInfo, seldom more for a raw point.

    Raises KeyUnreadableError where there is none.
    """
    own, point = _point_of(_decoded(text))
    if own is not None:
        return [_key(point, own).curve]
    found = [curve for curve in CURVES if _fits(_prefixed(point), curve) and _is_on(_prefixed(point), curve)]
    if not found:
        raise KeyUnreadableError("the key is neither a SubjectPublicKeyInfo of a curve of OCMF nor a point of one")
    return found


def _decoded(text: str) -> bytes:
    if len(text) > KEY_TEXT_MAX:
        raise KeyUnreadableError(f"the key has {len(text)} characters: at most {KEY_TEXT_MAX} are read")
    armoured = _PEM.search(" ".join(text.split()))
    compact = "".join((armoured[1] if armoured else text).split())
    if _HEX.fullmatch(compact):
        return bytes.fromhex(compact)
    try:
        content = b64decode(compact, validate=True)
    except (ValueError, binascii.Error):
        raise KeyUnreadableError("the key is neither hex nor base64") from None
    return _wrapped(content) if content.startswith(b"{") else content


def _wrapped(content: bytes) -> bytes:
    """The key in `{"UK": "<hex>"}`."""
    try:
        named = read_json_decimals(content)
    except ValueError as error:
        raise KeyUnreadableError(f"the key's wrapping cannot be read: {error}") from None
    key = named.get("UK")
    if not isinstance(key, str) or not _HEX.fullmatch(key):
        raise KeyUnreadableError("the key's wrapping has no hexadecimal UK")
    return bytes.fromhex(key)


def _point_of(content: bytes) -> tuple[Curve | None, bytes]:
    """The curve and the encoded point of a SubjectPublicKeyInfo; a raw point names no curve.

    Only the very bytes of RFC 5480 with a named curve are read: no other lengths, no unused bits.
    """
    for curve in CURVES:
        for length in (1 + curve.width, 1 + 2 * curve.width):
            head = _spki(curve, bytes(length))[:-length]
            if content.startswith(head) and len(content) == len(head) + length:
                return curve, content[len(head) :]
    return None, content


def _raw_key(content: bytes, curve: Curve) -> PublicKey:
    """A point without a curve's name is one of the record's curve, unless it only lies on another."""
    point = _prefixed(content)
    fitting = [other for other in CURVES if _fits(point, other)]
    if not fitting:
        raise KeyUnreadableError("the key is neither a SubjectPublicKeyInfo of a curve of OCMF nor a raw point")
    if curve in fitting:
        try:
            return _key(point, curve)
        except KeyUnreadableError:
            fitting.remove(curve)
    for other in fitting:
        if _is_on(point, other):
            raise OtherCurveError(f"the key is a point of {other.name}, not of {curve.name}")
    raise KeyUnreadableError(f"the key is no point of {curve.name}")


def _prefixed(content: bytes) -> bytes:
    """Raw X and Y side by side have an even length; a point with its form byte has an odd one."""
    return content if len(content) % 2 else bytes([_UNCOMPRESSED]) + content


def _fits(point: bytes, curve: Curve) -> bool:
    return len(point) in (1 + curve.width, 1 + 2 * curve.width)


def _is_on(point: bytes, curve: Curve) -> bool:
    try:
        _key(point, curve)
    except KeyUnreadableError:
        return False
    return True


def _key(point: bytes, curve: Curve) -> PublicKey:
    """The key of an encoded point; refuses the hybrid forms 06 and 07 and whatever is not on the curve (SEC 1, 2.3.4).

    OpenSSL takes hybrid forms, in which a bit says again what Y says: one flipped bit gives the same key.
    """
    form, expected = point[0], (_UNCOMPRESSED,) if len(point) > 1 + curve.width else _COMPRESSED
    if form not in expected:
        raise KeyUnreadableError(f"the key's point has the form {form:02x}: 02, 03 and 04 are read")
    numbers = (point[1 : 1 + curve.width], point[1 + curve.width :])
    if any(int.from_bytes(number) >= curve.field_prime for number in numbers):
        raise KeyUnreadableError(f"a coordinate of the key is not below the prime of {curve.name}")
    uncompressed, verifies = _loaded(point, curve)
    return PublicKey(curve, sha256(_spki(curve, uncompressed)).hexdigest(), verifies)


def _loaded(point: bytes, curve: Curve) -> tuple[bytes, Verify]:
    """The point uncompressed, and what verifies with it."""
    try:
        return _by_ecdsa(point) if curve.openssl is None else _by_openssl(point, curve.openssl)
    except (ValueError, ecdsa.errors.MalformedPointError):
        raise KeyUnreadableError(f"the key is no point of {curve.name}") from None


def _by_openssl(point: bytes, curve: ec.EllipticCurve) -> tuple[bytes, Verify]:
    key = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    numbers, width = key.public_numbers(), (key.key_size + 7) // 8
    uncompressed = bytes([_UNCOMPRESSED]) + numbers.x.to_bytes(width) + numbers.y.to_bytes(width)

    def verifies(signature: bytes, signed: bytes) -> bool:
        try:
            key.verify(signature, signed, _ECDSA)
        except InvalidSignature:
            return False
        return True

    return uncompressed, verifies


def _by_ecdsa(point: bytes) -> tuple[bytes, Verify]:
    key: Any = ecdsa.VerifyingKey.from_string(point, SECP192K1, valid_encodings=("uncompressed", "compressed"))

    def verifies(signature: bytes, signed: bytes) -> bool:
        try:
            return bool(key.verify(signature, signed, hashfunc=sha256, sigdecode=sigdecode_der))
        except ecdsa.BadSignatureError:
            return False

    return key.to_string("uncompressed"), verifies


def _spki(curve: Curve, point: bytes) -> bytes:
    """SubjectPublicKeyInfo (RFC 5480) of a point; every length is below 128."""
    algorithm = _tagged(0x30, _EC_PUBLIC_KEY + curve.object_identifier)
    return _tagged(0x30, algorithm + _tagged(0x03, b"\x00" + point))


def _tagged(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content
