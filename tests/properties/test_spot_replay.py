"""The values that a cost names are enough to make it again, to the byte."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.session.events import SessionRated
from ledger.session.pricing import Pricing, used_slots
from ledger.session.rating import rate_session
from ledger.session.state import Session, evolve
from ledger.store.serial import encode_fact
from ledger.tariff.spot import Slot
from ledger.values.time import to_us
from tests.building import component, end, fact_of, minute, reading, state
from tests.unit.session.build import compiled, started

QUARTERS = 8
SPOT = {**component("ENERGY", "0", step_size=500), "spot": {"series": "NL-DA", "add": "0.08"}}
TARIFF = compiled(SPOT, {**component("PARKING_TIME", "6", step_size=600), "grace_minutes": 10}, component("TIME", "1"))

# Energy of each quarter hour in kWh, whether the vehicle then asks for power, and the price of its slot if it has one.
Quarter = tuple[int, bool, int]
SESSIONS = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(-30, 30)), min_size=1, max_size=QUARTERS)


def session_of(quarters: list[Quarter]) -> Session:
    session, register = Session(), 1000
    evolve(session, started())
    for place, (kwh, asks, _) in enumerate(quarters):
        name = "Charging" if asks or kwh else "SuspendedEV"
        evolve(session, fact_of(state("S", 15 * place, name)))
        register += kwh
        evolve(session, fact_of(reading("S", 15 * place + 15, str(register))))
    evolve(session, fact_of(end("S", 15 * len(quarters), str(register))))
    return session


def slots_of(quarters: list[Quarter], *, is_needed_only: bool) -> list[Slot]:
    """A slot for each quarter hour, or for those only in which energy flowed."""
    return [
        (to_us(minute(15 * place)), to_us(minute(15 * place + 15)), Decimal(price) / 100)
        for place, (kwh, _, price) in enumerate(quarters)
        if kwh or not is_needed_only
    ]


def rated(session: Session, slots: dict[str, list[Slot]]) -> SessionRated:
    assert session.started is not None
    assert session.ended is not None
    return rate_session(session, Pricing(TARIFF, slots=slots))


@given(SESSIONS)
@settings(max_examples=150, deadline=None)
def test_a_cost_comes_out_of_the_values_that_it_names(quarters: list[Quarter]) -> None:
    session = session_of(quarters)
    cost = rated(session, {"NL-DA": slots_of(quarters, is_needed_only=False)})
    again = rated(session, {name: list(slots) for name, slots in used_slots(cost).items()})
    assert encode_fact(again) == encode_fact(cost)
    assert len(cost.spot_prices) == sum(1 for kwh, _, _ in quarters if kwh)


@given(SESSIONS)
@settings(max_examples=150, deadline=None)
def test_a_slot_in_which_no_energy_flows_costs_nothing_whether_it_is_known_or_not(quarters: list[Quarter]) -> None:
    session = session_of(quarters)
    known = rated(session, {"NL-DA": slots_of(quarters, is_needed_only=False)})
    needed = rated(session, {"NL-DA": slots_of(quarters, is_needed_only=True)})
    assert encode_fact(needed) == encode_fact(known)
