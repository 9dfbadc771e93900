"""The offsets from UTC that local times were judged by, so that they can be looked at when rules of zones change."""

from datetime import datetime, timedelta
from functools import lru_cache

from ledger.values.time import from_instant
from ledger.values.zones import time_zone

# No zone changes its offset and changes it back within so short a time.
STEP = timedelta(days=7)

OFFSETS_KEPT = 100  # the world's zones have about 40 offsets


def utc_offsets(zone: str, start: datetime, end: datetime) -> tuple[str, ...]:
    """The offset at the start, then each transition until the end: `("+02:00", "2026-10-25T01:00:00Z +01:00")`."""
    found = [_offset(zone, start)]
    at = start
    while at < end:
        until = min(at + STEP, end)
        if _offset(zone, until) != found[-1].rpartition(" ")[2]:
            transition = _transition(zone, at, until)
            found.append(f"{from_instant(transition)} {_offset(zone, transition)}")
        at = until
    return tuple(found)


def _offset(zone: str, instant: datetime) -> str:
    offset = instant.astimezone(time_zone(zone)).utcoffset()
    return _text(offset or timedelta())


@lru_cache(maxsize=OFFSETS_KEPT)
def _text(offset: timedelta) -> str:
    minutes = offset // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _transition(zone: str, before: datetime, after: datetime) -> datetime:
    """The first whole second at which the offset of `after` holds."""
    old = _offset(zone, before)
    low, high = before.replace(microsecond=0), after
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(zone, middle) == old else (low, middle)
    return high.replace(microsecond=0)
