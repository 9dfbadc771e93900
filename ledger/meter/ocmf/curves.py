"""The seven elliptic curves of OCMF and the names of the signature algorithms (OCMF 1.2, table 22)."""

from typing import Final

import ecdsa.curves
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa.ellipticcurve import CurveFp, PointJacobi

DEFAULT_ALGORITHM: Final = "ECDSA-secp256r1-SHA256"


def _secp192k1() -> ecdsa.curves.Curve:
    """SEC 2 version 2, 2.2.1. No library that is kept has this curve."""
    field = CurveFp(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFEE37, 0, 3, 1)
    base_point = PointJacobi(
        field,
        0xDB4FF10EC057E9AE26B07D0280B7F4341DA5D1B1EAE06C7D,
        0x9B2F2F6D9C5628A7844163D015BE86344082AA88D95E2F9D,
        1,
        0xFFFFFFFFFFFFFFFFFFFFFFFE26F2FC170F69466A74DEFD8D,
        generator=True,
    )
    return ecdsa.curves.Curve("secp192k1", field, base_point, (1, 3, 132, 0, 31), "secp192k1")


SECP192K1: Final = _secp192k1()


class Curve(msgspec.Struct, frozen=True):
    """A curve: its name in SEC 2 or RFC 5639, the DER bytes of its object identifier, and what its numbers are below.

    `width` is the number of bytes of a coordinate, and of each number of a raw signature. `openssl` is the same curve
    for the fast library; None for secp192k1, which it does not have.
    """

    name: str
    object_identifier: bytes
    width: int
    field_prime: int
    order: int
    openssl: ec.EllipticCurve | None


def _curve(known: ecdsa.curves.Curve, openssl: ec.EllipticCurve | None) -> Curve:
    name = openssl.name if openssl else known.name
    return Curve(name, known.encoded_oid, known.baselen, known.curve.p(), known.order, openssl)


CURVES: Final = tuple(
    _curve(known, openssl)
    for known, openssl in (
        (SECP192K1, None),
        (ecdsa.curves.NIST192p, ec.SECP192R1()),
        (ecdsa.curves.SECP256k1, ec.SECP256K1()),
        (ecdsa.curves.NIST256p, ec.SECP256R1()),
        (ecdsa.curves.NIST384p, ec.SECP384R1()),
        (ecdsa.curves.BRAINPOOLP256r1, ec.BrainpoolP256R1()),
        (ecdsa.curves.BRAINPOOLP384r1, ec.BrainpoolP384R1()),
    )
)

# OCMF writes brainpool256r1, RFC 5639 brainpoolP256r1, and meters both.
CURVE_OF_ALGORITHM: Final = {
    f"ECDSA-{name}-SHA256": curve for curve in CURVES for name in (curve.name, curve.name.replace("poolP", "pool"))
}
