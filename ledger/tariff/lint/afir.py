"""Regulation (EU) 2023/1804 (AFIR), article 5: what an ad-hoc price may consist of, and in which order it is shown."""

from collections.abc import Iterator
from typing import Any, Final

from ledger.tariff.lint.finding import Code, Finding, component_path, element_path
from ledger.tariff.model import Dimension, PriceComponent, Restrictions, Tariff, TariffElement

# From here on the price is per kWh, with at most an occupancy fee per minute.
AFIR_POWER_MILLIWATT: Final = 50_000_000
_AD_HOC: Final = "AD_HOC_PAYMENT"
_DC: Final = "DC"
# kWh, minute, session, other.
_SHOWN_ORDER: Final = (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME, Dimension.FLAT)
_PLACE_SHOWN: Final = {Dimension.ENERGY: 0, Dimension.TIME: 1, Dimension.PARKING_TIME: 1, Dimension.FLAT: 2}


def against_afir(content: Any, tariff: Tariff) -> Iterator[Finding]:
    """Findings for tariffs that an ad-hoc session can have: of type AD_HOC_PAYMENT, or without a type.

    A tariff without a type is looked at only where it says itself that it is for 50 kW and more.
    """
    kind = content.get("type")
    if kind not in (None, _AD_HOC):
        return
    for place, element in enumerate(tariff.elements):
        if element.restrictions.reservation is None:
            is_fast = _is_fast(tariff, element.restrictions, kind == _AD_HOC)
            if is_fast:
                yield from _parts_not_allowed(place, element)
            if is_fast or kind == _AD_HOC:
                yield from _out_of_order(place, element)
    if any(_is_fast(tariff, element.restrictions, kind == _AD_HOC) for element in tariff.elements):
        yield from _without_energy_price(tariff)


def _is_fast(tariff: Tariff, limit: Restrictions, is_ad_hoc: bool) -> bool:
    """Whether the element can apply at 50 kW and more; without any word on power only an ad-hoc tariff counts."""
    if limit.power_milliwatt_max is not None and limit.power_milliwatt_max <= AFIR_POWER_MILLIWATT:
        return False
    if limit.power_milliwatt_min is not None and limit.power_milliwatt_min >= AFIR_POWER_MILLIWATT:
        return True
    power_types = tariff.valid_for.power_types
    return is_ad_hoc if power_types is None else _DC in power_types


def _parts_not_allowed(place: int, element: TariffElement) -> Iterator[Finding]:
    for number, component in enumerate(element.components):
        reason = _reason(component, element.restrictions)
        if reason and component.price:
            text = f"an ad-hoc price at 50 kW and more is per kWh, {reason} (EU 2023/1804, article 5)"
            yield Finding(component_path(place, number), Code.AFIR_PRICE_PART, text)


def _reason(component: PriceComponent, limit: Restrictions) -> str | None:
    if component.dimension is Dimension.FLAT:
        return "without a fee per session"
    if component.dimension is Dimension.TIME and not limit.duration_s_min:
        return "with at most an occupancy fee per minute, which TIME from the start (no min_duration) is not"
    return None


def _out_of_order(place: int, element: TariffElement) -> Iterator[Finding]:
    shown = [component.dimension for component in element.components]
    places = [_PLACE_SHOWN[dimension] for dimension in shown]
    if places != sorted(places):
        wanted = ", ".join(dimension for dimension in _SHOWN_ORDER if dimension in shown)
        text = f"price parts are shown as kWh, minute, session, other: order them {wanted} (EU 2023/1804, article 5)"
        yield Finding(f"{element_path(place)}.price_components", Code.AFIR_ORDER, text)


def _without_energy_price(tariff: Tariff) -> Iterator[Finding]:
    components = [part for element in tariff.elements for part in element.components if part.price or part.spot]
    if components and not any(component.dimension is Dimension.ENERGY for component in components):
        text = "an ad-hoc price at 50 kW and more is per kWh, and there is no ENERGY price (EU 2023/1804, article 5)"
        yield Finding("$.elements", Code.AFIR_NO_ENERGY_PRICE, text)
