"""Facts about tariffs and spot prices, in the billing log: one stream per tariff id, one per series of prices."""

from datetime import datetime

import msgspec

from ledger.store.fact import FromMessage, Value, topic


@topic("tariffbook.TariffPublished")
class TariffPublished(FromMessage, frozen=True, kw_only=True):
    """An OCPI Tariff object, its JSON text as it came (numbers keep their decimals), from `occurred_at` on.

    The tariff version is the position of the fact in its stream: 1, 2, 3 …
    """

    tenant: str
    tariff_id: str
    tariff_hash: str
    currency: str
    tariff: msgspec.Raw


class PriceSlot(Value, frozen=True, kw_only=True):
    """The price per kWh from an instant until another one (exclusive): a decimal text, below zero too."""

    from_: datetime = msgspec.field(name="from")
    until: datetime
    per_kwh: str


@topic("tariffbook.PricePublished")
class PricePublished(FromMessage, frozen=True, kw_only=True):
    """Spot prices of a series, one stream per series: `slots` in order of time, none overlapping.

    Where an earlier publication says something else about the same time, this one counts from now on. `slots_sha256`:
    of the slots as they are stored, so that a repeat is known without them.
    """

    tenant: str
    series: str
    currency: str
    slots_sha256: str
    slots: tuple[PriceSlot, ...]
