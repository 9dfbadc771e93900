"""The whole network over a month or longer: tariffs and accounts first, then the sessions."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from itertools import chain
from random import Random
from typing import Final

from evledger.simulator import payers, tariffs
from evledger.simulator.arrivals import Arrival, arrivals
from evledger.simulator.faults import Faults
from evledger.simulator.payers import Payers
from evledger.simulator.record import Message
from evledger.simulator.session import Visit, occurrences
from evledger.simulator.signing import is_signing, key_registered
from evledger.simulator.spot import SERIES, TARIFF_ID, publications, under_spot
from evledger.simulator.stations import Connector, Site, build_network, copies_for, days_for
from evledger.simulator.timeline import Batch, Scheduled, merged
from ledger.values.time import US_PER_S, to_us

# A whole month, with the night in which European clocks go back.
FIRST_DAY: Final = date(2026, 10, 1)
DAYS_MIN: Final = 31
# At the largest network this takes sixteen years, all of them years that the message contract allows.
MAX_SESSIONS: Final = 10_000_000

_SET_UP_BEFORE: Final = timedelta(days=7)
_CHANGE_AFTER: Final = timedelta(days=14, hours=12)
_NEXT_PRICES: Final = ("0.44", "0.27")
_UPDATED: Final = "2026-10-10T09:00:00Z"

Network = dict[Site, list[Connector]]


def messages(sessions: int, seed: int, faults: bool = False, spot: bool = False) -> Iterator[Message]:
    """Session-event messages of so many sessions, the same for the same arguments, one by one.

    Tariffs and accounts come first, then the sessions by event time; with `faults` some are damaged,
    doubled, late or missing, with `spot` some sites follow spot prices, and everything else is as without.
    ValueError for a number of sessions outside of 1..MAX_SESSIONS.
    """
    if not 1 <= sessions <= MAX_SESSIONS:
        raise ValueError(f"sessions must be 1 to {MAX_SESSIONS}, not {sessions}")
    rng = seeded(str(seed))
    everybody = Payers(sessions, rng)
    days = days_for(sessions, DAYS_MIN)
    network = build_network(copies_for(sessions, days), rng)
    yield from _set_up(everybody, network)
    prices: Iterator[Batch] = iter(())
    if spot:
        yield tariffs.published(tariffs.following(SERIES, TARIFF_ID), _instant_us(-_SET_UP_BEFORE)).to_message()
        prices = publications(FIRST_DAY, days, seeded(f"{seed} spot"))
    visits = _visits(sessions, everybody, network, rng, spot)
    batches = _sessions(visits, rng, Faults(seeded(f"{seed} faults")) if faults else None)
    yield from merged(merge(batches, _changes(everybody), prices, key=lambda batch: batch.from_s))


def seeded(seed: str) -> Random:
    """A generator that gives the same numbers for the same text on every machine."""
    return Random(seed)  # noqa: S311 - nothing secret is made of it


def _set_up(everybody: Payers, network: Network) -> Iterator[Message]:
    at_us = _instant_us(-_SET_UP_BEFORE)
    for tariff in tariffs.catalogue():
        yield tariffs.published(tariff, at_us).to_message()
    for connector in chain.from_iterable(network.values()):
        if is_signing(connector):
            yield key_registered(connector, at_us).to_message()
    for payer in everybody.all:
        yield payers.opened(payer, at_us).to_message()


def _changes(everybody: Payers) -> Iterator[Batch]:
    """In the middle of the month one tariff gets its next version and one payer moves house."""
    at_us = _instant_us(_CHANGE_AFTER)
    tariff = tariffs.published(tariffs.day_night(*_NEXT_PRICES, updated=_UPDATED), at_us)
    move = payers.moved(everybody.all[1], at_us)
    at_s = at_us // US_PER_S
    yield Batch(at_s, [Scheduled(at_s, tariff), Scheduled(at_s, move)])


def _instant_us(since_first_day: timedelta) -> int:
    first = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
    return to_us(first + since_first_day)


def _visits(
    sessions: int, everybody: Payers, network: Network, rng: Random, spot: bool
) -> Iterator[tuple[Arrival, Visit]]:
    days = days_for(sessions, DAYS_MIN)
    for number, arrival in enumerate(arrivals(sessions, days, FIRST_DAY, rng), 1):
        visit = _visit(number, arrival, network, everybody, rng)
        yield arrival, under_spot(visit) if spot else visit


def _sessions(visits: Iterable[tuple[Arrival, Visit]], rng: Random, faults: Faults | None) -> Iterator[Batch]:
    for arrival, visit in visits:
        sent = occurrences(arrival, visit, rng)
        yield Batch(arrival.at_s, faults.applied(visit, sent) if faults else sent)


def _visit(number: int, arrival: Arrival, network: Network, everybody: Payers, rng: Random) -> Visit:
    site = arrival.site
    connector = _free_connector(network[site], arrival.at_s, rng)
    session_id = f"{site.country}-ABC-2026-{number:06d}"
    return Visit(session_id, number, connector, everybody.draw(rng), site.tariff_id)


def _free_connector(connectors: list[Connector], at_s: int, rng: Random) -> Connector:
    """Any free one; when all are taken, the driver waits for the one that is free first."""
    free = [connector for connector in connectors if connector.free_at_s <= at_s]
    return rng.choice(free) if free else min(connectors, key=lambda connector: connector.free_at_s)
