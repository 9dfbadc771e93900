"""Tariffs for starts that name none: from what is stored, and what batches on their way to the store publish."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from ledger.intake.subject import Subject, SubjectKey
from ledger.session.events import SessionStarted
from ledger.store.connection import Database
from ledger.store.streams import read_topic
from ledger.tariffbook.catalogue import Catalogue
from ledger.tariffbook.choice import ChargeStart, Choice, Offer, choose, fits_place, in_force
from ledger.tariffbook.events import TariffPublished
from ledger.values.time import to_us

TOPIC = "tariffbook.TariffPublished"


class _Subjects(Protocol):
    def ahead(self, key: SubjectKey) -> Subject | None: ...


class TariffChooser:
    """Keeps the catalogue up to date with the billing log, and chooses from it.

    A tariff that an unfinished batch published is looked up in its subject, which goes when the batch fails.
    """

    def __init__(self, connect: Callable[[], Database], subjects: _Subjects) -> None:
        self._connect = connect
        self._subjects = subjects
        self._catalogue = Catalogue()
        self._published: set[SubjectKey] = set()

    def publish(self, key: SubjectKey) -> None:
        """A batch published a version of this tariff."""
        self._published.add(key)

    def candidates(self, starts: Sequence[tuple[str, SessionStarted]]) -> Iterable[SubjectKey]:
        """The tariffs that may be chosen for these starts (tenant, start), whoever pays: one query, none for none."""
        self._published = {key for key in self._published if self._subjects.ahead(key) is not None}
        if starts:
            self._refresh()
        asked = {(tenant, charge_start(start, ())) for tenant, start in starts}
        return {
            SubjectKey("tariff", tenant, offer.tariff_id)
            for tenant, start in asked
            for versions in self._tariffs(tenant, start.location_id)
            if (offer := in_force(versions, start.at_us)) is not None and fits_place(offer, start)
        }

    def choose(self, tenant: str, start: ChargeStart) -> Choice | None:
        """The choice as things stand now."""
        return choose(self._tariffs(tenant, start.location_id), start)

    def _refresh(self) -> None:
        self._catalogue.trim()
        for logged in read_topic(self._connect(), "billing", TOPIC, self._catalogue.position):
            if isinstance(logged.fact, TariffPublished):
                self._catalogue.publish(logged.position, logged.version, logged.fact)

    def _tariffs(self, tenant: str, location_id: str) -> Iterator[Sequence[Offer]]:
        ahead = {key.id: subject.state.offers for key, subject in self._ahead(tenant)}
        yield from ahead.values()
        for versions in self._catalogue.versions(tenant, location_id):
            if versions[0].tariff_id not in ahead:
                yield versions

    def _ahead(self, tenant: str) -> Iterator[tuple[SubjectKey, Subject]]:
        for key in self._published:
            subject = self._subjects.ahead(key) if key.tenant == tenant else None
            if subject is not None:
                yield key, subject


def charge_start(start: SessionStarted, groups: tuple[str, ...]) -> ChargeStart:
    """What a tariff is chosen by."""
    return ChargeStart(start.location_id, start.evse_uid, start.power_type, groups, to_us(start.occurred_at))
