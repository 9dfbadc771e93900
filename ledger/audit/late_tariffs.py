"""Tariffs that were published after the sessions they were meant for: reported, as no session is ever pinned anew."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ledger.session.events import SessionStarted, TariffPin
from ledger.store.connection import Database
from ledger.store.streams import first_facts, read_topic
from ledger.tariffbook.catalogue import Catalogue
from ledger.tariffbook.choice import ChargeStart, choose, in_force
from ledger.tariffbook.events import TariffPublished
from ledger.values.ids import stream_id
from ledger.values.time import to_us

TOPIC: Final = "tariffbook.TariffPublished"

# Stations whose clock is ahead of ours by more start sessions in the future; those are faults of their own.
CLOCKS_APART_MAX: Final = timedelta(days=1)

Window = tuple[datetime, datetime]


class LatePin(NamedTuple):
    """A session, the version that prices it, and the one that would today; None where there is none."""

    session_id: str
    started_at: datetime
    pinned: TariffPin | None
    today: TariffPin | None


class LateTariffs:
    """The tariff book of a tenant as it is today, held against what sessions were pinned to.

    `windows`: from when until when sessions began that a version may have come too late for. All others have the
    version that they would have today.
    """

    def __init__(self, connection: Database, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant
        self._catalogue = Catalogue()
        self.windows: list[Window] = []
        for logged in read_topic(connection, "billing", TOPIC, 0):
            if isinstance(logged.fact, TariffPublished) and logged.fact.tenant == tenant:
                self._catalogue.publish(logged.position, logged.version, logged.fact)
                self.windows.append((logged.fact.occurred_at, logged.recorded_at + CLOCKS_APART_MAX))

    def among(self, session_ids: Sequence[str]) -> Iterator[LatePin]:
        """Those of these sessions that another version would price today, in no order."""
        streams = [stream_id(self._tenant, "session", session_id) for session_id in session_ids]
        for started in first_facts(self._connection, "session", streams):
            if isinstance(started, SessionStarted):
                today = self._today(started)
                if today != started.tariff_pin:
                    yield LatePin(started.session_id, started.occurred_at, started.tariff_pin, today)

    def _today(self, started: SessionStarted) -> TariffPin | None:
        """The version that the start would be pinned to now, for the groups that were stored with it."""
        at_us = to_us(started.occurred_at)
        if started.tariff_id is not None:
            offer = in_force(self._catalogue.versions_of(self._tenant, started.tariff_id), at_us)
        else:
            start = ChargeStart(started.location_id, started.evse_uid, started.power_type, started.groups, at_us)
            choice = choose(self._catalogue.versions(self._tenant, started.location_id), start)
            offer = None if choice is None else choice.offer
        return None if offer is None else offer.pin
