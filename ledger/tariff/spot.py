"""Spot prices: the values of a series by slot, and the rates that follow them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

import msgspec

from ledger.tariff.model import SpotFormula
from ledger.tariff.rate import Rate, rate_at_spot
from ledger.values.exact import Exact
from ledger.values.time import from_instant, from_us

# From when, until when (microseconds since 1970), and the price per kWh in the currency of the tariff.
Slot = tuple[int, int, Decimal]


class PriceMissingError(ValueError):
    """No slot of a series holds an instant at which energy flowed under its price."""

    def __init__(self, series: str, instant_us: int) -> None:
        super().__init__(f"no price of series {series} at {from_instant(from_us(instant_us))}")
        self.series = series
        self.instant_us = instant_us


class SpotPrice(msgspec.Struct, frozen=True, order=True):
    """A value that a result rests on."""

    series: str
    from_us: int
    until_us: int
    per_kwh: Decimal


class Market:
    """The slots known when a session is priced, and which of them it used.

    ValueError when the slots of a series overlap or are out of order.
    """

    def __init__(self, slots: Mapping[str, Sequence[Slot]]) -> None:
        self._slots = slots
        self._starts = {series: [slot[0] for slot in of_series] for series, of_series in slots.items()}
        self._rates: dict[tuple[int, Decimal], Rate] = {}
        self._used: set[SpotPrice] = set()
        for series, of_series in slots.items():
            if any(before[1] > after[0] for before, after in pairwise(of_series)):
                raise ValueError(f"the slots of series {series} overlap or are out of order")

    @property
    def used(self) -> tuple[SpotPrice, ...]:
        """The values under which energy flowed, by series and time."""
        return tuple(sorted(self._used))

    def instants(self, names: Iterable[str], start_us: Exact, end_us: Exact) -> list[int]:
        """Where a slot of these series begins or ends, from the first that can hold the start to the end."""
        found: set[int] = set()
        for series in names:
            starts = self._starts.get(series, [])
            first, last = max(0, bisect_right(starts, start_us) - 1), bisect_left(starts, end_us)
            found.update(mark for slot in self._slots.get(series, ())[first:last] for mark in slot[:2])
        return sorted(found)

    def rate(self, rate: Rate, at_us: Exact, *, has_energy: bool) -> Rate | None:
        """The rate at the value of its slot; None where there is no slot and no energy needs it.

        PriceMissingError where energy does.
        """
        if rate.spot is None:
            return rate
        series = rate.spot.series
        slot = self._slot_at(series, at_us)
        if has_energy:
            if slot is None:
                raise PriceMissingError(series, int(at_us))
            self._used.add(SpotPrice(series, *slot))
        return None if slot is None else self._rate_at(rate, rate.spot, slot[2])

    def _slot_at(self, series: str, at_us: Exact) -> Slot | None:
        place = bisect_right(self._starts.get(series, []), at_us) - 1
        slot = self._slots[series][place] if place >= 0 else None
        return slot if slot is not None and at_us < slot[1] else None

    def _rate_at(self, rate: Rate, formula: SpotFormula, per_kwh: Decimal) -> Rate:
        """One rate for each value, so that slots of equal price share a line."""
        key = (rate.element, per_kwh)
        if key not in self._rates:
            self._rates[key] = rate_at_spot(rate, formula, per_kwh)
        return self._rates[key]
