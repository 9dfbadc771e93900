"""Restrictions on local time: from the zone's rules to stretches of instants.

A restriction is judged at the instant: its local time of day, day of the week and date. So an hour that a
night repeats counts twice, and one that it skips not at all.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ledger.tariff.model import Restrictions
from ledger.tariff.parse import MINUTES_PER_DAY
from ledger.values.time import US_PER_HOUR, US_PER_S, from_us

# A stretch of instants: where it begins, and a bit for each element whose calendar restrictions hold in it.
Cell = tuple[int, int]

_HOURS_PER_DAY: Final = 24
_US_PER_DAY: Final = _HOURS_PER_DAY * US_PER_HOUR
_US_PER_MINUTE: Final = 60 * US_PER_S
# How often a day is asked for its offset from UTC: no zone has changed it twice within six hours.
_PROBE_US: Final = 6 * US_PER_HOUR
# Sessions of one batch lie within days of each other; two months cover late ones and bound the memory.
_CACHED_DAYS: Final = 64


def has_calendar(restrictions: Restrictions) -> bool:
    """Whether any restriction depends on local time."""
    return any(
        limit is not None
        for limit in (
            restrictions.start_minute,
            restrictions.end_minute,
            restrictions.start_date,
            restrictions.end_date,
            restrictions.days_of_week,
        )
    )


def holds_at(restrictions: Restrictions, local: datetime) -> bool:
    """Whether the restrictions on local time hold at a wall-clock time."""
    return (
        _holds_on(restrictions, local.date())
        and (restrictions.days_of_week is None or local.weekday() in restrictions.days_of_week)
        and _holds_in_minute(restrictions, local.hour * 60 + local.minute)
    )


def _holds_on(restrictions: Restrictions, day: date) -> bool:
    first, past = restrictions.start_date, restrictions.end_date
    return (first is None or first <= day) and (past is None or day < past)


def _holds_in_minute(restrictions: Restrictions, minute: int) -> bool:
    start = restrictions.start_minute or 0
    end = MINUTES_PER_DAY if restrictions.end_minute is None else restrictions.end_minute
    if start < end:
        return start <= minute < end
    if start == end:
        return True
    return minute >= start or minute < end


class Calendar:
    """The restrictions on local time of all elements of a tariff, in one zone."""

    def __init__(self, elements: tuple[Restrictions, ...], zone: ZoneInfo) -> None:
        self._zone = zone
        self._elements = elements
        self._bounds = sorted({0} | {minute for element in elements for minute in _minutes(element)})
        self._is_needed = any(map(has_calendar, elements))
        self._always = (1 << len(elements)) - 1
        self._days: dict[int, list[Cell]] = {}

    def cells(self, start_us: int, end_us: int) -> list[Cell]:
        """Stretches from the one that holds `start_us` to the last that begins before `end_us`."""
        if not self._is_needed:
            return [(start_us, self._always)]
        last_us = max(start_us, end_us - 1)
        cells: list[Cell] = []
        for day in range(start_us // _US_PER_DAY, last_us // _US_PER_DAY + 1):
            for cell in self._cells_of(day):
                if cell[0] <= start_us:
                    cells = [cell]
                elif cell[0] <= last_us and cell[1] != cells[-1][1]:
                    cells.append(cell)
        return cells

    def _cells_of(self, day: int) -> list[Cell]:
        """Stretches of one UTC day, remembered."""
        cells = self._days.get(day)
        if cells is None:
            if len(self._days) >= _CACHED_DAYS:
                self._days.clear()
            cells = self._days[day] = self._make_cells(day * _US_PER_DAY)
        return cells

    def _make_cells(self, day_us: int) -> list[Cell]:
        cells: list[Cell] = []
        for start_us in self._starts(day_us):
            mask = self._mask(from_us(start_us).astimezone(self._zone))
            if not cells or cells[-1][1] != mask:
                cells.append((start_us, mask))
        return cells

    def _starts(self, day_us: int) -> list[int]:
        """Instants of a UTC day at which the mask can change: marks on the wall clock, and its jumps."""
        starts = {day_us}
        for from_, until in self._even_stretches(day_us):
            starts.add(from_)
            starts.update(self._marks(from_, until))
        return sorted(starts)

    def _even_stretches(self, day_us: int) -> Iterator[tuple[int, int]]:
        """Parts of a day with one offset from UTC each, nearly always the whole day."""
        from_ = before_us = day_us
        offset_us = self._offset_us(day_us)
        for probe_us in range(day_us + _PROBE_US, day_us + _US_PER_DAY + 1, _PROBE_US):
            next_offset_us = self._offset_us(min(probe_us, day_us + _US_PER_DAY - 1))
            if next_offset_us != offset_us:
                jump_us = self._jump(before_us, probe_us)
                yield from_, jump_us
                from_, offset_us = jump_us, next_offset_us
            before_us = probe_us
        yield from_, day_us + _US_PER_DAY

    def _jump(self, before_us: int, after_us: int) -> int:
        """The first instant with the offset of `after_us`, by halving."""
        offset_us = self._offset_us(before_us)
        while after_us - before_us > 1:
            middle_us = (before_us + after_us) // 2
            if self._offset_us(middle_us) == offset_us:
                before_us = middle_us
            else:
                after_us = middle_us
        return after_us

    def _marks(self, from_: int, until: int) -> Iterator[int]:
        offset_us = self._offset_us(from_)
        midnight_us = (from_ + offset_us) // _US_PER_DAY * _US_PER_DAY - offset_us
        while midnight_us < until:
            for minute in self._bounds:
                mark_us = midnight_us + minute * _US_PER_MINUTE
                if from_ <= mark_us < until:
                    yield mark_us
            midnight_us += _US_PER_DAY

    def _offset_us(self, instant_us: int) -> int:
        offset = from_us(instant_us).astimezone(self._zone).utcoffset()
        return (offset or timedelta()) // timedelta(microseconds=1)

    def _mask(self, local: datetime) -> int:
        return sum(1 << place for place, element in enumerate(self._elements) if holds_at(element, local))


def _minutes(restrictions: Restrictions) -> tuple[int, ...]:
    return tuple(
        minute
        for minute in (restrictions.start_minute, restrictions.end_minute)
        if minute is not None and minute < MINUTES_PER_DAY
    )
