"""Sessions + unattributed energy = movement of the register: however facts arrive, whatever the registers say."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evledger.embedded import Server
from ledger.store.fact import Fact
from projections.projector import Projector
from projections.rebuild import rebuild
from tests.building import a_database
from tests.integration.appending import append
from tests.integration.read_side import select
from tests.unit.projections.facts import START, configured, ended, replaced, started

# Far above what a case lets flow, as with real registers; cases begin short of it.
MODULUS = 100_000
BEGIN = st.integers(MODULUS - 1_500, MODULUS - 1)
TABLES = ["metered_sessions", "meter_replacements", "meter_configurations"]
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_tenants = itertools.count(1)

Streams = list[list[tuple[str, Fact]]]


@pytest.fixture(scope="module")
def url(embedded_server: Server, template_database: str) -> Iterator[str]:
    """One database: each example is a tenant of its own."""
    with a_database(embedded_server, template_database, "test_meter_energy") as url:
        yield url


class Step(NamedTuple):
    """A session with its energy, or a time without one; `exchange`: the register that begins meanwhile, if one does.

    `before` of the energy flowed before the exchange.
    """

    is_session: bool
    energy: int
    before: int
    exchange: int | None
    is_reset: bool


def steps() -> st.SearchStrategy[Step]:
    def step(energy: int, share: int, is_session: bool, exchange: int | None, is_reset: bool) -> Step:
        return Step(is_session, energy, energy * share // 100, exchange, is_reset)

    registers = st.none() | st.none() | BEGIN
    return st.builds(step, st.integers(0, 400), st.integers(0, 100), st.booleans(), registers, st.booleans())


class Site:
    """A place with a meter, which may be exchanged; writes down what stations and fitters report of it."""

    def __init__(self, tenant: str, register: int) -> None:
        self.tenant = tenant
        self.meter, self.register, self.at = "M1", register, START
        self.streams: Streams = [[("M1", self._modulus("M1"))]]
        self.in_sessions = self.unattributed = 0
        self.meters = {"M1"}

    def live_through(self, number: int, step: Step) -> None:
        """Let the energy of a step flow, and report it."""
        began, first, meter = self.at, self.register, self.meter
        self._flow(step.before)
        if step.exchange is not None:
            self._exchange(step.exchange, step.is_reset, number)
        self._flow(step.energy - step.before)
        if step.is_session:
            self.in_sessions += step.energy
            self._report(f"S{number}", meter, began, first)
        else:
            self.unattributed += step.energy

    def _flow(self, energy: int) -> None:
        self.register = (self.register + energy) % MODULUS
        self.at += timedelta(minutes=10)

    def _exchange(self, register: int, is_reset: bool, number: int) -> None:
        new = self.meter if is_reset else f"N{number}"
        registers = {"last_register_milliwh": self.register, "first_register_milliwh": register}
        fact = change(replaced(self.meter, new, **registers), tenant=self.tenant, at=self.at)
        self.streams.append([(f"replaced {self.meter}", fact)])
        self.streams.append([(new, self._modulus(new))])
        self.meter, self.register = new, register
        self.meters.add(new)

    def _report(self, name: str, meter: str, began: datetime, first: int) -> None:
        start = started(name, tenant=self.tenant, occurred_at=began, register_milliwh=first, meter_id=meter)
        end = change(ended(self.register), occurred_at=self.at)
        self.streams.append([(name, start), (name, end)])

    def _modulus(self, meter: str) -> Fact:
        return change(configured(meter, MODULUS), tenant=self.tenant)


def change(fact: Any, **fields: Any) -> Any:
    return type(fact)(**{**{name: getattr(fact, name) for name in fact.__struct_fields__}, **fields})


def deliver(url: str, tenant: str, streams: Streams, data: st.DataObject) -> None:
    """In any order, but that of each stream, and in two pages or one."""
    order = data.draw(st.permutations([number for number, stream in enumerate(streams) for _ in stream]))
    waiting = [iter(stream) for stream in streams]
    facts = [(f"{tenant} {name}", fact) for name, fact in (next(waiting[number]) for number in order)]
    cut = data.draw(st.integers(0, len(facts)))
    for page in (facts[:cut], facts[cut:]):
        append(url, "session", *page)
        Projector(url).catch_up()


def energies(url: str, tenant: str) -> list[dict[str, Any]]:
    rows = [row for row in select(url, "SELECT * FROM finance.meter_energy") if row["tenant"] == tenant]
    for row in rows:
        assert row["sessions_milliwh"] + row["unattributed_milliwh"] == row["movement_milliwh"]
        assert row["jumps_milliwh"] + row["falls_milliwh"] == row["unattributed_milliwh"]
    return rows


@SLOW
@given(st.data(), BEGIN, st.lists(steps(), max_size=6))
def test_what_flowed_is_found_again_through_exchanges_and_roll_overs(
    url: str, data: st.DataObject, register: int, between: list[Step]
) -> None:
    tenant = f"site{next(_tenants)}"
    site = Site(tenant, register)
    edge = Step(True, 100, 50, None, False)  # what flows before the first session and after the last one nobody sees
    for number, step in enumerate([edge, *between, edge]):
        site.live_through(number, step)
    deliver(url, tenant, site.streams, data)
    rows = energies(url, tenant)
    assert {row["meter_id"] for row in rows} == site.meters
    assert sum(row["sessions_milliwh"] for row in rows) == site.in_sessions
    assert sum(row["unattributed_milliwh"] for row in rows) == site.unattributed


def any_streams(tenant: str) -> st.SearchStrategy[Streams]:
    """Whatever stations may report: sessions that overlap, end before they start, jump, run backwards."""
    meters, minutes = st.sampled_from(["M1", "M2", "M3"]), st.integers(0, 30)
    registers = st.integers(0, 10**18)  # the greatest quantity that a message can carry, in milliwatt-hours

    def session(meter: str, times: tuple[int, int], first: int, last: int | None, number: int) -> list[Any]:
        at = START + timedelta(minutes=times[0])
        name = f"S{number}"
        start = started(name, tenant=tenant, occurred_at=at, register_milliwh=first, meter_id=meter)
        return [(name, start), *([] if last is None else [(name, ended(last, times[1]))])]

    def exchange(meter: str, new: str, minute: int, last: int, first: int) -> list[Any]:
        fact = replaced(meter, new, minute, last_register_milliwh=last, first_register_milliwh=first)
        return [(f"replaced {meter} {minute}", change(fact, tenant=tenant))]

    def configuration(meter: str, modulus: int | None) -> list[Any]:
        return [(meter, change(configured(meter, modulus), tenant=tenant))]

    times, numbers = st.tuples(minutes, minutes), st.integers(0, 1_000)
    sessions = st.builds(session, meters, times, registers, st.none() | registers, numbers)
    exchanges = st.builds(exchange, meters, meters, minutes, registers, registers)
    configurations = st.builds(configuration, meters, st.none() | st.integers(1, 10**18))
    streams = st.lists(sessions | sessions | exchanges | configurations, max_size=12)
    return streams.map(lambda found: list({stream[0][0]: stream for stream in found}.values()))


@SLOW
@given(st.data())
def test_the_sums_agree_whatever_the_registers_say(url: str, data: st.DataObject) -> None:
    tenant = f"any{next(_tenants)}"
    deliver(url, tenant, data.draw(any_streams(tenant)), data)
    energies(url, tenant)


def test_replaying_gives_the_same_chains(url: str) -> None:
    query = "SELECT * FROM finance.meter_chain ORDER BY tenant, meter_id, place"
    followed = select(url, query)
    rebuild(url, TABLES)
    assert select(url, query) == followed
