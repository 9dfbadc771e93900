"""Restrictions as regions: boxes over time of day, date, energy, duration, power and current, with days of the week.

What matters for lint is containment: an element never applies where earlier elements cover all of its regions.
A value of power or current that a period does not carry lies below every number, where only an element without a
restriction on it reaches (the policy power_unknown at its default).
"""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import IntEnum
from typing import Final, NamedTuple

from ledger.tariff.model import Restrictions
from ledger.tariff.parse import MINUTES_PER_DAY

# Above every limit that a tariff can name (twelve digits with six decimals).
ENDLESS: Final = 10**19
UNKNOWN: Final = -1
EVERY_DAY: Final = 0b111_1111
DAYS_PER_WEEK: Final = 7
# Regions that are left while elements are taken away; a tariff with a price for every quarter hour stays below.
MAX_PIECES: Final = 2_000

Interval = tuple[int, int]


class Axis(IntEnum):
    """Places of the compared quantities in a region; power and current are compared by two of them each."""

    MINUTE = 0
    DATE = 1
    ENERGY = 2
    DURATION = 3
    POWER_MIN = 4
    POWER_MAX = 5
    CURRENT_MIN = 6
    CURRENT_MAX = 7


_WHOLE: Final[tuple[Interval, ...]] = (
    (0, MINUTES_PER_DAY),
    (0, ENDLESS),
    (0, ENDLESS),
    (0, ENDLESS),
    *[(UNKNOWN, ENDLESS)] * 4,
)


class Region(NamedTuple):
    """A half-open interval on each axis, and a bit for each day of the week (Monday is bit 0)."""

    days: int
    intervals: tuple[Interval, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies in it."""
        return not self.days or any(low >= high for low, high in self.intervals)

    def on(self, axis: int, interval: Interval) -> "Region":
        """The region with another interval on one axis."""
        return Region(self.days, (*self.intervals[:axis], interval, *self.intervals[axis + 1 :]))

    def meets(self, other: "Region") -> bool:
        """Whether both have something in common."""
        return bool(self.days & other.days) and all(
            low < other_high and other_low < high
            for (low, high), (other_low, other_high) in zip(self.intervals, other.intervals, strict=True)
        )

    def without(self, other: "Region") -> list["Region"]:
        """What is left outside of another region, in regions that do not meet each other."""
        if not self.meets(other):
            return [self]
        outside = self._replace(days=self.days & ~other.days)
        pieces, rest = [outside], self._replace(days=self.days & other.days)
        for axis, (low, high) in enumerate(other.intervals):
            own_low, own_high = rest.intervals[axis]
            pieces += [rest.on(axis, (own_low, low)), rest.on(axis, (high, own_high))]
            rest = rest.on(axis, (max(low, own_low), min(high, own_high)))
        return [piece for piece in pieces if not piece.is_empty]


EVERYWHERE: Final = Region(EVERY_DAY, _WHOLE)
# Where every session begins.
AT_THE_START: Final = EVERYWHERE.on(Axis.ENERGY, (0, 1)).on(Axis.DURATION, (0, 1))


def regions_of(limit: Restrictions) -> list[Region]:
    """Where an element can match: two regions where its hours go over midnight, none where nothing can match."""
    region = Region(_days(limit), _WHOLE)
    for axis, interval in _intervals(limit).items():
        region = region.on(axis, interval)
    regions = [region.on(Axis.MINUTE, hours) for hours in _hours(limit)]
    return [] if _is_contradictory(limit) else [region for region in regions if not region.is_empty]


def calendar_of(regions: Iterable[Region]) -> list[Region]:
    """The regions with only what the calendar says: hours, days, dates."""
    return [Region(region.days, (*region.intervals[: Axis.ENERGY], *_WHOLE[Axis.ENERGY :])) for region in regions]


def is_covered(regions: Sequence[Region], by: Iterable[Region]) -> bool:
    """Whether all that lies in the regions lies in one of the others; False too where that takes too many pieces."""
    left = list(regions)
    for region in by:
        left = [piece for part in left for piece in part.without(region)]
        if not left or len(left) > MAX_PIECES:
            break
    return not left


def do_meet(regions: Iterable[Region], others: Sequence[Region]) -> bool:
    """Whether any two have something in common."""
    return any(region.meets(other) for region in regions for other in others)


def days_within(first: int, past: int) -> int:
    """The days of the week that occur from a date until another one (exclusive), both as ordinals."""
    if past - first >= DAYS_PER_WEEK:
        return EVERY_DAY
    return sum(1 << date.fromordinal(day).weekday() for day in range(first, past))


def _days(limit: Restrictions) -> int:
    wanted = EVERY_DAY if limit.days_of_week is None else sum(1 << day for day in limit.days_of_week)
    if limit.start_date is None or limit.end_date is None:
        return wanted
    return wanted & days_within(limit.start_date.toordinal(), limit.end_date.toordinal())


def _hours(limit: Restrictions) -> list[Interval]:
    start = limit.start_minute or 0
    end = MINUTES_PER_DAY if limit.end_minute is None else limit.end_minute
    if start < end:
        return [(start, end)]
    if start == end:
        return [(0, MINUTES_PER_DAY)]
    return [(0, end), (start, MINUTES_PER_DAY)]


def _intervals(limit: Restrictions) -> dict[Axis, Interval]:
    start = 0 if limit.start_date is None else limit.start_date.toordinal()
    end = ENDLESS if limit.end_date is None else limit.end_date.toordinal()
    return {
        Axis.DATE: (start, end),
        Axis.ENERGY: (limit.energy_milliwh_min or 0, _or_endless(limit.energy_milliwh_max)),
        Axis.DURATION: (limit.duration_s_min or 0, _or_endless(limit.duration_s_max)),
        Axis.POWER_MIN: _from(limit.power_milliwatt_min),
        Axis.POWER_MAX: _below(limit.power_milliwatt_max),
        Axis.CURRENT_MIN: _from(limit.current_microampere_min),
        Axis.CURRENT_MAX: _below(limit.current_microampere_max),
    }


def _or_endless(limit: int | None) -> int:
    return ENDLESS if limit is None else limit


def _from(limit: int | None) -> Interval:
    return (UNKNOWN if limit is None else limit, ENDLESS)


def _below(limit: int | None) -> Interval:
    return (UNKNOWN, ENDLESS) if limit is None else (0, limit)


def _is_contradictory(limit: Restrictions) -> bool:
    """Power and current stand on two axes each, which do not know of each other."""
    pairs = (
        (limit.power_milliwatt_min, limit.power_milliwatt_max),
        (limit.current_microampere_min, limit.current_microampere_max),
    )
    return any(low is not None and high is not None and low >= high for low, high in pairs)
