"""Rate: sessions of 20 readings under a tariff of 4 elements, against the second rater of the tests.

`per_s` counts sessions from readings to a report, in one process, with a compiled tariff. `running`: what the
cost after each of 200 readings takes, as a multiple of pricing the session's 200 charging periods once at the
end, and of pricing the periods that the tariff tells apart.
"""

import gc
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from ledger.tariff.compiled import CompiledTariff, compile_tariff
from ledger.tariff.live import Live
from ledger.tariff.parse import parse_tariff
from ledger.tariff.periods import charging_periods
from ledger.tariff.pricer import price
from ledger.tariff.readings import Readings
from ledger.tariff.report import Cost
from ledger.values.time import to_us
from tests.second_rater.rater import rate as second_rate
from tests.second_rater.session import Sample, Session, StateChange

ZONE: Final = "Europe/Amsterdam"
READINGS: Final = 20
LIVE_READINGS: Final = 200
LIVE_SESSIONS: Final = 20
SECOND_SESSIONS: Final = 200
ROUNDS: Final = 3
INTERVAL_US: Final = 300_000_000
FIRST_START_US: Final = to_us(datetime(2026, 3, 2, tzinfo=UTC))
# A little over sixteen minutes: starts wander through the day.
APART_US: Final = 977_000_000
FAST_MILLIWATT, SLOW_MILLIWATT = 60_000_000, 22_000_000


def _component(dimension: str, price_: str, step_size: int = 1) -> dict[str, Any]:
    return {"type": dimension, "price": Decimal(price_), "vat": Decimal(19), "step_size": step_size}


# Power, time of day, idle, and the rest.
TARIFF: Final[dict[str, Any]] = {
    "currency": "EUR",
    "elements": [
        {"price_components": [_component("ENERGY", "0.59")], "restrictions": {"min_power": 50}},
        {
            "price_components": [_component("ENERGY", "0.45")],
            "restrictions": {"start_time": "07:00", "end_time": "20:00"},
        },
        {"price_components": [_component("PARKING_TIME", "6", 60)], "restrictions": {"min_duration": 3_600}},
        {"price_components": [_component("ENERGY", "0.35"), _component("FLAT", "0.5")]},
    ],
}


def run(sessions: int) -> dict[str, Any]:
    """Sessions per second of the pricer and of the second rater, whose amounts are equal, and the running cost."""
    compiled = compile_tariff(parse_tariff(TARIFF), ZONE)
    drawn = [_session(number, READINGS) for number in range(sessions)]
    ours_per_s = _best_rate(
        lambda: [price(compiled, charging_periods(readings, compiled)) for readings in drawn], drawn
    )
    checked = drawn[:SECOND_SESSIONS]
    second_per_s = _best_rate(lambda: [second_rate(TARIFF, _second(readings)) for readings in checked], checked)
    assert _amounts(compiled, checked) == [second_rate(TARIFF, _second(readings)).excl for readings in checked]
    return {
        "events": sessions,
        "events_per_s": round(ours_per_s),
        "second_rater_per_s": round(second_per_s),
        "ratio_to_second_rater": round(ours_per_s / second_per_s, 1),
        **_running(compiled),
    }


def _amounts(compiled: CompiledTariff, drawn: Sequence[Readings]) -> list[Fraction | None]:
    return [price(compiled, charging_periods(readings, compiled)).excl for readings in drawn]


def _running(compiled: CompiledTariff) -> dict[str, Any]:
    drawn = [_session(number, LIVE_READINGS) for number in range(LIVE_SESSIONS)]
    live_s = _best_seconds(lambda: [_cost_after_each(compiled, readings) for readings in drawn])
    each_s = _best_seconds(lambda: [price(compiled, charging_periods(readings)) for readings in drawn])
    merged_s = _best_seconds(lambda: [price(compiled, charging_periods(readings, compiled)) for readings in drawn])
    return {
        "running_us_per_reading": round(live_s / LIVE_SESSIONS / LIVE_READINGS * 1e6, 1),
        "running_to_once": round(live_s / each_s, 2),
        "running_to_once_merged": round(live_s / merged_s, 2),
    }


def _cost_after_each(compiled: CompiledTariff, readings: Readings) -> Cost:
    live = Live(
        compiled, msgspec.structs.replace(readings, end_us=readings.start_us, samples=(), end_register_milliwh=0)
    )
    for sample in readings.samples:
        live.add_reading(*sample)
        live.cost()
    return live.cost()


def _session(number: int, count: int) -> Readings:
    """Fast, then slow, then idle, a reading every five minutes."""
    start_us, register = FIRST_START_US + number * APART_US, 0
    idle_from = count * 3 // 4
    samples = []
    for place in range(1, count + 1):
        power = (FAST_MILLIWATT if place <= count // 4 else SLOW_MILLIWATT) if place <= idle_from else 0
        register += power * 5 // 60
        samples.append((start_us + place * INTERVAL_US, register, power, None))
    end_us = start_us + (count + 1) * INTERVAL_US
    states = [(start_us, "Charging"), (start_us + idle_from * INTERVAL_US + 1, "SuspendedEV")]
    return Readings(start_us, 0, end_us, register, samples, states)


def _second(readings: Readings) -> Session:
    return Session(
        ZONE,
        readings.start_us,
        readings.start_register_milliwh,
        readings.end_us,
        readings.end_register_milliwh,
        tuple(Sample(*sample) for sample in readings.samples),
        tuple(StateChange(*change) for change in readings.state_changes),
    )


def _best_rate(work: Callable[[], object], drawn: Sequence[Readings]) -> float:
    return len(drawn) / _best_seconds(work)


def _best_seconds(work: Callable[[], object]) -> float:
    """The best of some rounds, in seconds of this process: others on the machine do not count."""
    return min(_seconds(work) for _ in range(ROUNDS))


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began
