"""OCMF: texts of records to verdicts, against the bare library call on the same signatures.

Six meters with one key each, one for each curve that the library has, take turns. `ratio` is for secp256r1, the
format's default and the fastest call, so the one on which our own work weighs most; `ratio_all` is for all six in
turn. A verdict does not read what the payload says; `ratio_with_readings` is for both, again on secp256r1. secp192k1
has no bare call to compare with: `secp192k1_per_s` stands alone.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ledger.meter.ocmf.verify import Keys, verify_text
from tests.meters import CURVE_NAMES, Meter, meter, payload, reading

DEFAULT: Final = "secp256r1"
WITHOUT_BARE_CALL: Final = "secp192k1"
# Records of one meter; they are taken round and round.
RECORDS: Final = 50
# Many short ones: on a machine with others each kind of work must meet a quiet moment.
ROUNDS: Final = 40
SLOW_RECORDS: Final = 50

Work = Callable[[], object]


class Signed(NamedTuple):
    """A record as text, and what the bare call takes for it."""

    text: str
    keys: Keys
    public_key: ec.EllipticCurvePublicKey
    signature: bytes
    payload: bytes


def run(events: int) -> dict[str, Any]:
    """Verifications per second of `events` records on the default curve, and of as many on all curves in turn."""
    default = _signed(meter(DEFAULT))
    others = [_signed(meter(name)) for name in CURVE_NAMES if name != WITHOUT_BARE_CALL]
    mixed = [of[number] for number in range(RECORDS) for of in others]
    ours, reading, bare = _rates(default, events)
    ours_all, _, bare_all = _rates(mixed, events)
    return {
        "events": events,
        "events_per_s": round(ours),
        "limit_per_s": round(bare),
        "ratio": round(ours / bare, 3),
        "ratio_with_readings": round(reading / bare, 3),
        "all_curves_per_s": round(ours_all),
        "ratio_all": round(ours_all / bare_all, 3),
        "secp192k1_per_s": round(_slow_rate()),
    }


def _signed(of: Meter) -> list[Signed]:
    assert of.curve.openssl is not None
    public = ec.EllipticCurvePublicKey.from_encoded_point(of.curve.openssl, of.compressed)
    payloads = [_payload(number) for number in range(RECORDS)]
    return [
        Signed(of.record(each).decode(), Keys(registered=(of.key,)), public, of.sign(each), each) for each in payloads
    ]


def _payload(number: int) -> bytes:
    begin = reading("B", f"{number}.500", "2026-11-02T08:00:00")
    return payload(f"T{number}", begin, reading("E", f"{number + 7}.125", "2026-11-02T09:00:00"))


def _rates(records: Sequence[Signed], count: int) -> tuple[float, float, float]:
    """Verdicts, verdicts with readings, and bare calls, in turns: the best of some rounds each."""
    taken = [records[number % len(records)] for number in range(max(count // ROUNDS, 1))]
    algorithm = ec.ECDSA(hashes.SHA256())

    def ours() -> None:
        for text, keys, *_ in taken:
            verdict, _record = verify_text(text, keys)
            assert verdict.outcome == "valid"

    def with_readings() -> None:
        for text, keys, *_ in taken:
            _verdict, record = verify_text(text, keys)
            assert record is not None and record.readings

    def bare() -> None:
        for _text, _keys, public_key, signature, content in taken:
            public_key.verify(signature, content, algorithm)

    works = (ours, with_readings, bare)
    rounds = [[_seconds(work) for work in works] for _ in range(ROUNDS)]
    verdicts, readings, calls = (len(taken) / min(seconds) for seconds in zip(*rounds, strict=True))
    return verdicts, readings, calls


def _slow_rate() -> float:
    of = meter(WITHOUT_BARE_CALL)
    text, keys = of.record(_payload(1)), Keys(registered=(of.key,))
    return SLOW_RECORDS / _seconds(lambda: [verify_text(text, keys) for _ in range(SLOW_RECORDS)])


def _seconds(work: Work) -> float:
    """Seconds of this process: others on the machine do not count."""
    began = time.process_time()
    work()
    return time.process_time() - began
