"""Held sessions whose price has come: found when it is published, a bounded number in each batch.

Stretches of time that have prices now stay on the list until a batch has tried every session that waited for one of
them. After a failure, and when a process begins, all that is awaited is looked at once.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ledger.intake.message import Message
from ledger.intake.subject import Subject, SubjectKey
from ledger.store.awaited_prices import PricedTime, awaited_series, sessions_priced
from ledger.store.connection import Database
from ledger.tariffbook.events import PricePublished
from ledger.tariffbook.prices import PriceSeries, Run, runs_of
from ledger.values.time import from_us, to_us

# A session of 50 readings takes about 25 kB, so these take 50 MB beside those that are being charged.
RELEASED_MAX = 2_000


class Priced(NamedTuple):
    """Sessions to try again. `whole`: the stretches of which no other session waits, as far as is known. `has_new`:
    the batch itself brings prices.
    """

    sessions: list[SubjectKey]
    whole: list[PricedTime]
    has_new: bool


class PricedSessions:
    """What is still to be tried; `load` brings subjects into memory, `failures` counts the batches that failed."""

    def __init__(
        self,
        connect: Callable[[], Database],
        load: Callable[[Iterable[SubjectKey]], None],
        find: Callable[[SubjectKey], Subject],
        failures: Callable[[], int],
    ) -> None:
        self._connect = connect
        self._load = load
        self._find = find
        self._failures = failures
        self._seen_failures = -1
        self._times: list[PricedTime] = []

    def after(self, publications: Sequence[Message]) -> Priced:
        """The sessions to try in the batch that brings these publications. One query, none where nothing is new."""
        if self._failures() != self._seen_failures:
            self._seen_failures = self._failures()
            self._times = list(self._awaited())
        self._times += [time for message in publications for time in _published(message)]
        found = sessions_priced(self._connect(), self._times, RELEASED_MAX)
        whole = self._times if len(found) < RELEASED_MAX else []
        if whole:
            self._times = []
        sessions = [SubjectKey("session", tenant, session_id) for tenant, session_id in found]
        return Priced(sessions, whole, has_new=bool(publications))

    def _awaited(self) -> Iterable[PricedTime]:
        """The stretches that have prices of all series that any session waits for."""
        keys = [SubjectKey("price", tenant, series) for tenant, series in awaited_series(self._connect())]
        self._load(keys)
        for key in keys:
            series: PriceSeries = self._find(key).state
            yield from (_time(key.tenant, key.id, run) for run in series.runs())


def _published(message: Message) -> Iterable[PricedTime]:
    fact = message.fact
    if isinstance(fact, PricePublished):
        for run in runs_of((to_us(slot.from_), to_us(slot.until)) for slot in fact.slots):
            yield _time(fact.tenant, fact.series, run)


def _time(tenant: str, series: str, run: Run) -> PricedTime:
    return PricedTime(tenant, series, from_us(run[0]), from_us(run[1]))
