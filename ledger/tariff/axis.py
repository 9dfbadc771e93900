"""One quantity that restrictions compare with bounds."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from ledger.values.exact import Exact

# A lower bound that holds from itself on, and an upper bound that holds to below itself.
Limits = tuple[Exact | None, Exact | None]

# A bit for every element, however many there are.
_ALL: Final = -1


class Axis:
    """Between two neighbouring bounds: a bit for each element that is let through."""

    def __init__(self, limits: list[Limits]) -> None:
        self.bounds = sorted({bound for pair in limits for bound in pair if bound is not None})
        self._masks = [_mask(limits, value) for value in [None, *self.bounds]]
        self._unlimited = bits([limit == (None, None) for limit in limits])

    def mask(self, value: Exact | None, unknown_matches: bool = False) -> int:
        """Elements let through at a value; an unknown value passes no bound, or each (POWER_UNKNOWN)."""
        if value is None:
            return _ALL if unknown_matches else self._unlimited
        return self._masks[bisect_right(self.bounds, value)]

    def places(self, values: Iterable[Exact | None]) -> list[int | None]:
        """Where between the bounds each value lies."""
        bounds = self.bounds
        return [None if value is None else bisect_right(bounds, value) for value in values]


def bits(flags: list[bool]) -> int:
    """An integer with a bit for each flag that is set."""
    return sum(1 << place for place, flag in enumerate(flags) if flag)


def _mask(limits: list[Limits], value: Exact | None) -> int:
    """Elements let through at a value, None being below every bound: lower bounds hold from themselves on."""
    if value is None:
        return bits([lower is None for lower, _ in limits])
    return bits([(lower or 0) <= value and (upper is None or value < upper) for lower, upper in limits])
