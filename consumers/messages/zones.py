"""Which names are IANA time zones."""

from functools import cache
from typing import Final
from zoneinfo import available_timezones

# Found in some systems' folders of zones; neither names a place.
_NO_PLACES: Final = frozenset({"localtime", "Factory"})


def is_iana_zone(name: str) -> bool:
    """Whether the zone exists, spelt exactly like this."""
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACES
