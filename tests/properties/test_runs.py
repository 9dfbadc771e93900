"""Readings that are handled together lead to what they lead to one by one."""

import itertools
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from evledger.embedded import Server
from ledger.application import Ledger
from tests.building import Event, Feed, a_database, account, end, facts_of, parked, reading, start, state, tariff

SESSIONS = ("A", "B")

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def ledger(embedded_server: Server, template_database: str) -> Iterator[Ledger]:
    with (
        a_database(embedded_server, template_database, "test_runs") as url,
        Ledger(make_conninfo(url, options="-c synchronous_commit=off")) as ledger,
    ):
        yield ledger


def messages() -> st.SearchStrategy[Event]:
    """Mostly readings, of few minutes and few names, so that repeats, conflicts and contradictions are common."""
    readings = st.builds(
        lambda session_id, at, name, kwh: reading(session_id, at, f"100{kwh}").under(id=f"m{name}"),
        st.sampled_from(SESSIONS), st.integers(0, 12), st.integers(0, 3), st.integers(0, 2),
    )  # fmt: skip
    in_order = st.builds(
        lambda session_id, at: reading(session_id, at, "1003"), st.sampled_from(SESSIONS), st.integers(0, 12)
    )
    others = st.builds(
        lambda session_id, at, kind: kind(session_id, at),
        st.sampled_from(SESSIONS),
        st.integers(0, 12),
        st.sampled_from([start, lambda s, at: state(s, at, "Charging"), lambda s, at: end(s, at, "1003")]),
    )
    return st.one_of(readings, in_order, in_order, others)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=st.lists(messages(), max_size=30), started=st.booleans(), sizes=st.lists(st.integers(1, 20), max_size=3))
def test_what_is_handled_at_once_leads_to_what_it_leads_to_one_by_one(
    ledger: Ledger, events: list[Event], started: bool, sizes: list[int]
) -> None:
    begun = [start(session_id, account_id="ACC", tariff_id="T") for session_id in SESSIONS] if started else []
    whole = [*begun, *events]
    cuts = [*itertools.accumulate(sizes), len(whole)]
    with patch("consumers.pipeline.in_runs", new=lambda _, arrivals: list(arrivals)):
        one_by_one = delivered(ledger, whole, cuts)
    assert delivered(ledger, whole, cuts) == one_by_one


def delivered(ledger: Ledger, events: list[Event], cuts: list[int]) -> tuple[Any, ...]:
    """What there is after batches that end at these places: facts, parked messages and totals."""
    tenant = f"tenant-{next(_numbers)}"
    feed = Feed(ledger, tenant)
    feed.deliver(*[event.under(tenant=tenant) for event in (tariff("T"), account("ACC"))])
    rest, done = [event.under(tenant=tenant) for event in events], 0
    for cut in cuts:
        if rest[done:cut]:
            feed.deliver(*rest[done:cut])
            done = cut
    rows = [(row.kind, row.reason, row.outcome) for row in parked(ledger, tenant)]
    totals = feed.totals
    feed.close()
    facts = [[anonymous(fact) for fact in facts_of(ledger, "session", name, tenant)] for name in SESSIONS]
    return facts, rows, totals


def anonymous(fact: Any) -> Any:
    """Without what differs by where it was delivered."""
    nowhere = {name: "" for name in ("tenant", "topic") if name in fact.__struct_fields__}
    return msgspec.structs.replace(fact, **nowhere)
