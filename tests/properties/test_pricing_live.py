"""The cost of a session while it runs is the cost that it has when it ends there."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.tariff.compiled import CompiledTariff, compile_tariff
from ledger.tariff.live import Live
from ledger.tariff.parse import parse_tariff
from ledger.tariff.periods import charging_periods
from ledger.tariff.policy import OPTIONS, Policies, policies_of
from ledger.tariff.pricer import price
from ledger.tariff.readings import Readings, Reservation
from ledger.tariff.report import Cost, Report
from tests.properties.pricing_cases import sessions, tariffs
from tests.unit.tariff.build import BERLIN, MINUTE_US, Json

# No time limit an example: a machine under load is no wrong price.
rule = settings(max_examples=100, deadline=None)
policies = st.fixed_dictionaries({name: st.sampled_from(readings) for name, readings in OPTIONS.items()}).map(
    policies_of
)


def at_once(compiled: CompiledTariff, readings: Readings, policies: Policies) -> Report:
    return price(compiled, charging_periods(readings, compiled), policies)


def assert_same(live: Live, report: Report) -> None:
    assert live.cost() == Cost(report.excl, report.incl)
    assert live.report() == report


def beginning(readings: Readings) -> Readings:
    return msgspec.structs.replace(
        readings,
        end_us=readings.start_us,
        end_register_milliwh=readings.start_register_milliwh,
        samples=(),
        state_changes=(),
    )


def ending_at(readings: Readings, count: int) -> Readings:
    """The session as if it ended with its sample of that number."""
    end_us, register = readings.samples[count - 1][:2]
    return msgspec.structs.replace(
        readings, end_us=end_us, end_register_milliwh=register, samples=readings.samples[:count]
    )


def with_reservation(readings: Readings) -> Readings:
    start_us = readings.start_us
    reservation = Reservation(start_us - 95 * MINUTE_US, start_us - 5 * MINUTE_US)
    return msgspec.structs.replace(readings, reservation=reservation)


@rule
@given(tariffs(), sessions(), policies)
def test_the_live_cost_at_the_last_instant_is_the_final_cost(
    content: Json, readings: Readings, chosen: Policies
) -> None:
    compiled = compile_tariff(parse_tariff(content), BERLIN)
    live = Live(compiled, beginning(readings), chosen)
    changes = list(readings.state_changes)
    for sample in readings.samples:
        while changes and changes[0][0] <= sample[0]:
            live.add_state_change(*changes.pop(0))
        live.add_reading(*sample)
        live.cost()
    for change in changes:
        live.add_state_change(*change)
    live.add_reading(readings.end_us, readings.end_register_milliwh)
    assert_same(live, at_once(compiled, readings, chosen))


@rule
@given(tariffs(), sessions())
def test_the_live_cost_is_right_at_every_reading(content: Json, readings: Readings) -> None:
    compiled = compile_tariff(parse_tariff(content), BERLIN)
    readings = with_reservation(readings)
    live = Live(compiled, msgspec.structs.replace(beginning(readings), state_changes=readings.state_changes))
    for count, sample in enumerate(readings.samples, start=1):
        live.add_reading(*sample)
        assert_same(live, at_once(compiled, ending_at(readings, count), Policies()))


@rule
@given(tariffs(), sessions(), st.integers(0, 12))
def test_what_arrives_late_counts_as_if_it_had_come_in_time(content: Json, readings: Readings, held_back: int) -> None:
    compiled = compile_tariff(parse_tariff(content), BERLIN)
    instants = [*[sample[0] for sample in readings.samples], readings.end_us]
    # Registers at one instant are in the order in which they came: none of those is held back.
    late = [sample for sample in readings.samples[:held_back] if instants.count(sample[0]) == 1]
    live = Live(compiled, beginning(readings))
    for sample in readings.samples:
        if sample not in late:
            live.add_reading(*sample)
    live.add_reading(readings.end_us, readings.end_register_milliwh)
    for change in readings.state_changes:
        live.add_state_change(*change)
    for sample in reversed(late):
        live.add_reading(*sample)
    assert_same(live, at_once(compiled, readings, Policies()))
