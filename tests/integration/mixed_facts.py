"""A seeded mix of facts of both logs, in an order in which they could have been stored."""

import random
from collections.abc import Iterator

from ledger.session.events import SessionRated
from ledger.store.fact import Fact
from projections.page import Log
from tests.unit.projections.facts import (
    configured,
    ended,
    held,
    invoiced_session,
    issued,
    metered,
    rated,
    replaced,
    started,
)

LoggedIn = tuple[Log, str, Fact]


def mixed_facts(seed: int, sessions: int) -> list[LoggedIn]:
    """Sessions that run side by side, some held, free, re-rated or without an end; invoices over what was rated."""
    rng = random.Random(seed)  # noqa: S311 - the same seed must give the same facts
    running = [_session(rng, f"S{number}") for number in range(sessions)]
    facts: list[LoggedIn] = []
    rated_since: list[SessionRated] = []
    facts += [("session", "M1", configured()), ("session", "M2", replaced())]
    number = 0
    while running:
        session = rng.choice(running)
        fact = next(session, None)
        if fact is None:
            running.remove(session)
            continue
        facts.append(("session", *fact))
        if isinstance(fact[1], SessionRated) and fact[1].revision == 1 and fact[1].amount_minor:
            rated_since.append(fact[1])
        if len(rated_since) > rng.randrange(1, 6):
            number += 1
            facts.append(("billing", "series", _invoice(rng, number, rated_since)))
            rated_since.clear()
    return facts


def _session(rng: random.Random, name: str) -> Iterator[tuple[str, Fact]]:
    account = f"ACC-{rng.randrange(4)}"
    yield name, started(name, account_id=account, station_id=rng.choice(["ST1", "ST2", None]))
    for _ in range(rng.randrange(4)):
        yield name, metered(2_000_000)
    if rng.random() < 0.1:
        return
    if rng.random() < 0.2:
        yield name, held(name, rng.choice(["NO_TARIFF", "SEQ_GAP"]))
    yield name, ended()
    net = rng.choice([0, 100, 645, 1999])
    yield name, rated(name, net, account_id=account)
    if rng.random() < 0.3:
        yield name, metered(3_000_000)
        yield name, rated(name, net + rng.choice([0, 1]), revision=2, account_id=account)


def _invoice(rng: random.Random, number: int, ratings: list[SessionRated]) -> Fact:
    nets = {fact.session_id: fact.amount_minor for fact in ratings}
    countries = {session_id: rng.choice(["NL", "BE"]) for session_id in nets}
    sessions = tuple(
        invoiced_session(session_id, minor, country=countries[session_id]) for session_id, minor in nets.items()
    )
    return issued(number, nets, sessions=sessions, account_id=rng.choice(["ACC-0", "ACC-1"]))
