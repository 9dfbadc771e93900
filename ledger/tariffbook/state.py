"""All versions of one tariff."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ledger.store.fact import Fact
from ledger.tariffbook.events import TariffPublished


class TariffVersions:
    """`versions[n - 1]` is version n."""

    __slots__ = ("versions",)

    def __init__(self) -> None:
        self.versions: list[TariffPublished] = []

    def at(self, instant: datetime) -> int | None:
        """The number of the version in force at the instant: the latest by its time, of equal times the last stored."""
        numbers = [n for n, version in enumerate(self.versions, 1) if version.occurred_at <= instant]
        return max(numbers, key=lambda n: (self.versions[n - 1].occurred_at, n), default=None)


def _published(tariff: TariffVersions, fact: TariffPublished) -> None:
    tariff.versions.append(fact)


FOLDS: dict[type[Fact], Callable[[TariffVersions, Any], None]] = {TariffPublished: _published}


def evolve(tariff: TariffVersions, fact: Fact) -> None:
    """Fold a published version. Raises KeyError on any other fact."""
    FOLDS[type(fact)](tariff, fact)
