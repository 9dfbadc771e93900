"""What one session is priced by; its spot prices are what is published now, and what was used before. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from ledger.session.events import SessionEnded, SessionRated, SessionStarted, UsedPrice
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.policy import DEFAULT, Policies
from ledger.tariff.pricer import NO_SLOTS
from ledger.tariff.spot import Slot, SpotPrice
from ledger.tariffbook.prices import PriceSeries
from ledger.values.canonical import decimal_text
from ledger.values.time import from_us, to_us

Slots = Mapping[str, Sequence[Slot]]


class Pricing(NamedTuple):
    """What a session is priced by: the pinned tariff in its zone and for its groups, policies, and spot prices."""

    tariff: CompiledTariff
    policies: Policies = DEFAULT
    slots: Slots = NO_SLOTS


def slots_for(
    tariff: CompiledTariff,
    started: SessionStarted,
    ended: SessionEnded,
    rated: SessionRated | None,
    series: Callable[[str], PriceSeries],
) -> Slots:
    """The slots of the series that the tariff follows, for the time of the session.

    A slot that the session was priced with before keeps that price, whatever was published since. A series in
    another currency than the tariff has no price for it.
    """
    used = {} if rated is None else used_slots(rated)
    stretch = (to_us(started.occurred_at), to_us(ended.occurred_at))
    return {name: _slots(tariff, series(name), used.get(name, ()), stretch) for name in tariff.series}


def _slots(tariff: CompiledTariff, series: PriceSeries, used: Sequence[Slot], stretch: tuple[int, int]) -> list[Slot]:
    published = series.slots(*stretch) if series.currency == tariff.tariff.currency else []
    if not used:
        return published
    both = PriceSeries()
    for slot in (*published, *used):
        both.put(slot)
    return both.slots(*stretch)


def used_slots(rated: SessionRated) -> Slots:
    """The values that a cost was made with."""
    return slots_by_series(
        SpotPrice(used.series, to_us(used.from_), to_us(used.until), Decimal(used.per_kwh))
        for used in rated.spot_prices
    )


def slots_by_series(prices: Iterable[SpotPrice]) -> Slots:
    """Values in the order of series and time, as the pricer takes them."""
    return {
        name: [(price.from_us, price.until_us, price.per_kwh) for price in of_series]
        for name, of_series in groupby(prices, key=attrgetter("series"))
    }


def used_price(price: SpotPrice) -> UsedPrice:
    """A value as it is stored with the cost."""
    return UsedPrice(
        series=price.series,
        from_=from_us(price.from_us),
        until=from_us(price.until_us),
        per_kwh=decimal_text(price.per_kwh),
    )
