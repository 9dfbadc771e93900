"""The fold: readings in the order of their instants, however they arrived."""

from itertools import permutations

import pytest

from ledger.session.state import Session, evolve
from ledger.tariffbook.events import TariffPublished
from tests.building import AT, end, fact_of, minute, reading, state, tariff
from tests.unit.session.build import given, started


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_readings_stand_in_the_order_of_their_instants(order: tuple[int, ...]) -> None:
    facts = [fact_of(reading("S", minutes, f"{1000 + minutes}")) for minutes in range(4)]
    session = given(started(), *[facts[place] for place in order])
    assert session.readings == facts


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_at_one_instant_the_smaller_register_stands_first(order: tuple[int, ...]) -> None:
    facts = [fact_of(reading("S", 5, f"{1000 + n}", context=f"C{n}").under(id=f"m{n}")) for n in range(3)]
    session = given(started(), *[facts[place] for place in order])
    assert session.readings == facts


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_states_of_one_instant_stand_in_the_order_of_the_station(order: tuple[int, ...]) -> None:
    names = ("SuspendedEV", "Charging", "Idle")
    facts = [fact_of(state("S", 5, name, seq_no=n).under(id=f"m{n}")) for n, name in enumerate(names)]
    session = given(started(), *[facts[place] for place in order])
    assert session.states == facts


def test_readings_within_are_those_from_start_to_end_inclusive() -> None:
    facts = [fact_of(reading("S", minutes, f"{1010 + minutes}")) for minutes in (-1, 0, 5, 10, 11)]
    session = given(started(), *facts)
    assert session.readings_within(AT, minute(10)) == facts[1:4]


def test_a_start_and_an_end_are_remembered() -> None:
    begun, ended = started(), fact_of(end("S"))
    session = given(begun, ended)
    assert (session.started, session.ended) == (begun, ended)


def test_a_fact_about_something_else_is_not_skipped() -> None:
    published = fact_of(tariff("T"))
    assert isinstance(published, TariffPublished)
    with pytest.raises(KeyError):
        evolve(Session(), published)
