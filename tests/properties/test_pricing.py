"""What holds for every tariff and every session."""

from collections import defaultdict
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.tariff.calendar import holds_at
from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.model import Dimension, Restrictions, Tariff
from ledger.tariff.parse import parse_tariff
from ledger.tariff.periods import charging_periods
from ledger.tariff.pricer import price
from ledger.tariff.readings import Readings
from ledger.tariff.report import Report, total_of
from ledger.tariff.spans import part_of
from ledger.values.exact import proportion
from ledger.values.time import from_us
from ledger.values.zones import time_zone
from tests.properties.pricing_cases import MINUTE_MILLIWH, STARTS, sessions, tariffs
from tests.unit.tariff.build import BERLIN, MINUTE_US, Json, local_us

# No time limit an example: a machine under load is no wrong price.
rule = settings(max_examples=60, deadline=None)
many = settings(max_examples=150, deadline=None)
TIMES = {Kind.CHARGING: Dimension.TIME, Kind.PARKING: Dimension.PARKING_TIME}


def rated(content: Json, periods: list[ChargingPeriod]) -> Report:
    return price(compile_tariff(parse_tariff(content), BERLIN), periods)


@rule
@given(tariffs(), sessions())
def test_lines_add_up_exactly_to_the_total(content: Json, readings: Readings) -> None:
    report = rated(content, charging_periods(readings))
    if report.lines:
        assert total_of(report.lines).excl == report.excl
        assert total_of(report.lines).incl == report.incl
    else:
        assert not report.excl
        assert not report.incl


@rule
@given(tariffs(), sessions())
def test_bounds_hold_on_both_sides(content: Json, readings: Readings) -> None:
    report = rated(content, charging_periods(readings))
    for side in ("excl", "incl"):
        total, upper = getattr(report, side), report.price_max and getattr(report.price_max, f"{side}_vat")
        if total is not None and upper is not None:
            assert total <= Fraction(upper)


@rule
@given(tariffs(), sessions())
def test_periods_follow_each_other_and_conserve_energy(content: Json, readings: Readings) -> None:
    compiled = compile_tariff(parse_tariff(content), BERLIN)
    for periods in (charging_periods(readings), charging_periods(readings, compiled)):
        assert (periods[0].start_us, periods[-1].end_us) == (readings.start_us, readings.end_us)
        assert all(
            (a.end_us, a.end_energy_milliwh) == (b.start_us, b.start_energy_milliwh) for a, b in pairwise(periods)
        )
        assert all(period.energy_milliwh >= 0 and period.duration_us >= 0 for period in periods)
        energy = sum(period.energy_milliwh for period in periods)
        assert energy == readings.end_register_milliwh - readings.start_register_milliwh


@rule
@given(tariffs(), sessions())
def test_merging_intervals_changes_nothing(content: Json, readings: Readings) -> None:
    compiled = compile_tariff(parse_tariff(content), BERLIN)
    assert price(compiled, charging_periods(readings, compiled)) == price(compiled, charging_periods(readings))


@rule
@given(tariffs(), sessions(), st.data())
def test_splitting_a_period_in_two_changes_nothing(content: Json, readings: Readings, data: st.DataObject) -> None:
    periods = charging_periods(readings)
    place = data.draw(st.integers(0, len(periods) - 1))
    part = Fraction(data.draw(st.integers(1, 999)), 1000)
    assert rated(content, [*periods[:place], *halves(periods[place], part), *periods[place + 1 :]]) == rated(
        content, periods
    )


def halves(period: ChargingPeriod, part: Fraction) -> list[ChargingPeriod]:
    middle = (
        period.start_us + proportion(period.duration_us, part, 1),
        period.start_energy_milliwh + proportion(period.energy_milliwh, part, 1),
    )
    start = (period.start_us, period.start_energy_milliwh)
    end = (period.end_us, period.end_energy_milliwh)
    return [part_of(period, start, middle), part_of(period, middle, end)]


@st.composite
def minutes(draw: st.DrawFn) -> list[ChargingPeriod]:
    """A session of whole minutes, each charging evenly, parking, or neither."""
    at_us, energy, periods = local_us(draw(st.sampled_from(STARTS))), 0, []
    for _ in range(draw(st.integers(1, 6))):
        kind, count = draw(st.sampled_from([Kind.CHARGING, Kind.PARKING, Kind.NEITHER])), draw(st.integers(1, 200))
        start_us, start_energy = at_us, energy
        at_us += count * MINUTE_US
        energy += count * MINUTE_MILLIWH if kind is Kind.CHARGING else 0
        power = draw(st.sampled_from([None, 7_000_000, 72_000_000]))
        periods.append(ChargingPeriod(start_us, at_us, kind, start_energy, energy, power, power, power, power))
    return periods


@many
@given(tariffs(with_limits=False), minutes())
def test_volumes_are_those_of_a_count_minute_by_minute(content: Json, periods: list[ChargingPeriod]) -> None:
    """A second pricer, as plain as can be: every restriction asked anew in every minute."""
    report, tariff = rated(content, periods), parse_tariff(content)
    found: dict[Any, Any] = defaultdict(int)
    for line in report.lines:
        found[line.dimension, line.element] += line.volume
    assert found == counted(tariff, periods)


def counted(tariff: Tariff, periods: list[ChargingPeriod]) -> dict[Any, Any]:
    volumes: dict[Any, Any] = defaultdict(int)
    start_us, has_flat = periods[0].start_us, False
    for period in periods:
        for minute in range(int(period.duration_us) // MINUTE_US):
            at_us = period.start_us + minute * MINUTE_US
            energy = period.start_energy_milliwh + (minute * MINUTE_MILLIWH if period.energy_milliwh else 0)
            quantities = (at_us, at_us - start_us, energy, period)
            flat = first(tariff, Dimension.FLAT, *quantities)
            if flat and not has_flat:
                has_flat, volumes[Dimension.FLAT, flat] = True, 1
            if period.energy_milliwh:
                volumes[Dimension.ENERGY, first(tariff, Dimension.ENERGY, *quantities)] += MINUTE_MILLIWH
            if period.kind in TIMES:
                volumes[TIMES[period.kind], first(tariff, TIMES[period.kind], *quantities)] += MINUTE_US
    return {key: volume for key, volume in volumes.items() if key[1] is not None}


def first(tariff: Tariff, dimension: Dimension, *quantities: Any) -> int | None:
    for place, element in enumerate(tariff.elements):
        has_price = any(part.dimension is dimension for part in element.components)
        if has_price and holds(element.restrictions, *quantities):
            return place + 1
    return None


def holds(limit: Restrictions, at_us: int, duration_us: int, energy: int, period: ChargingPeriod) -> bool:
    local: datetime = from_us(at_us).astimezone(time_zone(BERLIN))
    return (
        holds_at(limit, local)
        and inside(duration_us, times(limit.duration_s_min), times(limit.duration_s_max))
        and inside(energy, limit.energy_milliwh_min, limit.energy_milliwh_max)
        and inside(period.power_milliwatt_min, limit.power_milliwatt_min, None)
        and inside(period.power_milliwatt_max, None, limit.power_milliwatt_max)
        and inside(period.current_microampere_min, limit.current_microampere_min, None)
        and inside(period.current_microampere_max, None, limit.current_microampere_max)
    )


def inside(value: Any, lower: Any, upper: Any) -> bool:
    if lower is None and upper is None:
        return True
    return value is not None and (lower is None or lower <= value) and (upper is None or value < upper)


def times(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 10**6


@pytest.mark.parametrize("offset", [-1, 0])
def test_a_boundary_belongs_to_what_begins_at_it(offset: int) -> None:
    """A session of a microsecond, ending at 08:00 or beginning there."""
    content: Json = {
        "currency": "EUR",
        "elements": [
            {"price_components": [{"type": "TIME", "price": 1}], "restrictions": {"end_time": "08:00"}},
            {"price_components": [{"type": "TIME", "price": 2}]},
        ],
    }
    start_us = local_us("2026-03-02 08:00") + offset
    report = rated(content, [ChargingPeriod(start_us, start_us + 1, Kind.CHARGING, 0, 0)])
    assert [line.element for line in report.lines] == [1 if offset else 2]
