"""OCPI 2.2.1 and 2.3.0 Tariff objects to the pricer's model.

Only `currency` and `elements` are required. The names of both versions may stand in one tariff
(`min_price.excl_vat` beside `tax_included`); each keeps its meaning.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ledger.tariff.instants import instant_us_or_none
from ledger.tariff.json_fields import FieldError, Fields
from ledger.tariff.model import (
    Dimension,
    PriceComponent,
    ReservationType,
    Restrictions,
    Tariff,
    TariffElement,
    TaxIncluded,
    ValidFor,
)
from ledger.tariff.parse_extensions import extensions_of, grace_s_of, spot_of
from ledger.tariff.parse_price import MAX_PRICE, PRICE_DECIMALS, price_limit
from ledger.values.canonical import canonical_json, sha256_hex
from ledger.values.money import exponent

MAX_VAT_PERCENT: Final = 100
VAT_DECIMALS: Final = 6
# A step of 1 GWh or of 30 years makes every session cost the same: a mistake.
MAX_STEP_SIZE: Final = 1_000_000_000
# Limits of a restriction in kWh, kW, A or seconds; the same range as the readings they are compared with.
MAX_LIMIT: Final = 999_999_999_999
LIMIT_DECIMALS: Final = 6
# A tariff with a price for every quarter hour of a week has 672 elements.
MAX_ELEMENTS: Final = 1_000
MAX_PRIORITY: Final = 1_000_000_000

MINUTES_PER_DAY: Final = 1_440
_SIX_DECIMALS: Final = 10**LIMIT_DECIMALS
_TIME_PATTERN: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DATE_PATTERN: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_COMPONENT_TYPES: Final = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")
_COMPONENT_KEYS: Final = frozenset({"type", "price", "vat", "step_size", "grace_minutes", "spot"})
_RESTRICTION_KEYS: Final = frozenset(
    {"start_time", "end_time", "start_date", "end_date", "day_of_week", "reservation"}
    | {f"{bound}_{of}" for bound in ("min", "max") for of in ("kwh", "current", "power", "duration")}
)


class TariffError(FieldError):
    """A tariff that cannot be read; the text begins with the JSON path."""


def parse_tariff(content: object) -> Tariff:
    """The model of an OCPI Tariff object whose numbers were parsed as int or Decimal from their text.

    Unknown keys are ignored, except in restrictions and price components, where they are refused.
    TariffError names the JSON path of what is wrong.
    """
    fields = Fields(content, "$", TariffError)
    return Tariff(
        currency=_currency(fields),
        elements=_elements(fields),
        tax_included=fields.choice("tax_included", TaxIncluded) or TaxIncluded.NO,
        price_min=price_limit(fields.object("min_price")),
        price_max=price_limit(fields.object("max_price")),
        valid_for=_valid_for(fields.object("valid_for")),
        valid_from_us=instant_us_or_none(fields, "start_date_time"),
        valid_until_us=instant_us_or_none(fields, "end_date_time"),
        priority=_priority(content),
        extensions=extensions_of(fields.object("ev_extensions")),
    )


def tariff_hash(content: object) -> str:
    """SHA-256 of the Tariff object as canonical JSON, numbers in their shortest decimal text."""
    return sha256_hex(canonical_json(content))


def _currency(fields: Fields) -> str:
    currency = fields.text("currency")
    if currency is None:
        fields.refuse("currency", "is missing")
    try:
        exponent(currency)
    except ValueError as error:
        fields.refuse("currency", str(error))
    return currency


def _elements(fields: Fields) -> tuple[TariffElement, ...]:
    count = len(fields.items("elements"))
    if not count:
        fields.refuse("elements", "is missing or empty")
    if count > MAX_ELEMENTS:
        fields.refuse("elements", f"has {count} elements, at most {MAX_ELEMENTS} are read")
    return tuple(_element(element) for element in fields.objects("elements"))


def _element(fields: Fields) -> TariffElement:
    components = tuple(_component(component) for component in fields.objects("price_components"))
    if not components:
        fields.refuse("price_components", "is missing or empty")
    if len({component.dimension for component in components}) < len(components):
        fields.refuse("price_components", "has two prices of the same type")
    restrictions = fields.object("restrictions")
    return TariffElement(components, Restrictions() if restrictions is None else _restrictions(restrictions))


def _component(fields: Fields) -> PriceComponent:
    fields.allow_only(_COMPONENT_KEYS)
    dimension = _dimension(fields)
    price = fields.number("price", MAX_PRICE, PRICE_DECIMALS)
    spot = spot_of(fields, dimension)
    if price is None and spot is None:
        fields.refuse("price", "is missing")
    vat_percent = fields.number("vat", MAX_VAT_PERCENT, VAT_DECIMALS)
    # The specification's own free tariff has step_size 0, and no step at all rounds no more than 1 does.
    step_size = fields.integer("step_size", MAX_STEP_SIZE) or 1
    grace_s = grace_s_of(fields, dimension)
    return PriceComponent(dimension, Decimal(0) if price is None else price, vat_percent, step_size, grace_s, spot)


def _dimension(fields: Fields) -> Dimension:
    text = fields.text("type")
    if text not in _COMPONENT_TYPES:
        fields.refuse("type", f"{text[:40]!r} is none of {', '.join(_COMPONENT_TYPES)}" if text else "is missing")
    return Dimension(text)


def _restrictions(fields: Fields) -> Restrictions:
    fields.allow_only(_RESTRICTION_KEYS)
    end_minute = _minute(fields, "end_time")
    return Restrictions(
        start_minute=_minute(fields, "start_time"),
        end_minute=MINUTES_PER_DAY if end_minute == 0 else end_minute,
        start_date=_date(fields, "start_date"),
        end_date=_date(fields, "end_date"),
        energy_milliwh_min=_limit(fields, "min_kwh"),
        energy_milliwh_max=_limit(fields, "max_kwh"),
        current_microampere_min=_limit(fields, "min_current"),
        current_microampere_max=_limit(fields, "max_current"),
        power_milliwatt_min=_limit(fields, "min_power"),
        power_milliwatt_max=_limit(fields, "max_power"),
        duration_s_min=fields.integer("min_duration", MAX_LIMIT),
        duration_s_max=fields.integer("max_duration", MAX_LIMIT),
        days_of_week=_days(fields),
        reservation=fields.choice("reservation", ReservationType),
    )


def _minute(fields: Fields, key: str) -> int | None:
    text = fields.text(key)
    if text is None:
        return None
    found = _TIME_PATTERN.fullmatch(text)
    if not found:
        fields.refuse(key, f"{text[:40]!r} is no time HH:MM from 00:00 to 23:59")
    return int(found[1]) * 60 + int(found[2])


def _date(fields: Fields, key: str) -> date | None:
    text = fields.text(key)
    if text is None:
        return None
    try:
        return date.fromisoformat(text if _DATE_PATTERN.fullmatch(text) else "")
    except ValueError:
        fields.refuse(key, f"{text[:40]!r} is no date YYYY-MM-DD")


def _limit(fields: Fields, key: str) -> int | None:
    number = fields.number(key, MAX_LIMIT, LIMIT_DECIMALS)
    return None if number is None else int(number * _SIX_DECIMALS)


def _days(fields: Fields) -> frozenset[int] | None:
    days = fields.texts("day_of_week")
    for place, day in enumerate(days):
        if day not in _DAYS:
            fields.refuse(f"day_of_week[{place}]", f"{day[:40]!r} is none of {', '.join(_DAYS)}")
    return frozenset(map(_DAYS.index, days)) or None


def _valid_for(fields: Fields | None) -> ValidFor:
    if fields is None:
        return ValidFor()
    return ValidFor(**{name: _names(fields, name) for name in ValidFor.__struct_fields__})


def _names(fields: Fields, key: str) -> tuple[str, ...] | None:
    return fields.texts(key) if fields.has(key) else None


def _priority(content: Any) -> int:
    priority = content.get("priority")
    if priority is None:
        return 0
    if type(priority) is not int or abs(priority) > MAX_PRIORITY:
        raise TariffError("$.priority", f"is no integer from -{MAX_PRIORITY} to {MAX_PRIORITY}")
    return priority
