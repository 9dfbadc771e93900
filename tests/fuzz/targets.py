"""What is fuzzed: readers of bytes that anybody may send. A target takes bytes and fails by raising.

A new reader (an adapter of a protocol) is one more function here and one more line in TARGETS.
"""

import json
from collections.abc import Callable
from typing import NamedTuple

from consumers.messages.faults import UnreadableError
from consumers.messages.ocpp.frames import read_event
from ledger.intake.message import Message, Misaddressed, Record, Unreadable
from ledger.meter.ocmf import contents
from ledger.meter.ocmf.curves import CURVES
from ledger.meter.ocmf.fields import Fields
from ledger.meter.ocmf.key import KeyUnreadableError, OtherCurveError, load_key
from ledger.meter.ocmf.parse import records_in
from ledger.meter.ocmf.transaction import check_transaction
from ledger.meter.ocmf.verify import Keys, verify_text
from tests.architecture.source import ROOT
from tests.meters import CURVE_NAMES, PAYLOAD, meter, wrapped
from tests.unit.messages.samples import READER, SHORT, event, to_json

# What a list shows in a line; a reason that grows with its input fills the table of parked messages.
REASON_MAX = 500

P256 = meter("secp256r1")
OCPP_LOGS = sorted((ROOT / "tests" / "golden" / "ocpp").glob("*/frames.jsonl"))
KEYS = Keys(registered=(P256.key,))


class Target(NamedTuple):
    """A reader under test, and inputs to begin with."""

    run: Callable[[bytes], None]
    seeds: list[bytes]


def ocmf_records(data: bytes) -> None:
    """Any bytes have a verdict, and only what the meter signed is valid."""
    for text in (data, *records_in(data)):
        verdict, record = verify_text(text, KEYS)
        assert is_a_line(verdict.reason), verdict
        if record is not None:
            assert verdict.outcome != "valid" or record.payload == PAYLOAD
            assert all(is_a_line(finding.code) for finding in check_transaction([record, record]))


def ocmf_keys(data: bytes) -> None:
    """Any text is a key of the curve, of another one, or of none; a signature by another key is not valid."""
    text = data.decode("latin-1")
    for curve in CURVES:
        try:
            key = load_key(text, curve)
        except (KeyUnreadableError, OtherCurveError) as error:
            assert is_a_line(str(error)), error
        else:
            assert len(key.key_id) == 64


def messages(data: bytes) -> None:
    """Any bytes are a message, a misaddressed one, or unreadable with a reason."""
    arrival = READER.read(Record("ev.sessions.v1", 0, 0, b"key", data))
    assert isinstance(arrival, Message | Misaddressed | Unreadable)
    assert isinstance(arrival, Message) or is_a_line(arrival.reason), arrival


def ocpp(data: bytes) -> None:
    """Any bytes are an event of charging, a frame that says nothing about it, or unreadable with a reason."""
    for version in (b"1.6", b"2.0.1"):
        headers = (("ocpp-version", version), ("station-id", b"S-1"), ("direction", b"to-csms"))
        try:
            read_event(Record("ocpp.frames.v1", 0, 0, b"S-1", data, headers))
        except UnreadableError as error:
            assert is_a_line(str(error)), error


def planted(data: bytes) -> None:
    """The reader of records with a fault put into it: a page is taken apart without a look at it."""
    contents._pagination = careless_pagination
    ocmf_records(data)


def careless_pagination(said: Fields) -> contents.Pagination:
    text = said.text("PG") or "T0"
    return contents.Pagination(text[0], int(text[1:]))


def is_a_line(text: str) -> bool:
    return text.isprintable() and 0 < len(text) < REASON_MAX


def _records() -> list[bytes]:
    small = b'OCMF|{"PG":"F1","RD":[{"TM":"2026-11-02T08:00:00,000+0000 R","RV":1.5}]}|{"SE":"base64","SD":"AA=="}'
    return [P256.record(PAYLOAD), P256.record(PAYLOAD, SD=P256.raw_signature(PAYLOAD).hex()), small]


def _keys() -> list[bytes]:
    meters = [meter(name) for name in CURVE_NAMES]
    return [text.encode() for of in meters for text in (of.key, of.raw_point.hex(), wrapped(of.spki))]


def _frames() -> list[bytes]:
    """The frames of the golden logs, of both versions and both envelopes."""
    lines = [json.loads(line) for path in OCPP_LOGS for line in path.read_text(encoding="utf-8").splitlines()]
    return [line["value"].encode() for line in lines if line["topic"].startswith("ocpp.")]


TARGETS = {
    "ocmf-records": Target(ocmf_records, _records()),
    "ocmf-keys": Target(ocmf_keys, _keys()),
    "ocpp": Target(ocpp, _frames()),
    "messages": Target(messages, [to_json(event(kind)) for kind in sorted(SHORT)]),
}
# Not part of a campaign: the test that a campaign finds what is there to find.
PLANTED = {"planted": Target(planted, [json.dumps({}).encode(), *_records()])}
