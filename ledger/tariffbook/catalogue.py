"""The offers of all published tariffs, by tenant and place."""

from collections.abc import Iterator, Sequence

from ledger.tariffbook.choice import Offer, offer_of
from ledger.tariffbook.events import TariffPublished

# An offer takes about a kilobyte, so these take 50 MB. More are still read, and forgotten after the batch: slower, but
# the choice stays the same.
OFFERS_MAX = 50_000


class Catalogue:
    """What the billing log offered up to `position`."""

    def __init__(self) -> None:
        self.position = 0
        self._size = 0
        self._tenants: dict[str, _Tenant] = {}

    def publish(self, position: int, version: int, fact: TariffPublished) -> None:
        """Take in the next published version of the log."""
        self._tenants.setdefault(fact.tenant, _Tenant()).add(offer_of(fact, version))
        self.position = position
        self._size += 1

    def versions(self, tenant: str, location_id: str) -> Iterator[Sequence[Offer]]:
        """The versions of each tariff that may be valid at a location."""
        known = self._tenants.get(tenant)
        if known is not None:
            yield from known.at(location_id)

    def versions_of(self, tenant: str, tariff_id: str) -> Sequence[Offer]:
        """The versions of one tariff, none where it is not known."""
        known = self._tenants.get(tenant)
        return () if known is None else known.of(tariff_id)

    def trim(self) -> None:
        """Forget everything when it is too much; it is read again."""
        if self._size > OFFERS_MAX:
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.position = self._size = 0
        self._tenants.clear()


class _Tenant:
    """Tariffs that name no location, and tariffs by the locations that any of their versions names."""

    def __init__(self) -> None:
        self._versions: dict[str, list[Offer]] = {}
        self._everywhere: set[str] = set()
        self._at: dict[str, set[str]] = {}

    def add(self, offer: Offer) -> None:
        self._versions.setdefault(offer.tariff_id, []).append(offer)
        if offer.valid_for.location_ids is None:
            self._everywhere.add(offer.tariff_id)
        for location_id in offer.valid_for.location_ids or ():
            self._at.setdefault(location_id, set()).add(offer.tariff_id)

    def of(self, tariff_id: str) -> Sequence[Offer]:
        return self._versions.get(tariff_id, ())

    def at(self, location_id: str) -> Iterator[list[Offer]]:
        for tariff_id in self._everywhere | self._at.get(location_id, set()):
            yield self._versions[tariff_id]
