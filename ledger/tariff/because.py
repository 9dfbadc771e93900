"""Restrictions in words: why an element applied."""

from decimal import Decimal

from ledger.tariff.model import Discount, Restrictions
from ledger.values.energy import from_milliwh

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def because_of(element: int, restrictions: Restrictions) -> str:
    """One line, such as "element 2: local time 08:00 to 20:00, Mon Tue"; "no restrictions" where there is none."""
    return f"element {element}: {', '.join(_conditions(restrictions)) or 'no restrictions'}"


def because_of_discount(discount: Discount, price: Decimal) -> str:
    """What follows the restrictions, such as "; 10 % discount of GOLD on 0.45"."""
    of = "" if discount.groups is None else f" of {', '.join(discount.groups)}"
    return f"; {discount.percent:f} % discount{of} on {price:f}"


def _conditions(limit: Restrictions) -> list[str]:
    conditions = [
        _range("local time", _minute(limit.start_minute), _minute(limit.end_minute)),
        _range("local date", limit.start_date, limit.end_date),
        _range("energy kWh", _decimal(limit.energy_milliwh_min), _decimal(limit.energy_milliwh_max)),
        _range("current A", _decimal(limit.current_microampere_min), _decimal(limit.current_microampere_max)),
        _range("power kW", _decimal(limit.power_milliwatt_min), _decimal(limit.power_milliwatt_max)),
        _range("duration s", limit.duration_s_min, limit.duration_s_max),
        " ".join(_DAYS[day] for day in sorted(limit.days_of_week or ())),
        str(limit.reservation or ""),
    ]
    return [condition for condition in conditions if condition]


def _range(name: str, lower: object, upper: object) -> str:
    if lower is None and upper is None:
        return ""
    from_ = "" if lower is None else f" from {lower}"
    until = "" if upper is None else f" to below {upper}"
    return name + from_ + until


def _minute(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"


def _decimal(millionths: int | None) -> str | None:
    return None if millionths is None else from_milliwh(millionths)
