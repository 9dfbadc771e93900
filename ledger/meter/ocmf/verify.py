"""Whether a record was signed with a key, and whose key that was."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from ledger.meter.ocmf.curves import CURVE_OF_ALGORITHM, Curve
from ledger.meter.ocmf.key import KeyUnreadableError, OtherCurveError, load_key
from ledger.meter.ocmf.parse import OcmfError, parse
from ledger.meter.ocmf.record import Record
from ledger.meter.ocmf.signature import SignatureUnreadableError, signature_der
from ledger.store.fact import Value

Outcome = Literal["valid", "invalid", "no_key", "unsupported"]
KeySource = Literal["registered", "carried"]

_DER: Final = "application/x-der"


class Keys(msgspec.Struct, frozen=True):
    """The keys that may have signed a record, as texts: those registered for its meter, and the one that came with
    the reading. A carried key proves that the bytes are whole, not who signed: it counts only where none is registered.
    """

    registered: tuple[str, ...] = ()
    carried: str | None = None


class Verdict(Value, frozen=True, kw_only=True):
    """What is known about a signature. `method` is the record's algorithm (SA); `key_id` is that of the key which
    verifies, or of the one key that was tried and could be read.
    """

    outcome: Outcome
    reason: str
    method: str | None = None
    key_source: KeySource | None = None
    key_id: str | None = None


def verify(record: Record, keys: Keys) -> Verdict:
    """The verdict on the record's signature over its exact payload bytes."""
    curve = CURVE_OF_ALGORITHM.get(record.signature.algorithm or "")
    if curve is None:
        return _verdict(record, "unsupported", "SA names none of the seven algorithms of OCMF")
    if keys.registered:
        return _by_any(record, curve, keys.registered, "registered")
    if keys.carried is not None:
        return _by_key(record, curve, keys.carried, "carried")
    return _verdict(record, "no_key", "no key of the meter is known")


def verify_text(text: str | bytes, keys: Keys) -> tuple[Verdict, Record | None]:
    """The verdict on a text, and the record in it; a text that is no record has no signature that verifies."""
    try:
        record = parse(text)
    except OcmfError as error:
        return Verdict(outcome="invalid", reason=str(error)), None
    return verify(record, keys), record


def _by_any(record: Record, curve: Curve, texts: Sequence[str], source: KeySource) -> Verdict:
    """Valid with the first key that verifies; else what was found with the last that could be read."""
    verdict = _by_key(record, curve, texts[0], source)
    for text in texts[1:]:
        if verdict.outcome == "valid":
            break
        following = _by_key(record, curve, text, source)
        verdict = verdict if following.outcome == "no_key" else following
    return verdict


def _by_key(record: Record, curve: Curve, text: str, source: KeySource) -> Verdict:
    try:
        key = load_key(text, curve)
    except KeyUnreadableError as error:
        return _verdict(record, "no_key", str(error), source)
    except OtherCurveError as error:
        return _verdict(record, "invalid", str(error), source)
    try:
        is_signed = _is_signed(record, curve, key.verifies)
    except SignatureUnreadableError as error:
        return _verdict(record, "invalid", str(error), source, key.key_id)
    if is_signed:
        return _verdict(record, "valid", f"the signature verifies with the {source} key", source, key.key_id)
    return _verdict(record, "invalid", "the signature does not verify", source, key.key_id)


def _is_signed(record: Record, curve: Curve, verifies: Callable[[bytes, bytes], bool]) -> bool:
    signature = record.signature
    if signature.data is None:
        raise SignatureUnreadableError("SD is missing")
    if signature.media_type not in (None, _DER):
        raise SignatureUnreadableError(f"SM is not {_DER}")
    return verifies(signature_der(signature.data, signature.encoding, curve), record.payload)


def _verdict(
    record: Record, outcome: Outcome, reason: str, source: KeySource | None = None, key_id: str | None = None
) -> Verdict:
    method = record.signature.algorithm
    return Verdict(outcome=outcome, reason=reason, method=method, key_source=source, key_id=key_id)
