"""Meters of our own that sign: one for each curve of OCMF, with keys made here."""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

import ecdsa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ecdsa.util import sigencode_der

from ledger.meter.ocmf.curves import CURVES, SECP192K1, Curve

# The keys differ by the order of their curves, so one secret number is enough.
SECRET = 0x5EC2E7
ANOTHER_SECRET = 0x0DDBA11

CURVE_NAMES = [curve.name for curve in CURVES]


class Meter(NamedTuple):
    """A meter with a key: its curve, the key as SubjectPublicKeyInfo, and the compressed point."""

    curve: Curve
    secret: int
    spki: bytes
    compressed: bytes

    @property
    def key(self) -> str:
        return self.spki.hex()

    @property
    def raw_point(self) -> bytes:
        """X and Y side by side."""
        return self.spki[-2 * self.curve.width :]

    @property
    def algorithm(self) -> str:
        return f"ECDSA-{self.curve.name}-SHA256"

    def sign(self, payload: bytes) -> bytes:
        """The signature in DER."""
        if self.curve.openssl is None:
            key = ecdsa.SigningKey.from_secret_exponent(self.secret, SECP192K1)
            signature: bytes = key.sign_deterministic(payload, hashfunc=sha256, sigencode=sigencode_der)
            return signature
        private = ec.derive_private_key(self.secret, self.curve.openssl)
        return private.sign(payload, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def record(self, payload: bytes, **signature: Any) -> bytes:
        """An OCMF record; `signature` adds to its signature section, or replaces what is there."""
        section = {"SA": self.algorithm, "SD": self.sign(payload).hex()} | signature
        return b"OCMF|" + payload + b"|" + json.dumps(section).encode()

    def raw_signature(self, payload: bytes) -> bytes:
        """r and s side by side."""
        numbers = decode_dss_signature(self.sign(payload))
        return b"".join(number.to_bytes(self.curve.width) for number in numbers)


@cache
def meter(name: str, secret: int = SECRET) -> Meter:
    """The meter on the curve of this name."""
    (curve,) = (curve for curve in CURVES if curve.name == name)
    if curve.openssl is None:
        key = ecdsa.SigningKey.from_secret_exponent(secret, SECP192K1).verifying_key
        return Meter(curve, secret, key.to_der(), key.to_string("compressed"))
    public = ec.derive_private_key(secret, curve.openssl).public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Meter(curve, secret, spki, public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


def reading(mark: str, value: str, at: str, **fields: Any) -> dict[str, Any]:
    """A reading as meters write it; `fields` add to it."""
    return {
        "TM": f"{at},000+0000 S",
        "TX": mark,
        "RV": value,
        "RI": "1-b:1.8.0",
        "RU": "kWh",
        "EF": "",
        "ST": "G",
    } | fields


def payload(page: str, *readings: dict[str, Any], **fields: Any) -> bytes:
    """A payload with white space in it, as meters send."""
    content = {"FV": "1.0", "GI": "EVL", "GS": "G-1", "PG": page, "MS": "M-4711", "IS": False, "IT": "NONE"}
    return json.dumps(content | fields | {"RD": list(readings)}, indent=1).encode()


BEGIN = reading("B", "12.500", "2026-11-02T08:00:00")
END = reading("E", "20.125", "2026-11-02T09:00:00")
PAYLOAD = payload("T7", BEGIN, END)


def wrapped(key: bytes) -> str:
    """A key as some stations send it: base64 of `{"UK": "<hex>"}`."""
    return b64encode(json.dumps({"UK": key.hex()}).encode()).decode()
