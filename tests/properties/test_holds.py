"""However a session's messages arrive, the same things hold it."""

from hypothesis import given as forall
from hypothesis import strategies as st

from ledger.session.consequences import consequences
from ledger.session.state import Session, evolve
from ledger.store.fact import Fact
from tests.building import Event, end, fact_of, reading, state
from tests.unit.session.build import compiled, started

TARIFF = compiled()
STATES = ("Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle")


@st.composite
def messages(draw: st.DrawFn) -> list[Event]:
    """What a session of two hours says, true or not: jumps, registers that fall, standstills, gaps, creeping."""
    minutes = sorted(draw(st.sets(st.integers(-5, 130), min_size=1, max_size=8)))
    registers = [draw(st.integers(998_000, 1_010_000)) for _ in minutes]
    registers = sorted(registers) if draw(st.booleans()) else registers
    numbers = draw(st.lists(st.one_of(st.none(), st.integers(1, 9)), min_size=len(minutes), max_size=len(minutes)))
    powers = draw(st.sampled_from([None, "11.0"]))
    said = [
        reading("S", at, f"{wh // 1000}.{wh % 1000:03}", seq_no=number, power_kw=powers)
        for at, wh, number in zip(minutes, registers, numbers, strict=True)
    ]
    changes = draw(st.dictionaries(st.integers(0, 125), st.sampled_from(STATES), max_size=4))
    last = draw(st.integers(999_000, 1_020_000))
    over = end("S", 120, f"{last // 1000}.{last % 1000:03}", seq_no=draw(st.one_of(st.none(), st.integers(3, 9))))
    return [*said, *[state("S", at, name) for at, name in sorted(changes.items())], over]


def arrive(facts: list[Fact]) -> Session:
    session = Session()
    evolve(session, started(max_power_kw="11", seq_no=0))
    for fact in facts:
        evolve(session, fact)
        if session.ended is not None:
            for consequence in consequences(session, TARIFF).facts:
                evolve(session, consequence)
    return session


@forall(st.data(), messages())
def test_the_order_of_arrival_holds_and_releases_nothing(data: st.DataObject, said: list[Event]) -> None:
    facts: list[Fact] = [fact_of(event) for event in said]
    in_order, shuffled = arrive(facts), arrive(data.draw(st.permutations(facts)))
    assert shuffled.held == in_order.held
    if not in_order.held:
        assert in_order.rated is not None
        assert shuffled.rated is not None
        assert (shuffled.rated.amount_minor, shuffled.rated.holds) == (in_order.rated.amount_minor, ())
