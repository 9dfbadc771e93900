"""Amounts in a Tariff object, and how large they may be."""

import re
from decimal import Decimal
from typing import Final

from ledger.tariff.json_fields import Fields
from ledger.tariff.model import PriceLimit

# No currency has a unit price of a thousand million; a larger number is a unit mistaken.
MAX_PRICE: Final = 1_000_000_000
# OCPI prices have four decimals; spot-derived ones have more, twelve is what a result can show.
PRICE_DECIMALS: Final = 12

_TEXT_PATTERN: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)


def price_limit(fields: Fields | None) -> PriceLimit | None:
    """A bound before tax, after tax, or both, under the names of OCPI 2.2.1 or 2.3.0."""
    if fields is None:
        return None
    limit = PriceLimit(
        _same_amount(fields, "excl_vat", "before_taxes"), _same_amount(fields, "incl_vat", "after_taxes")
    )
    if limit.excl_vat is None and limit.incl_vat is None:
        fields.refuse("before_taxes", "is missing, and so are after_taxes, excl_vat and incl_vat")
    return limit


def _same_amount(fields: Fields, name_2_2_1: str, name_2_3_0: str) -> Decimal | None:
    """One amount that the two versions of OCPI call by two names."""
    older = fields.number(name_2_2_1, MAX_PRICE, PRICE_DECIMALS)
    newer = fields.number(name_2_3_0, MAX_PRICE, PRICE_DECIMALS)
    if older is not None and newer is not None and older != newer:
        fields.refuse(name_2_3_0, f"{newer} is not the {name_2_2_1} {older} beside it")
    return older if newer is None else newer


def number_or_text(fields: Fields, key: str, maximum: int, decimals: int) -> Decimal | None:
    """A number that may also be written as a decimal text, as quantities are in messages."""
    if not isinstance(fields.value(key), str):
        return fields.number(key, maximum, decimals)
    text = fields.text(key) or ""
    if not _TEXT_PATTERN.fullmatch(text):
        fields.refuse(key, f"{text[:40]!r} is no number")
    return Fields({key: Decimal(text)}, fields.path, fields.error).number(key, maximum, decimals)
