"""Time zones by IANA name, read from the locked `tzdata` package.

The rules of a zone decide which price applied. Taken from the package and not from the operating system,
they are the same on every machine that replays the ledger.
"""

from functools import cache, lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

# All zones of the world are fewer than 600; more would only be wrong names, which are not kept.
_CACHED_ZONES: Final = 600


class UnknownTimeZoneError(ValueError):
    """A name that is no IANA time zone."""


@lru_cache(maxsize=_CACHED_ZONES)
def time_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as "Europe/Amsterdam". UnknownTimeZoneError for any other text."""
    if name not in _zone_names():
        raise UnknownTimeZoneError(f"{name!r} is no IANA time zone")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
