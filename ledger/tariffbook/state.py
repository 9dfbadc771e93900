"""All versions of one tariff."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ledger.store.fact import Fact
from ledger.tariffbook.choice import Offer, latest_begun, offer_of
from ledger.tariffbook.events import TariffPublished


class TariffVersions:
    """`versions[n - 1]` is version n."""

    __slots__ = ("_offers", "versions")

    def __init__(self) -> None:
        self.versions: list[TariffPublished] = []
        self._offers: list[Offer] = []

    @property
    def offers(self) -> list[Offer]:
        """What each version offers; read from its text when first asked for."""
        for version in range(len(self._offers), len(self.versions)):
            self._offers.append(offer_of(self.versions[version], version + 1))
        return self._offers

    def at(self, instant: datetime) -> int | None:
        """The number of the version in force at the instant: the latest by its time, of equal times the last stored."""
        place = latest_begun([version.occurred_at for version in self.versions], instant)
        return None if place is None else place + 1


def _published(tariff: TariffVersions, fact: TariffPublished) -> None:
    tariff.versions.append(fact)


FOLDS: dict[type[Fact], Callable[[TariffVersions, Any], None]] = {TariffPublished: _published}


def evolve(tariff: TariffVersions, fact: Fact) -> None:
    """Fold a published version. Raises KeyError on any other fact."""
    FOLDS[type(fact)](tariff, fact)
