"""A series of spot prices as its publications made it: at any instant the price that was published last for it."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from ledger.store.fact import Fact
from ledger.tariff.spot import Slot
from ledger.tariffbook.events import PricePublished, PriceSlot
from ledger.values.canonical import decimal_text
from ledger.values.refusal import RefusedError
from ledger.values.time import to_us

# Nearly three years of quarter hours, 2.4 MB; the oldest go first. A session of longer ago that was never rated is
# then held for a price that is in the log all the same.
SLOTS_MAX: Final = 100_000

PRICE_DECIMALS: Final = 6

Run = tuple[int, int]


class PriceSeries:
    """Slots that do not overlap, in order of time, as columns: from, until (microseconds since 1970), millionths."""

    __slots__ = ("_froms_us", "_millionths", "_untils_us", "currency")

    def __init__(self) -> None:
        self.currency: str | None = None
        self._froms_us = array("q")
        self._untils_us = array("q")
        self._millionths = array("q")

    def put(self, slot: Slot) -> None:
        """The price from now on between two instants; what an older slot says about the time around them stays."""
        from_us, until_us, per_kwh = slot
        first, last = bisect_right(self._untils_us, from_us), bisect_left(self._froms_us, until_us)
        kept = [(from_us, until_us, _to_millionths(per_kwh))]
        if first < last and self._froms_us[first] < from_us:
            kept.insert(0, (self._froms_us[first], from_us, self._millionths[first]))
        if first < last and self._untils_us[last - 1] > until_us:
            kept.append((until_us, self._untils_us[last - 1], self._millionths[last - 1]))
        for column, values in zip(self._columns(), zip(*kept, strict=True), strict=True):
            column[first:last] = array("q", values)

    def trim(self) -> None:
        """Forget what is oldest beyond the bound."""
        over = len(self._froms_us) - SLOTS_MAX
        if over > 0:
            for column in self._columns():
                del column[:over]

    def slots(self, from_us: int, until_us: int) -> list[Slot]:
        """The slots that overlap a stretch of time, or hold its instant where it has no length."""
        first = bisect_right(self._untils_us, from_us)
        last = max(bisect_left(self._froms_us, until_us), bisect_right(self._froms_us, from_us))
        return [
            (self._froms_us[place], self._untils_us[place], _from_millionths(self._millionths[place]))
            for place in range(first, last)
        ]

    def runs(self) -> Iterator[Run]:
        """The stretches of time without a gap."""
        return runs_of(zip(self._froms_us, self._untils_us, strict=True))

    def _columns(self) -> tuple["array[int]", "array[int]", "array[int]"]:
        return self._froms_us, self._untils_us, self._millionths


def publish_prices(series: PriceSeries, proposal: PricePublished) -> PricePublished:
    """The publication. Raises RefusedError when the series has another currency."""
    if series.currency is not None and series.currency != proposal.currency:
        raise RefusedError(f"the series is in {series.currency}, not in {proposal.currency}")
    return proposal


def runs_of(stretches: Iterable[Run]) -> Iterator[Run]:
    """Stretches in order of time, joined where one ends as the next begins."""
    begun: Run | None = None
    for from_us, until_us in stretches:
        if begun is not None and begun[1] == from_us:
            begun = (begun[0], until_us)
            continue
        if begun is not None:
            yield begun
        begun = (from_us, until_us)
    if begun is not None:
        yield begun


def slot_of(slot: PriceSlot) -> Slot:
    """The slot as the pricer takes it."""
    return to_us(slot.from_), to_us(slot.until), Decimal(slot.per_kwh)


def _to_millionths(per_kwh: Decimal) -> int:
    return int(per_kwh.scaleb(PRICE_DECIMALS))


def _from_millionths(millionths: int) -> Decimal:
    return Decimal(decimal_text(Decimal(millionths).scaleb(-PRICE_DECIMALS)))


def _published(series: PriceSeries, fact: PricePublished) -> None:
    series.currency = fact.currency
    for slot in fact.slots:
        series.put(slot_of(slot))
    series.trim()


FOLDS: dict[type[Fact], Callable[[PriceSeries, Any], None]] = {PricePublished: _published}


def evolve(series: PriceSeries, fact: Fact) -> None:
    """Fold a publication. Raises KeyError on any other fact."""
    FOLDS[type(fact)](series, fact)
