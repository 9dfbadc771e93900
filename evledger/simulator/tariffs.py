"""The tariffs of the simulated network, as OCPI Tariff objects (module Tariffs, 2.2.1 and 2.3.0)."""

from decimal import Decimal
from typing import Final

from evledger.simulator.record import TARIFFS_TOPIC, CloudEvent

SOURCE: Final = "/simulator/tariffs"

_UPDATED: Final = "2026-09-01T00:00:00Z"
# Standard rates of 2026; a tariff component's `vat` is in percent.
_VAT_PERCENT: Final = {"NL": Decimal(21), "DE": Decimal(19), "BE": Decimal(21)}

Content = dict[str, object]


def published(tariff: Content, at_us: int) -> CloudEvent:
    """The message that publishes a tariff; publishing an id again makes its next version."""
    tariff_id = str(tariff["id"])
    message_id = f"{tariff_id}-{at_us}"
    return CloudEvent(TARIFFS_TOPIC, "ev.tariff.published.v1", tariff_id, SOURCE, message_id, at_us, tariff)


def catalogue() -> list[Content]:
    """One tariff of each kind that the pricer knows: see the README for which is what."""
    return [
        _tariff("NL-AC-FLAT", [_element([_price("NL", "ENERGY", "0.35")])]),
        day_night("0.42", "0.29"),
        _tariff("NL-AC-PARKING", _parking_elements()),
        _tariff("NL-DC-FAST", [_element([_price("NL", "ENERGY", "0.62")])]),
        _tariff("DE-AC-START", _start_fee_elements(), min_price=_bounds("1.00", "1.19")),
        _tariff("DE-DC-POWER", _power_elements()),
        _tariff("BE-AC-GROSS", _gross_elements(), tax_included="YES"),
        _tariff("BE-DC-TIME", _time_elements()),
        _tariff("BE-AC-FREE", [_element([_price("BE", "ENERGY", "0.00")])]),
    ]


def day_night(day_price: str, night_price: str, updated: str = _UPDATED) -> Content:
    """Time of day: one price from 07:00 to 23:00 local time, another one for the rest."""
    day = _element([_price("NL", "ENERGY", day_price)], start_time="07:00", end_time="23:00")
    night = _element([_price("NL", "ENERGY", night_price)])
    return _tariff("NL-AC-DAY-NIGHT", [day, night], last_updated=updated)


def special_offer(number: int) -> Content:
    """A tariff of its own for one session, which the fault injection publishes late."""
    return _tariff(f"NL-AC-OFFER-{number:06d}", [_element([_price("NL", "ENERGY", "0.25")])])


def following(series: str, tariff_id: str) -> Content:
    """The market's price of the quarter hour and a mark-up per kWh."""
    spot = {**_price("NL", "ENERGY", "0.35"), "spot": {"series": series, "add": "0.12"}}
    return _tariff(tariff_id, [_element([spot])])


def _parking_elements() -> list[Content]:
    energy = _price("NL", "ENERGY", "0.33")
    by_day = _element([energy, _price("NL", "PARKING_TIME", "3.00", 900)], start_time="08:00", end_time="20:00")
    return [by_day, _element([energy])]


def _start_fee_elements() -> list[Content]:
    return [_element([_price("DE", "FLAT", "0.50"), _price("DE", "ENERGY", "0.45", 100)])]


def _power_elements() -> list[Content]:
    """Slow, fast and very fast at their own prices, and a fee for standing longer than an hour."""
    return [
        _element([_price("DE", "ENERGY", "0.49")], max_power=Decimal(50)),
        _element([_price("DE", "ENERGY", "0.59")], min_power=Decimal(50), max_power=Decimal(150)),
        _element([_price("DE", "ENERGY", "0.69")], min_power=Decimal(150)),
        _element([_price("DE", "PARKING_TIME", "6.00", 60)], min_duration=3600),
        # An interval without any sample of power has a price too.
        _element([_price("DE", "ENERGY", "0.59")]),
    ]


def _gross_elements() -> list[Content]:
    return [_element([_price("BE", "ENERGY", "0.45"), _price("BE", "FLAT", "0.35")])]


def _time_elements() -> list[Content]:
    both = [_price("BE", "ENERGY", "0.39"), _price("BE", "TIME", "2.40", 60)]
    return [_element([*both, _price("BE", "PARKING_TIME", "9.00", 300)])]


def _tariff(tariff_id: str, elements: list[Content], **rest: object) -> Content:
    country = tariff_id[:2]
    head: Content = {"country_code": country, "party_id": "ABC", "id": tariff_id, "currency": "EUR"}
    return {**head, "elements": elements, "last_updated": _UPDATED, **rest}


def _element(components: list[Content], **restrictions: object) -> Content:
    element: Content = {"price_components": components}
    return {**element, "restrictions": restrictions} if restrictions else element


def _price(country: str, dimension: str, price: str, step_size: int = 1) -> Content:
    return {
        "type": dimension,
        "price": Decimal(price),
        "vat": _VAT_PERCENT[country],
        "step_size": step_size,
    }


def _bounds(excl_vat: str, incl_vat: str) -> Content:
    return {"excl_vat": Decimal(excl_vat), "incl_vat": Decimal(incl_vat)}
