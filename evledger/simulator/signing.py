"""Meters that sign: where the law asks for it, a session's end carries a record of its begin and its end.

Keys are made of the meter's number, so that the same network has the same keys: they protect nothing.
"""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evledger.simulator.record import METERS_TOPIC, CloudEvent
from evledger.simulator.stations import Connector
from ledger.values.time import US_PER_S, from_us

# Where unsigned energy may not be billed.
SIGNING_COUNTRIES: Final = frozenset({"DE"})

_ALGORITHM: Final = "ECDSA-secp256r1-SHA256"
_KEY_VALID_FROM: Final = "2026-01-01T00:00:00Z"
_DIGEST: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)

# A record is written as the meter shows its register, digit for digit.
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

Shown = tuple[int, str]  # when, in seconds since 1970, and the register in kWh


def is_signing(connector: Connector) -> bool:
    """Whether the connector's meter signs."""
    return connector.site.country in SIGNING_COUNTRIES


def key_registered(connector: Connector, at_us: int) -> CloudEvent:
    """The message that makes the meter's public key known."""
    public = _private_key(connector.meter_id).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    data = {"public_key": public.hex(), "encoding": "OCMF", "valid_from": _KEY_VALID_FROM}
    message_id = f"{connector.meter_id}-key-1"
    source = f"/stations/{connector.station_id}"
    return CloudEvent(METERS_TOPIC, "ev.meter.key-registered.v1", connector.meter_id, source, message_id, at_us, data)


def signed_session(connector: Connector, begin: Shown, end: Shown) -> dict[str, str]:
    """The signed value of a session that just ended; the meter turns to its next page."""
    connector.page += 1
    payload = _payload(connector, begin, end)
    signature = _private_key(connector.meter_id).sign(payload, _DIGEST)
    section = _encode({"SA": _ALGORITHM, "SD": signature.hex()})
    return {"encoding": "OCMF", "data": b"|".join((b"OCMF", payload, section)).decode()}


def _payload(connector: Connector, begin: Shown, end: Shown) -> bytes:
    content = {
        "FV": "1.0",
        "GI": "EVL simulator",
        "GS": connector.station_id,
        "PG": f"T{connector.page}",
        "MS": connector.meter_id,
        "IS": True,
        "IT": "LOCAL",
        "RD": [_reading("B", begin), _reading("E", end)],
    }
    return _encode(content)


def _reading(mark: str, shown: Shown) -> dict[str, object]:
    at_s, register_kwh = shown
    at: datetime = from_us(at_s * US_PER_S)
    return {
        "TM": f"{at:%Y-%m-%dT%H:%M:%S},000+0000 S",
        "TX": mark,
        "RV": Decimal(register_kwh),
        "RI": "1-b:1.8.0",
        "RU": "kWh",
        "ST": "G",
    }


def _private_key(meter_id: str) -> ec.EllipticCurvePrivateKey:
    secret = int.from_bytes(hashlib.sha256(meter_id.encode()).digest()[:31])  # below the order of the curve
    return ec.derive_private_key(secret, ec.SECP256R1())
