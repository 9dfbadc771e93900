"""The text of an OCMF record to a `Record`; the records in a file."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import msgspec

from ledger.meter.ocmf.curves import DEFAULT_ALGORITHM
from ledger.meter.ocmf.fields import Fields, to_decimal
from ledger.meter.ocmf.record import Record, Signature

# As large as a message may be: a record of a transaction with a reading a minute for two days is below.
RECORD_BYTES_MAX: Final = 256 * 1024

_HEADER: Final = b"OCMF|"
_WHITE_SPACE: Final = b" \t\r\n"
_decode: Final = msgspec.json.Decoder(dict[str, Any], float_hook=to_decimal).decode


class OcmfError(ValueError):
    """A text that is no OCMF record; the message says why, in one line."""


def parse(text: str | bytes) -> Record:
    """The record in `OCMF|payload|signature` (OCMF 1.2, sections). White space around the record is no part of it.

    Only what makes a text no record at all is refused (OcmfError): the sections, and JSON that is none. A field that
    is missing or odd is None and stands in `faults`: whether the signature verifies does not depend on it.
    """
    content = (text.encode(errors="surrogatepass") if isinstance(text, str) else text).strip()
    payload, signature = _sections(content)
    said = _object(payload, "the payload")
    faults: list[str] = []
    signed = _signature(Fields(_object(signature, "the signature section"), "signature ", faults))
    return Record(payload, said, signed, tuple(faults))


def records_in(content: bytes) -> Iterator[bytes]:
    """The texts of the records in a file: each from `OCMF|` to the end of its signature's JSON.

    What stands between records (line ends, tags of an XML file) is left out.
    """
    starts = [found.start() for found in re.finditer(re.escape(_HEADER), content)]
    for start, end in pairwise([*starts, len(content)]):
        yield _one_record(content[start:end])


def _one_record(region: bytes) -> bytes:
    """Up to the end of the signature's JSON, or all of it where that is none; Latin-1 has a character for a byte."""
    head, bar, rest = region.removeprefix(_HEADER).partition(b"|")
    section = rest.lstrip(_WHITE_SPACE)
    try:
        _, length = json.JSONDecoder().raw_decode(section.decode("latin-1"))
    except (ValueError, RecursionError):
        return region
    return _HEADER + head + bar + rest[: len(rest) - len(section) + length]


def _sections(content: bytes) -> tuple[bytes, bytes]:
    if len(content) > RECORD_BYTES_MAX:
        raise OcmfError(f"the record has {len(content)} bytes: at most {RECORD_BYTES_MAX} are read")
    if not content.startswith(_HEADER):
        raise OcmfError("the record does not begin with OCMF|")
    sections = content.removeprefix(_HEADER).split(b"|")
    if len(sections) != 2:
        raise OcmfError(f"the record has {len(sections) + 1} sections between bars, not header, payload and signature")
    return sections[0], sections[1]


def _object(section: bytes, what: str) -> dict[str, Any]:
    try:
        content = _decode(section)
    except ValueError as error:
        raise OcmfError(f"{what} is no JSON object: {error}") from None
    except RecursionError:
        raise OcmfError(f"{what} is nested too deep") from None
    if b"\\u0000" in section:
        raise OcmfError(f"{what} has U+0000 in a text")
    return content


def _signature(said: Fields) -> Signature:
    """An algorithm that is no text is none that is known."""
    signature = said.texts_of(Signature)
    if signature.algorithm is not None:
        return signature
    return msgspec.structs.replace(signature, algorithm=DEFAULT_ALGORITHM if said.is_absent("SA") else "")
