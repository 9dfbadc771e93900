"""Rated sessions as they stood when they were rated, from the events alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.session.events import SessionEnded, SessionRated, SessionStarted
from ledger.session.pricing import Pricing, used_slots
from ledger.session.state import Session, evolve
from ledger.store.connection import Database
from ledger.store.fact import Fact
from ledger.store.streams import facts_at, load_until
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.policy import policies_of
from ledger.tariffbook.compiled import CompiledTariffs
from ledger.tariffbook.events import TariffPublished
from ledger.values.ids import stream_id

TariffPlace = tuple[UUID, int]  # the stream of a tariff, and the version in it


class RatedAt(NamedTuple):
    """A session's cost at a position of the sessions log."""

    tenant: str
    session_id: str
    position: int


class PastSession(NamedTuple):
    """The cost as it was stored, the session as it stood just before, and the tariff that was pinned."""

    stored: SessionRated
    session: Session
    started: SessionStarted
    ended: SessionEnded
    tariff: CompiledTariff
    published: TariffPublished

    @property
    def pricing(self) -> Pricing:
        """What the cost was made with. Raises PolicyError for a policy that is not known."""
        return Pricing(self.tariff, policies_of(self.stored.policies), used_slots(self.stored))


class History:
    """Reads the past; keeps compiled tariffs."""

    def __init__(self, connection: Database) -> None:
        self._connection = connection
        self._tariffs = CompiledTariffs()

    def rated(self, wanted: Sequence[RatedAt]) -> dict[int, PastSession]:
        """The sessions by the position at which they were rated. Raises LookupError when one was not."""
        at = [(stream_id(item.tenant, "session", item.session_id), item) for item in wanted]
        until: dict[UUID, int] = {}
        for stream, item in at:
            until[stream] = max(item.position, until.get(stream, 0))
        streams = load_until(self._connection, "session", until)
        before = {item.position: _until(item.position, streams[stream]) for stream, item in at}
        stored = {item.position: _last_cost(item, before[item.position]) for _, item in at}
        tariffs = pinned_tariffs(self._connection, stored.values())
        return {
            position: self._past(cost, [fact for _, fact in before[position][:-1]], tariffs)
            for position, cost in stored.items()
        }

    def _past(
        self, stored: SessionRated, before: Sequence[Fact], tariffs: Mapping[TariffPlace, TariffPublished]
    ) -> PastSession:
        session = Session()
        for fact in before:
            evolve(session, fact)
        if session.started is None or session.ended is None:
            raise LookupError(f"session {stored.session_id} was rated before it started or ended")
        published = tariffs[tariff_place(stored)]
        groups = session.started.groups
        tariff = self._tariffs.of(published.tariff_hash, published.tariff, stored.time_zone, groups)
        return PastSession(stored, session, session.started, session.ended, tariff, published)


def _until(position: int, facts: Sequence[tuple[int, Fact]]) -> list[tuple[int, Fact]]:
    """A session billed twice is asked for at two positions: what was known at each."""
    return [(at, fact) for at, fact in facts if at <= position]


def _last_cost(wanted: RatedAt, facts: Sequence[tuple[int, Fact]]) -> SessionRated:
    position, fact = facts[-1] if facts else (0, None)
    if position != wanted.position or not isinstance(fact, SessionRated):
        raise LookupError(f"session {wanted.session_id} was not rated at position {wanted.position}")
    return fact


def tariff_place(rated: SessionRated) -> TariffPlace:
    """Where the version that priced a session stands in the billing log."""
    pin = rated.tariff_pin
    return stream_id(rated.tenant, "tariff", pin.tariff_id), pin.tariff_version


def pinned_tariffs(connection: Database, costs: Iterable[SessionRated]) -> dict[TariffPlace, TariffPublished]:
    """The versions that priced these sessions, by their places. Raises LookupError when one was never published."""
    pins = {tariff_place(rated): rated.tariff_pin for rated in costs}
    facts = facts_at(connection, "billing", list(pins))
    found = {place: fact for place, fact in facts.items() if isinstance(fact, TariffPublished)}
    for place, pin in pins.items():
        if place not in found:
            raise LookupError(f"tariff {pin.tariff_id} has no version {pin.tariff_version}")
    return found
