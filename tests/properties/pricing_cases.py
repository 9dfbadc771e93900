"""Random tariffs and sessions for the pricer, in round figures so that boundaries are often hit exactly."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from ledger.tariff.readings import Readings
from tests.unit.tariff.build import MINUTE_US, Json, component, element, local_us, tariff

STATES = ("Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle")
DAYS = ("MONDAY", "TUESDAY", "SATURDAY", "SUNDAY")
# An ordinary day, and the nights before summer time begins and ends in Berlin.
STARTS = ("2026-03-02 10:00", "2026-03-28 22:10", "2026-10-24 23:50", "2026-12-31 21:00")
MINUTE_MILLIWH = 1_200_000

prices = st.sampled_from([Decimal(text) for text in ("0", "0.25", "1", "1.2345", "3")])
rates = st.sampled_from([None, "0", "7", "19", "20.5"])
steps = st.sampled_from([0, 1, 7, 60, 500, 900])
times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 30]))


def components() -> st.SearchStrategy[Json]:
    names = st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"])
    return st.builds(lambda *given: component(given[0], str(given[1]), given[2], given[3]), names, prices, rates, steps)


def restrictions(*, with_power: bool) -> st.SearchStrategy[dict[str, Any]]:
    found: dict[str, st.SearchStrategy[Any]] = {
        "start_time": times,
        "end_time": times,
        "start_date": st.just("2026-03-29"),
        "end_date": st.just("2026-10-25"),
        "day_of_week": st.lists(st.sampled_from(DAYS), min_size=1),
        "min_kwh": st.integers(0, 20).map(lambda count: Decimal(count * MINUTE_MILLIWH) / 10**6),
        "max_kwh": st.integers(0, 90).map(lambda count: Decimal(count * MINUTE_MILLIWH) / 10**6),
        "min_duration": st.integers(0, 60).map(lambda count: count * 60),
        "max_duration": st.integers(0, 300).map(lambda count: count * 60),
    }
    if with_power:
        found["min_power"] = found["max_power"] = st.sampled_from([0, 7, 11, 72])
        found["min_current"] = found["max_current"] = st.sampled_from([0, 16, 32])
    return st.fixed_dictionaries({}, optional=found)


def limits() -> st.SearchStrategy[dict[str, Any]]:
    amounts = st.sampled_from([None, Decimal("0.5"), Decimal(2), Decimal("5.55"), Decimal(12)])
    pairs = st.builds(lambda excl, incl: {"excl_vat": excl, "incl_vat": incl}, amounts, amounts)
    return pairs.filter(lambda pair: pair["excl_vat"] is not None or pair["incl_vat"] is not None)


def tariffs(*, with_power: bool = True, with_limits: bool = True) -> st.SearchStrategy[Json]:
    parts = st.lists(components(), min_size=1, max_size=4, unique_by=lambda part: part["type"])
    elements = st.builds(lambda given, limited: element(*given, **limited), parts, restrictions(with_power=with_power))
    fields = st.fixed_dictionaries(
        {},
        optional={
            "tax_included": st.sampled_from(["YES", "NO", "N/A"]),
            **({"min_price": limits(), "max_price": limits()} if with_limits else {}),
        },
    )
    return st.builds(lambda given, more: tariff(*given, **more), st.lists(elements, min_size=1, max_size=4), fields)


@st.composite
def sessions(draw: st.DrawFn) -> Readings:
    """Samples every few minutes, sometimes several at one instant; states at any second."""
    start_us = local_us(draw(st.sampled_from(STARTS)))
    at_us, register = start_us, draw(st.sampled_from([0, 1_234_500_000]))
    base, samples = register, []
    for _ in range(draw(st.integers(0, 12))):
        at_us += draw(st.sampled_from([0, 1, 7, 15, 60])) * MINUTE_US + draw(st.sampled_from([0, 0, 1, 333_333]))
        register += draw(st.sampled_from([0, 50_000, 100_000, MINUTE_MILLIWH, 1_000_001, 7 * MINUTE_MILLIWH]))
        power = draw(st.sampled_from([None, 7_000_000, 11_000_000]))
        samples.append((at_us, register, power, draw(st.sampled_from([None, 16_000_000, 32_000_000]))))
    end_us = at_us + draw(st.sampled_from([0, 1, 20])) * MINUTE_US
    offsets = draw(st.lists(st.integers(0, max(1, (end_us - start_us) // 10**6)), max_size=4).map(sorted))
    states = [(start_us + offset * 10**6, draw(st.sampled_from(STATES))) for offset in offsets]
    end_register = register + draw(st.sampled_from([0, 1, MINUTE_MILLIWH]))
    return Readings(start_us, base, end_us, end_register, samples, states)
