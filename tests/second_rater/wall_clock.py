"""The clock on the wall of a place, read minute by minute."""

from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE_US = 60_000_000
MINUTES_KEPT_MAX = 200_000


class Wall(NamedTuple):
    """What the wall shows: the day and HH:MM."""

    day: date
    time: str
    offset_s: int


@lru_cache(maxsize=MINUTES_KEPT_MAX)
def wall_at_minute(zone: str, minute: int) -> Wall:
    """The wall during a minute since 1970; every offset in use is of whole minutes, so it shows one time only."""
    local = datetime.fromtimestamp(minute * 60, ZoneInfo(zone))
    offset = local.utcoffset()
    assert offset is not None
    return Wall(local.date(), f"{local:%H:%M}", int(offset.total_seconds()))


def wall_at(zone: str, instant: Fraction | int) -> Wall:
    """The wall at an instant in microseconds."""
    return wall_at_minute(zone, int(instant // MINUTE_US))


def changes(zone: str, start: Fraction, end: Fraction, times: Iterable[str]) -> list[Fraction]:
    """Every instant inside (start, end) at which the day or the offset changes, or the wall turns to one of `times`."""
    wanted, found = frozenset(times), []
    before = wall_at(zone, start)
    for minute in range(int(start // MINUTE_US) + 1, -int(-end // MINUTE_US)):
        wall = wall_at_minute(zone, minute)
        if wall.time in wanted or wall.day != before.day or wall.offset_s != before.offset_s:
            found.append(Fraction(minute * MINUTE_US))
        before = wall
    return found
