"""However a session's messages are delivered, it costs the same, every message is counted, no number is missing."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg.conninfo import make_conninfo

from consumers.read_ahead import ReadAhead
from consumers.session_log import Biller
from evledger.embedded import Server
from ledger.application import Ledger, UnavailableError
from ledger.intake.message import Record
from ledger.session.state import Session, evolve
from ledger.store.recorder import FencedError
from ledger.values.ids import stream_id
from tests.building import (
    DEFAULTS,
    ZONE,
    Event,
    Feed,
    a_database,
    account,
    component,
    end,
    facts_of,
    reading,
    start,
    state,
    tariff,
)
from tests.waiting import wait_until

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)

# Everything that readings and states can change is in the price: when the energy flowed, parking, steps.
ELEMENTS = [
    {"price_components": [component("ENERGY", "0.55")], "restrictions": {"start_time": "09:20", "end_time": "09:40"}},
    {"price_components": [component("ENERGY", "0.30"), component("PARKING_TIME", "6", "9", 300)]},
]
STATES = ("Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle")
LENGTH_MINUTES = 60

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def ledger(embedded_server: Server, template_database: str) -> Iterator[Ledger]:
    """Without waiting for the disk at each commit: what is at stake here is order, not durability."""
    with a_database(embedded_server, template_database, "test_delivery") as url:
        hasty = make_conninfo(url, options="-c synchronous_commit=off")
        with Ledger(hasty) as ledger:
            yield ledger


@st.composite
def scripts(draw: st.DrawFn) -> list[Event]:
    """A session's messages in order; also samples from before its start and after its end, which count for nothing."""
    minutes = draw(st.sets(st.integers(-5, LENGTH_MINUTES + 5), max_size=5))
    kwh, registers = 1000, dict[int, str]()
    for at in sorted({*minutes, 0, LENGTH_MINUTES}):
        kwh += draw(st.integers(0, 3))
        registers[at] = f"{kwh}.125"
    changes = draw(st.dictionaries(st.integers(0, LENGTH_MINUTES), st.sampled_from(STATES), max_size=3))
    return [
        start("S", kwh=registers[0], account_id="A", tariff_id="T"),
        *[reading("S", at, registers[at]) for at in sorted(minutes)],
        *[state("S", at, name) for at, name in sorted(changes.items())],
        end("S", LENGTH_MINUTES, registers[LENGTH_MINUTES]),
    ]


class Delivery(RuleBasedStateMachine):
    """A tenant's topic: messages are published to it in any order and more than once, and read with failures."""

    def __init__(self, ledger: Ledger, biller: Biller, commits: list[str], ahead: ReadAhead) -> None:
        super().__init__()
        self.ledger, self.biller, self.commits = ledger, biller, commits
        self.tenant = f"tenant-{next(_numbers)}"
        self.feed = Feed(ledger, self.tenant, ahead=ahead)
        self.topic: list[Event] = []

    @initialize(script=scripts(), billing=st.sampled_from(["PER_SESSION", "MONTHLY"]))
    def begin(self, script: list[Event], billing: str) -> None:
        published = tariff("T").saying(elements=ELEMENTS)
        self.script = [published, account("A", billing), *script]

    @rule(places=st.lists(st.integers(0, 99), min_size=1, max_size=5))
    def publish(self, places: list[int]) -> None:
        self.topic += [self.script[place % len(self.script)].under(tenant=self.tenant) for place in places]

    @rule(size=st.integers(1, 4))
    def read(self, size: int) -> None:
        """One batch, which may still be on its way when the next step is taken."""
        if batch := self.topic[self.feed.offset : self.feed.offset + size]:
            self.surviving(lambda: self.feed.send(*batch))

    @rule(what=st.sampled_from(["before", "after"]))
    def lose_a_connection(self, what: str) -> None:
        """The next commit fails, or is stored and its answer is lost."""
        self.commits[:] = [what]

    @rule()
    def restart(self) -> None:
        self.feed.restart()

    @rule()
    def bill(self) -> None:
        self.biller.follow(lambda: NOW, lambda _position, _end: None)
        self.biller.close(self.tenant, NOW)

    @invariant()
    def every_message_has_one_outcome(self) -> None:
        assert self.feed.totals.are_complete()

    @invariant()
    def no_number_is_missing(self) -> None:
        stream = stream_id(self.tenant, "series", "ABC-NL-2026")
        query = "SELECT originator_version FROM ledger.billing_events WHERE originator_id = %s ORDER BY 1"
        numbers = [number for (number,) in self.ledger.connection.execute(query, [stream])]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) <= 1

    def teardown(self) -> None:
        """All that was not delivered comes at last; then all is as if it had come in order."""
        if not hasattr(self, "script"):
            return
        self.topic += [event.under(tenant=self.tenant) for event in self.script]
        while self.feed.offset < len(self.topic) or not self.feed.is_idle:
            self.surviving(self.catch_up)
        assert self.feed.totals.messages_read == len(self.topic)
        assert (self.feed.totals.parked, self.feed.totals.appended) == (0, len(self.script))
        assert latest(self.ledger, self.tenant) == self.in_order()
        self.feed.close()

    def catch_up(self) -> None:
        self.feed.deliver(*self.topic[self.feed.offset :])

    def surviving(self, step: Callable[[], None]) -> None:
        """A process that is fenced or loses the database is started again."""
        try:
            step()
        except (FencedError, UnavailableError):
            self.feed.restart()

    def in_order(self) -> tuple[Any, ...]:
        other = f"{self.tenant}-in-order"
        feed = Feed(self.ledger, other)
        feed.deliver(*[event.under(tenant=other) for event in self.script])
        feed.close()
        return latest(self.ledger, other)


def latest(ledger: Ledger, tenant: str) -> tuple[Any, ...]:
    """Energy and cost in the latest revision, and what holds the session."""
    session = Session()
    for fact in facts_of(ledger, "session", "S", tenant):
        evolve(session, fact)
    rated = session.rated
    assert rated is not None
    return rated.energy_milliwh, rated.amount_minor, rated.cost, rated.exact_excl, rated.lines, session.held


def test_however_messages_are_delivered_the_cost_is_the_same(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, losses = ledger.commit, list[str]()

    def losing(*arguments: Any) -> Any:
        lost = losses.pop() if losses else ""
        written = None if lost == "before" else commit(*arguments)
        if lost:
            raise UnavailableError("the connection was lost")
        return written

    monkeypatch.setattr(ledger, "commit", losing)
    biller = Biller(ledger, ZONE)

    with ReadAhead(DEFAULTS, records_min=1) as ahead:
        wait_until(lambda: ahead.begin([Record("warm-up", 0, 0, None, None)]), "the process that reads ahead")
        ahead.drop()

        class DeliveryHere(Delivery):
            def __init__(self) -> None:
                super().__init__(ledger, biller, losses, ahead)

        run_state_machine_as_test(
            DeliveryHere,
            settings=settings(
                max_examples=80, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
