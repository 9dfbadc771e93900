"""The week of each dimension: hours that two elements claim, hours that none has a price for."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import Final

from ledger.tariff.calendar import has_calendar
from ledger.tariff.lint.finding import Code, Finding, element_path
from ledger.tariff.lint.reach import Element
from ledger.tariff.lint.region import (
    DAYS_PER_WEEK,
    ENDLESS,
    EVERY_DAY,
    Axis,
    Interval,
    calendar_of,
    days_within,
    do_meet,
    is_covered,
)
from ledger.tariff.model import Dimension
from ledger.tariff.parse import MINUTES_PER_DAY

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def overlapping(elements: list[Element]) -> Iterator[Finding]:
    """Elements whose hours overlap in part: the first one's price counts, which the list's order alone decides.

    Hours within another element's hours are the usual way to say an exception, and no finding.
    """
    for element in elements:
        for earlier in elements[: element.place]:
            dimensions = element.dimensions & earlier.dimensions
            if dimensions and _overlap_in_part(element, earlier):
                text = f"{', '.join(sorted(dimensions))}: these hours overlap with those of element {earlier.place + 1}"
                path = f"{element_path(element.place)}.restrictions"
                yield Finding(path, Code.OVERLAPPING_HOURS, f"{text}, which comes first and counts")
                break


def _overlap_in_part(element: Element, earlier: Element) -> bool:
    if element.reservation is not earlier.reservation:
        return False
    if not (has_calendar(element.restrictions) and has_calendar(earlier.restrictions)):
        return False
    if not do_meet(element.regions, earlier.regions):
        return False
    hours, others = calendar_of(element.regions), calendar_of(earlier.regions)
    return not is_covered(hours, others) and not is_covered(others, hours)


def missing(elements: list[Element]) -> Iterator[Finding]:
    """Hours of the week in which a dimension that has prices has none, and so costs nothing."""
    session = [element for element in elements if element.reservation is None]
    for dimension in Dimension:
        priced = [element for element in session if dimension in element.dimensions]
        for first, past in _stretches(priced, session) if priced else ():
            gaps = _gaps(priced, first, past)
            if any(gaps):
                text = f"{dimension} has no price{_between(first, past)} at {_week(gaps)}: it costs nothing then"
                yield Finding("$.elements", Code.MISSING_HOURS, text)


def _stretches(priced: list[Element], session: list[Element]) -> Iterator[Interval]:
    """Dates between which no element begins or ends; not those at which the whole tariff says nothing."""
    dates = {date_ for element in priced for region in element.regions for date_ in region.intervals[Axis.DATE]}
    marks = sorted(dates | {0, ENDLESS})
    for first, past in pairwise(marks):
        if any(_is_in_force(element, first) for element in session):
            yield first, past


def _is_in_force(element: Element, day: int) -> bool:
    dates = [region.intervals[Axis.DATE] for region in element.regions]
    return any(first <= day < past for first, past in dates)


def _gaps(priced: Iterable[Element], first: int, past: int) -> list[list[Interval]]:
    """For each day of the week the minutes without a price."""
    in_force = [element for element in priced if _is_in_force(element, first)]
    occurring = EVERY_DAY if past == ENDLESS or first == 0 else days_within(first, past)
    return [_gaps_of_day(in_force, day) if occurring >> day & 1 else [] for day in range(DAYS_PER_WEEK)]


def _gaps_of_day(priced: Iterable[Element], day: int) -> list[Interval]:
    hours = sorted(
        region.intervals[Axis.MINUTE] for element in priced for region in element.regions if region.days >> day & 1
    )
    gaps, reached = [], 0
    for start, end in [*hours, (MINUTES_PER_DAY, MINUTES_PER_DAY)]:
        if start > reached:
            gaps.append((reached, start))
        reached = max(reached, end)
    return gaps


def _week(gaps: list[list[Interval]]) -> str:
    """Such as "Mon Tue 22:00-24:00, Sat 00:00-24:00"; days with the same hours stand together."""
    together: dict[str, list[str]] = {}
    for name, hours in zip(_DAYS, gaps, strict=True):
        if hours:
            together.setdefault(" ".join(f"{_clock(a)}-{_clock(b)}" for a, b in hours), []).append(name)
    return ", ".join(f"{' '.join(days)} {hours}" for hours, days in together.items())


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _between(first: int, past: int) -> str:
    since = "" if first == 0 else f" from {date.fromordinal(first)}"
    return since + ("" if past == ENDLESS else f" until {date.fromordinal(past)} (exclusive)")
