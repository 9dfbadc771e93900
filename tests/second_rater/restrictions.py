"""Whether one element's restrictions hold at one moment, read from the tariff's JSON each time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.second_rater.stretches import Span
from tests.second_rater.wall_clock import Wall

Json = Mapping[str, Any]
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
SECOND_US = 1_000_000
MILLIONTHS = 1_000_000


@dataclass(frozen=True)
class Moment:
    """All that a restriction can ask. Energy so far, time since the start, power and current in millionths."""

    wall: Wall
    energy: Fraction
    elapsed: Fraction
    power: Span
    current: Span
    unknown_matches: bool = False


def matches(restrictions: Json, moment: Moment) -> bool:
    """All that are set must hold; which elements are for reservations is not asked here."""
    if "start_time" in restrictions or "end_time" in restrictions:
        return in_time_of_day(restrictions, moment.wall) and others_match(restrictions, moment)
    return others_match(restrictions, moment)


def others_match(restrictions: Json, moment: Moment) -> bool:
    return all(test(restrictions[name], moment) for name, test in TESTS.items() if restrictions.get(name) is not None)


def in_time_of_day(restrictions: Json, wall: Wall) -> bool:
    """HH:MM as text sorts like time does."""
    start, end = restrictions.get("start_time") or "00:00", restrictions.get("end_time") or "24:00"
    if end == "00:00":
        end = "24:00"
    if start < end:
        return bool(start <= wall.time < end)
    return bool(start == end or wall.time >= start or wall.time < end)


def _at_least(value: Fraction | None, limit: Any, moment: Moment) -> bool:
    return moment.unknown_matches if value is None else value >= Fraction(limit) * MILLIONTHS


def _below(value: Fraction | None, limit: Any, moment: Moment) -> bool:
    return moment.unknown_matches if value is None else value < Fraction(limit) * MILLIONTHS


TESTS: dict[str, Callable[[Any, Moment], bool]] = {
    "start_date": lambda day, moment: moment.wall.day.isoformat() >= day,
    "end_date": lambda day, moment: moment.wall.day.isoformat() < day,
    "day_of_week": lambda days, moment: not days or DAYS[moment.wall.day.weekday()] in days,
    "min_kwh": lambda limit, moment: _at_least(moment.energy, limit, moment),
    "max_kwh": lambda limit, moment: _below(moment.energy, limit, moment),
    "min_power": lambda limit, moment: _at_least(moment.power.least, limit, moment),
    "max_power": lambda limit, moment: _below(moment.power.greatest, limit, moment),
    "min_current": lambda limit, moment: _at_least(moment.current.least, limit, moment),
    "max_current": lambda limit, moment: _below(moment.current.greatest, limit, moment),
    "min_duration": lambda limit, moment: moment.elapsed >= limit * SECOND_US,
    "max_duration": lambda limit, moment: moment.elapsed < limit * SECOND_US,
}
