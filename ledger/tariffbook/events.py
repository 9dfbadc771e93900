"""Facts about tariffs, in the billing log: one stream per tariff id, one fact per version."""

import msgspec

from ledger.store.fact import FromMessage, topic


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
