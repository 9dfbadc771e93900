"""A report as the JSON object that `evledger rate --json` prints: texts, never floats."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ledger.tariff.model import PriceLimit
from ledger.tariff.policy import POLICIES
from ledger.tariff.report import Line, Report
from ledger.tariff.spot import SpotPrice
from ledger.values.canonical import decimal_text
from ledger.values.energy import MILLIWH_PER_KWH
from ledger.values.exact import Exact, ratio
from ledger.values.money import exponent, fraction_to_text, minor_to_text
from ledger.values.time import US_PER_HOUR, from_instant, from_us

_EXACT_MIN_PLACES = 4
_AMOUNT_MIN_PLACES = 2
_PRICE_MIN_PLACES = 2
_VAT_MIN_PLACES = 1
_ENERGY_MIN_PLACES = 3


def report_json(report: Report) -> dict[str, Any]:
    """The result's JSON object; `exact` before the final rounding, `total_cost` after it.

    `total_reservation_time_h` is there where something was reserved, `policies` where one is not the default,
    `spot_prices` where any were used.
    """
    return {
        "currency": report.currency,
        "total_cost": {
            "excl_vat": _minor(report.excl_minor, report.currency),
            "incl_vat": _minor(report.incl_minor, report.currency),
        },
        "exact": {
            "excl_vat": _amount(report.excl, _EXACT_MIN_PLACES),
            "incl_vat": _amount(report.incl, _EXACT_MIN_PLACES),
        },
        "total_energy": fraction_to_text(ratio(report.energy_milliwh, MILLIWH_PER_KWH), min_places=_ENERGY_MIN_PLACES),
        "total_time_h": fraction_to_text(ratio(report.duration_us, US_PER_HOUR)),
        "total_parking_time_h": fraction_to_text(ratio(report.parking_us, US_PER_HOUR)),
        "lines": [line_json(line) for line in report.lines],
        "limits": {
            "min_price": _limit(report.price_min, report.currency),
            "max_price": _limit(report.price_max, report.currency),
        },
        **dict(_more(report)),
    }


def _more(report: Report) -> Iterator[tuple[str, object]]:
    if report.reservation_us:
        yield "total_reservation_time_h", fraction_to_text(ratio(report.reservation_us, US_PER_HOUR))
    chosen = {name: value for name, value in report.policies.as_dict().items() if value != POLICIES[name]}
    if chosen:
        yield "policies", chosen
    if report.spot_prices:
        yield "spot_prices", [spot_price_json(spot_price) for spot_price in report.spot_prices]


def spot_price_json(spot_price: SpotPrice) -> dict[str, str]:
    """A value that the result rests on, in the shape of a published slot."""
    return {
        "series": spot_price.series,
        "from": _instant(spot_price.from_us),
        "until": _instant(spot_price.until_us),
        "per_kwh": decimal_text(spot_price.per_kwh),
    }


def line_json(line: Line) -> dict[str, Any]:
    """One line; `element` is null for a bound on the session's cost."""
    return {
        "dimension": str(line.dimension),
        "element": line.element,
        "from": _instant(line.from_us),
        "until": _instant(line.until_us),
        "quantity": fraction_to_text(line.quantity),
        "billed_quantity": fraction_to_text(line.billed_quantity),
        "unit": str(line.unit),
        "unit_price": _price(line),
        "vat_percent": _vat(line.vat_percent),
        "excl_vat": _amount(line.excl, _AMOUNT_MIN_PLACES),
        "incl_vat": _amount(line.incl, _AMOUNT_MIN_PLACES),
        "because": line.because,
    }


def _minor(amount_minor: int | None, currency: str) -> str | None:
    return None if amount_minor is None else minor_to_text(amount_minor, currency)


def _amount(amount: Fraction | None, min_places: int) -> str | None:
    return None if amount is None else fraction_to_text(amount, min_places=min_places)


def _instant(instant_us: Exact) -> str:
    """Interpolated instants are cut to the microsecond for reading; amounts are computed from the exact one."""
    instant: datetime = from_us(int(instant_us))
    return from_instant(instant)


def _price(line: Line) -> str | None:
    return None if line.unit_price is None else _decimal(line.unit_price, _PRICE_MIN_PLACES)


def _vat(vat_percent: Decimal | None) -> str | None:
    return None if vat_percent is None else _decimal(vat_percent, _VAT_MIN_PLACES)


def _decimal(number: Decimal, min_places: int) -> str:
    whole, _, decimals = decimal_text(number).partition(".")
    return f"{whole}.{decimals.ljust(min_places, '0')}"


def _limit(limit: PriceLimit | None, currency: str) -> dict[str, str | None] | None:
    if limit is None:
        return None
    places = exponent(currency)
    return {"excl_vat": _bound(limit.excl_vat, places), "incl_vat": _bound(limit.incl_vat, places)}


def _bound(amount: Decimal | None, min_places: int) -> str | None:
    return None if amount is None else fraction_to_text(Fraction(amount), min_places=min_places)
