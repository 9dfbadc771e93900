"""Signature data to an ECDSA signature in strict DER."""

import binascii
from base64 import b64decode
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ledger.meter.ocmf.curves import Curve

_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02


class SignatureUnreadableError(ValueError):
    """Bytes that are no signature; the text says what is wrong."""


def signature_der(data: str, encoding: str | None, curve: Curve) -> bytes:
    """DER of the signature in SD: DER as it is, or raw r and s side by side. SE names the encoding, hex unless base64.

    Strict DER only: minimal lengths and integers, nothing behind, 1 <= r, s < order (SEC 1, 4.1.4). A looser reading
    would let an altered signature pass as the same one. Raises SignatureUnreadableError.
    """
    content = _decoded(data, encoding)
    try:
        _check(*_numbers(content), curve)
    except SignatureUnreadableError:
        if len(content) != 2 * curve.width:
            raise
        return _from_raw(content, curve)
    return content


def _decoded(data: str, encoding: str | None) -> bytes:
    try:
        match encoding:
            case None | "hex":
                return bytes.fromhex(data)
            case "base64":
                return b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        raise SignatureUnreadableError(f"SD is no {encoding or 'hex'} text") from None
    raise SignatureUnreadableError("SE is neither hex nor base64")


def _from_raw(content: bytes, curve: Curve) -> bytes:
    r, s = (int.from_bytes(half) for half in (content[: curve.width], content[curve.width :]))
    _check(r, s, curve)
    return encode_dss_signature(r, s)


def _check(r: int, s: int, curve: Curve) -> None:
    if not (0 < r < curve.order and 0 < s < curve.order):
        raise SignatureUnreadableError(f"r or s is not between 1 and the order of {curve.name}")


def _numbers(der: bytes) -> tuple[int, int]:
    """SEQUENCE of two INTEGERs; a signature of these curves has at most 104 bytes, so lengths are one byte."""
    if len(der) < 2 or der[0] != _SEQUENCE or der[1] != len(der) - 2 or der[1] > 0x7F:
        raise SignatureUnreadableError("SD is neither a DER signature nor r and s side by side")
    r, rest = _integer(der[2:])
    s, rest = _integer(rest)
    if rest:
        raise SignatureUnreadableError("SD has bytes behind the two integers")
    return r, s


def _integer(der: bytes) -> tuple[int, bytes]:
    """A positive INTEGER in its shortest form, and what follows it."""
    if len(der) < 3 or der[0] != _INTEGER or not 0 < der[1] <= len(der) - 2:
        raise SignatureUnreadableError("SD is no DER signature: an integer is cut off")
    content, rest = der[2 : 2 + der[1]], der[2 + der[1] :]
    if content[0] > 0x7F or (content[0] == 0 and len(content) > 1 and content[1] <= 0x7F):
        raise SignatureUnreadableError("SD is no DER signature: an integer is negative or padded")
    return int.from_bytes(content), rest
