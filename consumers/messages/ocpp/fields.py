"""Fields as stations write them: more is accepted here than in our own messages, and nowhere else."""

import re
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from consumers.messages.faults import UnreadableError, shown
from consumers.messages.fields import MAX_TEXT_LENGTH
from ledger.values.time import to_instant

# Seen in the field: offsets without a colon (`+0000`), and more decimals than microseconds.
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(?:([Zz])|([+-]\d\d):?(\d\d))", re.ASCII
)
# OCPP's own ids have at most 48 characters; a station's, a transaction's and an instant together are an id of ours,
# which has at most 255.
ID_LENGTH_MAX: Final = 100
_ID: Final = re.compile(r"[!-~]{1,100}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")

# 10**12 kWh is no register; beyond it a number is noise, and its digits would only cost time.
MILLI_MAX: Final = 10**18
EXPONENT_MAX: Final = 30


def instant_of(path: str, text: str) -> datetime:
    """The instant of an OCPP dateTime. Raises UnreadableError; one without an offset is refused, not guessed."""
    found = _INSTANT.fullmatch(text.strip())
    if found is None:
        raise UnreadableError(f"{path}: {shown(text)} is no instant with an offset")
    day, clock, decimals, zulu, hours, minutes = found.groups()
    offset = "Z" if zulu else f"{hours}:{minutes}"
    try:
        return to_instant(f"{day}T{clock}{'.' + decimals if decimals else ''}{offset}")
    except ValueError as error:
        raise UnreadableError(f"{path}: {error}") from None


def id_of(path: str, text: str) -> str:
    """An id that may become part of a session's id: printable ASCII without spaces."""
    if not _ID.fullmatch(text):
        raise UnreadableError(f"{path}: must be printable ASCII without spaces, 1 to {ID_LENGTH_MAX} characters")
    return text


def text_of(path: str, text: str) -> str:
    """Free text of a message."""
    if len(text) > MAX_TEXT_LENGTH or _CONTROL.search(text):
        raise UnreadableError(f"{path}: must be text without control characters, at most {MAX_TEXT_LENGTH} characters")
    return text


def milli_of(path: str, value: Decimal, factor_exponent: int) -> int:
    """`value` times 10**`factor_exponent` as an integer, for example Wh with 3 as mWh.

    What is finer than the integer's unit is rounded, half to even: stations print binary fractions with a tail of
    digits that nothing measured. Raises UnreadableError for a number that is none, negative, or out of range.
    """
    if not value.is_finite() or value < 0:
        raise UnreadableError(f"{path}: must be a number that is not negative")
    if value and abs(value.adjusted() + factor_exponent) > EXPONENT_MAX:
        raise UnreadableError(f"{path}: is out of range")
    whole = int(value.scaleb(factor_exponent).to_integral_value(ROUND_HALF_EVEN))
    if whole >= MILLI_MAX:
        raise UnreadableError(f"{path}: is out of range")
    return whole
