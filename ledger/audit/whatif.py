"""What if another tariff had applied: recorded sessions priced again, nothing written."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ledger.audit.history import History, PastSession, RatedAt
from ledger.session.events import Authority, SessionRated
from ledger.session.pricing import Pricing, slots_for
from ledger.session.rating import price_session
from ledger.store.connection import Database
from ledger.store.streams import head, last_of_topic, load_streams
from ledger.tariff.compiled import CompiledTariff, compile_tariff
from ledger.tariff.model import Tariff
from ledger.tariff.report import Report
from ledger.tariff.spot import PriceMissingError
from ledger.tariffbook.compiled import named_groups
from ledger.tariffbook.prices import PriceSeries, evolve
from ledger.values.ids import stream_id

TOPIC = "session.SessionRated"

# Positions of the log that are looked through at a time, and sessions in memory at a time (25 kB each).
PAGE_POSITIONS = 50_000
PAGE_SESSIONS = 1_000

# The world has fewer zones; a tariff with prices for several groups is rare.
COMPILED_KEPT = 600


class Change(NamedTuple):
    """A session's rounded cost as it is and as it would be, on its authoritative side, in minor units.

    `after_minor` is None when the other tariff has no cost on that side, or another currency, or follows a spot price
    that was not published.
    """

    session_id: str
    account_id: str | None
    station_id: str | None
    currency: str
    side: Authority
    before_minor: int
    after_minor: int | None

    @property
    def difference_minor(self) -> int | None:
        return None if self.after_minor is None else self.after_minor - self.before_minor


class Span(NamedTuple):
    """Sessions of a tenant that ended from an instant until another one (exclusive)."""

    tenant: str
    since: datetime
    until: datetime

    def has(self, rated: SessionRated) -> bool:
        return rated.tenant == self.tenant and self.since <= rated.ended_at < self.until


class Page(NamedTuple):
    """The changes found up to a position of the log, of `end`."""

    position: int
    end: int
    changes: list[Change]


def what_if(connection: Database, tariff: Tariff, span: Span) -> Iterator[Page]:
    """Each session of the span, in its latest revision, under the other tariff in its own time zone."""
    pricer, history = _Pricer(tariff, _published(connection, span.tenant, tariff)), History(connection)
    end = head(connection, "session")
    for after in range(0, end, PAGE_POSITIONS):
        until = min(after + PAGE_POSITIONS, end)
        rated = last_of_topic(connection, "session", TOPIC, after, until)
        wanted = [
            RatedAt(fact.tenant, fact.session_id, position)
            for position, fact in rated
            if isinstance(fact, SessionRated) and span.has(fact)
        ]
        for portion in _portions(wanted):
            past = history.rated(portion)
            yield Page(until, end, [pricer.change(past[item.position]) for item in portion])
        yield Page(until, end, [])


def _published(connection: Database, tenant: str, tariff: Tariff) -> dict[str, PriceSeries]:
    """The spot prices that the tariff follows, as they are published by now."""
    names = compile_tariff(tariff, "UTC").series
    found = {stream_id(tenant, "price", name): PriceSeries() for name in names}
    for stream, _, fact in load_streams(connection, "billing", dict.fromkeys(found, 0)):
        evolve(found[stream], fact)
    return dict(zip(names, found.values(), strict=True))


def _portions(wanted: Sequence[RatedAt]) -> Iterator[Sequence[RatedAt]]:
    for start in range(0, len(wanted), PAGE_SESSIONS):
        yield wanted[start : start + PAGE_SESSIONS]


class _Pricer:
    """The other tariff, made ready for each zone that sessions were in and the groups that it prices apart."""

    def __init__(self, tariff: Tariff, series: Mapping[str, PriceSeries]) -> None:
        self._tariff = tariff
        self._series = series
        self._named = named_groups(tariff)
        self._compiled: dict[tuple[str, frozenset[str]], CompiledTariff] = {}

    def change(self, past: PastSession) -> Change:
        """The session's cost now and under the other tariff."""
        stored = past.stored
        return Change(
            session_id=stored.session_id,
            account_id=stored.account_id,
            station_id=stored.station_id,
            currency=stored.currency,
            side=stored.authority,
            before_minor=stored.amount_minor,
            after_minor=self._after_minor(past),
        )

    def _after_minor(self, past: PastSession) -> int | None:
        tariff = self._in(past.stored.time_zone, self._named.intersection(past.started.groups))
        slots = slots_for(tariff, past.started, past.ended, past.stored, self._series.__getitem__)
        pricing = Pricing(tariff, past.pricing.policies, slots)
        try:
            report = price_session(past.session, past.started, past.ended, pricing)
        except PriceMissingError:
            return None
        return _amount(report, past.stored)

    def _in(self, zone: str, groups: frozenset[str]) -> CompiledTariff:
        if (zone, groups) not in self._compiled:
            if len(self._compiled) >= COMPILED_KEPT:
                self._compiled.clear()
            self._compiled[zone, groups] = compile_tariff(self._tariff, zone, groups)
        return self._compiled[zone, groups]


def _amount(report: Report, stored: SessionRated) -> int | None:
    if report.currency != stored.currency:
        return None
    return report.incl_minor if stored.authority == "GROSS" else report.excl_minor
