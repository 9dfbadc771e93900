"""Signed meter values: where the record stands, and what unit it is in; the record itself is kept byte for byte."""

import base64
import binascii
from decimal import Decimal
from typing import Final

import msgspec

from consumers.messages.ocpp.events import Signed

OCMF_PREFIX: Final = "OCMF|"
UNKNOWN_ENCODING: Final = "UNKNOWN"


class SignedMeterValue(msgspec.Struct, frozen=True, rename="camel"):
    """OCPP 2.0.1 SignedMeterValueType; in 1.6 the same as JSON inside of `value` (OCA, Signed Meter Values in OCPP)."""

    signed_meter_data: str
    encoding_method: str = ""
    public_key: str = ""


class _OcmfReading(msgspec.Struct, frozen=True):
    unit: str | None = msgspec.field(default=None, name="RU")
    value: Decimal | None = msgspec.field(default=None, name="RV")


class _OcmfPayload(msgspec.Struct, frozen=True):
    readings: list[_OcmfReading] = msgspec.field(default_factory=list, name="RD")


_signed_value: Final = msgspec.json.Decoder(SignedMeterValue, strict=False).decode
_ocmf_payload: Final = msgspec.json.Decoder(_OcmfPayload, strict=False).decode


def to_signed(value: SignedMeterValue) -> Signed:
    """The record out of its base64; as it stands where it is no base64 of a text."""
    encoding = value.encoding_method or UNKNOWN_ENCODING
    return Signed(encoding, _unpacked(value.signed_meter_data), value.public_key or None)


def to_signed_16(value: str) -> Signed:
    """`value` of an OCPP 1.6 sample in format SignedData: the record itself, or the object of the note above."""
    if value.startswith(OCMF_PREFIX):
        return Signed("OCMF", value)
    try:
        return to_signed(_signed_value(value))
    except msgspec.DecodeError:
        return Signed(UNKNOWN_ENCODING, value)


def unit_in(signed: Signed) -> str | None:
    """The unit that all readings of an OCMF record state (`RU`); None where it cannot be told."""
    units = {reading.unit for reading in _readings(signed)}
    return units.pop() if len(units) == 1 else None


def register_in(signed: Signed) -> tuple[Decimal, str] | None:
    """Register and unit of the record's last reading: for a sample that has a signed value and no other."""
    for reading in reversed(_readings(signed)):
        if reading.value is not None and reading.unit is not None:
            return reading.value, reading.unit
    return None


def _readings(signed: Signed) -> list[_OcmfReading]:
    if not signed.data.startswith(OCMF_PREFIX):
        return []
    payload = signed.data.removeprefix(OCMF_PREFIX).rpartition("|")[0]
    try:
        return _ocmf_payload(payload).readings
    except msgspec.DecodeError:
        return []


def _unpacked(data: str) -> str:
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return data
    return data if "\x00" in text or not text else text
