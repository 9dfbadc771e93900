"""Signed meter values of a session as OCPI SignedData."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ledger.session.events import MeterRecorded, SessionEnded, SessionStarted, Signed
from ledger.session.state import Session

_NATURES: Final = {"Transaction.Begin": "Start", "Transaction.End": "End"}
_OCMF: Final = "OCMF"


def signed_data(session: Session, started: SessionStarted, ended: SessionEnded) -> dict[str, Any] | None:
    """SignedData of all signed values in the encoding of the last one; None where nothing was signed.

    OCPI takes one encoding and one key per CDR. `signed_data` is the base64 of the bytes as the station sent them.
    """
    values = list(_values(session.readings_within(started.occurred_at, ended.occurred_at), ended))
    if not values:
        return None
    last = values[-1][1]
    alike = [(nature, signed) for nature, signed in values if _key_of(signed) == _key_of(last)]
    content: dict[str, Any] = {"encoding_method": last.encoding}
    if last.public_key is not None:
        content["public_key"] = last.public_key
    return content | {"signed_values": [_signed_value(nature, signed) for nature, signed in alike]}


def _key_of(signed: Signed) -> tuple[str, str | None]:
    return signed.encoding, signed.public_key


def _values(readings: Sequence[MeterRecorded], ended: SessionEnded) -> Iterator[tuple[str, Signed]]:
    for reading in readings:
        if reading.signed is not None:
            yield _NATURES.get(reading.context or "", "Intermediate"), reading.signed
    if ended.signed is not None:
        yield "End", ended.signed


def _signed_value(nature: str, signed: Signed) -> dict[str, str]:
    return {
        "nature": nature,
        "plain_data": _plain(signed),
        "signed_data": b64encode(signed.data.encode()).decode(),
    }


def _plain(signed: Signed) -> str:
    """What was signed: of an OCMF record its payload, of anything else the record."""
    parts = signed.data.split("|")
    return parts[1] if signed.encoding == _OCMF and len(parts) > 2 else signed.data
