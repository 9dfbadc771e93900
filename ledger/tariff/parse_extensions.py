"""What a tariff says beyond OCPI: `ev_extensions`, and `grace_minutes` and `spot` of a price component.

Unknown keys are refused in all of them, because they could change a price.
"""

import re
from decimal import Decimal
from typing import Final

from ledger.tariff.json_fields import Fields
from ledger.tariff.model import Dimension, Discount, Extensions, MarkUp, SpotFormula
from ledger.tariff.parse_price import MAX_PRICE, PRICE_DECIMALS, number_or_text, price_limit

MAX_DISCOUNT_PERCENT: Final = 100
# Ten times the price is no mark-up but a mistake.
MAX_MARK_UP_PERCENT: Final = 1_000
PERCENT_DECIMALS: Final = 6
# A factor turns MWh into kWh or one currency into another.
MAX_FACTOR: Final = 1_000_000
FACTOR_DECIMALS: Final = 12
# A year of grace is no price for parking.
MAX_GRACE_MINUTES: Final = 525_600
MAX_DISCOUNTS: Final = 1_000

_S_PER_MINUTE: Final = 60
_SERIES_PATTERN: Final = re.compile(r"[!-~]{1,255}", re.ASCII)
_EXTENSION_KEYS: Final = frozenset({"discounts", "mark_up", "session_cap", "day_cap"})
_DISCOUNT_KEYS: Final = frozenset({"dimension", "percent", "groups"})
_MARK_UP_KEYS: Final = frozenset({"percent", "per_session", "groups"})
_LIMIT_KEYS: Final = frozenset({"excl_vat", "incl_vat", "before_taxes", "after_taxes"})
_SPOT_KEYS: Final = frozenset({"series", "factor", "add"})


def extensions_of(fields: Fields | None) -> Extensions:
    """The `ev_extensions` of a tariff; without them nothing is added to OCPI."""
    if fields is None:
        return Extensions()
    fields.allow_only(_EXTENSION_KEYS)
    count = len(fields.items("discounts"))
    if count > MAX_DISCOUNTS:
        fields.refuse("discounts", f"has {count} discounts, at most {MAX_DISCOUNTS} are read")
    for key in ("session_cap", "day_cap"):
        limit = fields.object(key)
        if limit is not None:
            limit.allow_only(_LIMIT_KEYS)
    return Extensions(
        discounts=tuple(_discount(discount) for discount in fields.objects("discounts")),
        mark_up=_mark_up(fields.object("mark_up")),
        session_cap=price_limit(fields.object("session_cap")),
        day_cap=price_limit(fields.object("day_cap")),
    )


def grace_s_of(component: Fields, dimension: Dimension) -> int:
    """Seconds of parking that cost nothing."""
    minutes = component.integer("grace_minutes", MAX_GRACE_MINUTES) or 0
    if minutes and dimension is not Dimension.PARKING_TIME:
        component.refuse("grace_minutes", f"has a meaning for PARKING_TIME only, not for {dimension}")
    return minutes * _S_PER_MINUTE


def spot_of(component: Fields, dimension: Dimension) -> SpotFormula | None:
    """The series of spot prices that a price per kWh follows."""
    fields = component.object("spot")
    if fields is None:
        return None
    if dimension is not Dimension.ENERGY:
        component.refuse("spot", f"has a meaning for ENERGY only, not for {dimension}")
    fields.allow_only(_SPOT_KEYS)
    series = fields.text("series")
    if series is None or not _SERIES_PATTERN.fullmatch(series):
        fields.refuse("series", "is missing or no name of 1 to 255 printable ASCII characters without spaces")
    return SpotFormula(
        series,
        factor=_or(number_or_text(fields, "factor", MAX_FACTOR, FACTOR_DECIMALS), Decimal(1)),
        add=_or(number_or_text(fields, "add", MAX_PRICE, PRICE_DECIMALS), Decimal(0)),
    )


def _discount(fields: Fields) -> Discount:
    fields.allow_only(_DISCOUNT_KEYS)
    dimension = fields.choice("dimension", Dimension)
    percent = fields.number("percent", MAX_DISCOUNT_PERCENT, PERCENT_DECIMALS)
    if dimension is None:
        fields.refuse("dimension", "is missing")
    if percent is None:
        fields.refuse("percent", "is missing")
    return Discount(dimension, percent, _groups(fields))


def _mark_up(fields: Fields | None) -> MarkUp | None:
    if fields is None:
        return None
    fields.allow_only(_MARK_UP_KEYS)
    percent = fields.number("percent", MAX_MARK_UP_PERCENT, PERCENT_DECIMALS)
    per_session = fields.number("per_session", MAX_PRICE, PRICE_DECIMALS)
    if percent is None and per_session is None:
        fields.refuse("percent", "is missing, and so is per_session")
    return MarkUp(_or(percent, Decimal(0)), _or(per_session, Decimal(0)), _groups(fields))


def _groups(fields: Fields) -> tuple[str, ...] | None:
    return fields.texts("groups") if fields.has("groups") else None


def _or(number: Decimal | None, default: Decimal) -> Decimal:
    return default if number is None else number
