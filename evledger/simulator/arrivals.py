"""When and where vehicles arrive, and how long they stay: a day curve for every use of a site."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from evledger.simulator.stations import SITES, Site, Use

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600

# Arrivals by local hour 0..23, in parts of no fixed total.
_HOURS: Final[dict[Use, tuple[int, ...]]] = {
    "STREET": (2, 1, 1, 1, 1, 2, 3, 4, 5, 5, 5, 6, 7, 7, 7, 9, 13, 20, 24, 22, 16, 12, 10, 6),
    "OFFICE": (0, 0, 0, 0, 0, 1, 8, 24, 30, 14, 5, 3, 4, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0),
    "RETAIL": (0, 0, 0, 0, 0, 0, 0, 2, 6, 12, 16, 18, 16, 17, 18, 17, 15, 12, 8, 5, 2, 0, 0, 0),
    "MOTORWAY": (2, 1, 1, 1, 2, 4, 8, 11, 11, 11, 12, 13, 13, 13, 13, 14, 15, 15, 12, 9, 7, 6, 4, 3),
}
# Arrivals per connector on weekdays and at the weekend.
_PER_CONNECTOR: Final[dict[Use, tuple[int, int]]] = {
    "STREET": (10, 11),
    "OFFICE": (9, 1),
    "RETAIL": (12, 18),
    "MOTORWAY": (24, 28),
}
# Monday to Sunday, over the whole network.
_DAYS: Final = (98, 100, 100, 103, 112, 95, 82)
_SATURDAY: Final = 5

_OVERNIGHT_FROM_HOUR: Final = 17
_OVERNIGHT_PERCENT: Final = 65
# Some drivers are called away at once; what they owe is little enough for a minimum price.
_CALLED_AWAY_PERCENT: Final = 3
_STAYS_ON_PERCENT: Final = 15


class Arrival(NamedTuple):
    """A vehicle comes to a site; `stay_s` is what its driver has in mind, None on a motorway (as needed)."""

    at_s: int
    site: Site
    stay_s: int | None


def arrivals(sessions: int, days: int, first_day: date, rng: Random) -> Iterator[Arrival]:
    """All arrivals in time order, day by day; the very last one stays overnight, into the next month."""
    calendar = [first_day + timedelta(days=number) for number in range(days)]
    for day, count in zip(calendar, _per_day(sessions, calendar), strict=True):
        of_day = sorted(_arrival(day, rng) for _ in range(count))
        if day == calendar[-1] and of_day:
            of_day[-1] = _last_arrival(day, rng)
        yield from of_day


def _per_day(sessions: int, calendar: list[date]) -> Iterator[int]:
    """Sessions of each day in proportion to its weight; they add up exactly."""
    weights = [_DAYS[day.weekday()] for day in calendar]
    total, passed, given = sum(weights), 0, 0
    for weight in weights:
        passed += weight
        due = sessions * passed // total
        yield due - given
        given = due


def _arrival(day: date, rng: Random) -> Arrival:
    is_weekend = day.weekday() >= _SATURDAY
    weights = [site.connectors * _PER_CONNECTOR[site.use][is_weekend] for site in SITES]
    site = rng.choices(SITES, weights)[0]
    hour = rng.choices(range(24), _HOURS[site.use])[0]
    second = rng.randrange(_HOUR_S)
    at_s = _instant_s(day, hour, second, site, fold=rng.randrange(2))
    return Arrival(at_s, site, _stay_s(site.use, hour, second, rng))


def _last_arrival(day: date, rng: Random) -> Arrival:
    second = rng.randrange(_HOUR_S)
    at_s = _instant_s(day, 23, second, SITES[0], fold=0)
    return Arrival(at_s, SITES[0], _until_morning_s(23, second, rng))


def _instant_s(day: date, hour: int, second: int, site: Site, fold: int) -> int:
    """Seconds since 1970; in the hour that a night in October has twice, `fold` tells which."""
    local = datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(site.time_zone), fold=fold)
    return (local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) + second


def _stay_s(use: Use, hour: int, second: int, rng: Random) -> int | None:
    if use == "MOTORWAY":
        return None
    if rng.randrange(100) < _CALLED_AWAY_PERCENT:
        return rng.randint(2 * _MINUTE_S, 6 * _MINUTE_S)
    if use == "OFFICE":
        return rng.randint(3 * _HOUR_S, 9 * _HOUR_S)
    if use == "RETAIL":
        longest_min = 300 if rng.randrange(100) < _STAYS_ON_PERCENT else 150
        return rng.randint(25, longest_min) * _MINUTE_S
    if hour >= _OVERNIGHT_FROM_HOUR and rng.randrange(100) < _OVERNIGHT_PERCENT:
        return _until_morning_s(hour, second, rng)
    return rng.randint(1 * _HOUR_S, 5 * _HOUR_S)


def _until_morning_s(hour: int, second: int, rng: Random) -> int:
    """Until some time between half past six and nine."""
    return (24 - hour) * _HOUR_S - second + rng.randint(390 * _MINUTE_S, 540 * _MINUTE_S)
