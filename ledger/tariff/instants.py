"""Instants in OCPI objects."""

import re
from typing import Final

from ledger.tariff.json_fields import Fields
from ledger.values.time import to_instant, to_us

_PATTERN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(?P<offset>Z|[+-]\d\d:\d\d)?", re.ASCII)


def instant_us(fields: Fields, key: str) -> int:
    """Microseconds since 1970. OCPI instants are UTC, with or without the letter that says so."""
    text = fields.text(key)
    if text is None:
        fields.refuse(key, "is missing")
    found = _PATTERN.fullmatch(text)
    if not found:
        fields.refuse(key, f"{text[:40]!r} is no instant YYYY-MM-DDThh:mm:ssZ")
    try:
        return to_us(to_instant(text if found["offset"] else text + "Z"))
    except ValueError as error:
        fields.refuse(key, str(error))


def instant_us_or_none(fields: Fields, key: str) -> int | None:
    """The same for a field that may be absent."""
    return instant_us(fields, key) if fields.has(key) else None
