"""A series of spot prices: at any instant the price that was published last for it."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.tariff.spot import Slot
from ledger.tariffbook import prices
from ledger.tariffbook.events import PricePublished
from ledger.tariffbook.prices import PriceSeries, evolve, publish_prices, runs_of
from ledger.values.refusal import RefusedError
from tests.building import account, fact_of
from tests.building import prices as published

EARLY, LATE = -(10**16), 10**16
INSTANTS = st.integers(0, 30)
SLOTS = st.builds(
    lambda begin, length, price: (begin, begin + length, Decimal(price) / 100),
    INSTANTS, st.integers(1, 10), st.integers(-50, 50),
)  # fmt: skip


def series_of(*slots: Slot) -> PriceSeries:
    series = PriceSeries()
    for slot in slots:
        series.put(slot)
    return series


@given(st.lists(SLOTS, max_size=12))
def test_the_last_publication_of_an_instant_counts(slots: list[Slot]) -> None:
    expected = {instant: price for begin, end, price in slots for instant in range(begin, end)}
    found = series_of(*slots).slots(EARLY, LATE)
    assert {instant: price for begin, end, price in found for instant in range(begin, end)} == expected
    assert all(before[1] <= after[0] for before, after in pairwise(found))


@given(st.lists(SLOTS, max_size=8), INSTANTS, st.integers(0, 10))
def test_the_slots_of_a_stretch_are_those_that_overlap_it(slots: list[Slot], begin: int, length: int) -> None:
    series, end = series_of(*slots), begin + length
    overlapping = [s for s in series.slots(EARLY, LATE) if (s[0] < end and begin < s[1]) or s[0] <= begin < s[1]]
    assert series.slots(begin, end) == overlapping


@given(st.lists(SLOTS, max_size=8))
def test_runs_are_the_stretches_without_a_gap(slots: list[Slot]) -> None:
    series = series_of(*slots)
    covered = {instant for begin, end, _ in slots for instant in range(begin, end)}
    runs = list(series.runs())
    assert {instant for begin, end in runs for instant in range(begin, end)} == covered
    assert all(before[1] < after[0] for before, after in pairwise(runs))


def test_stretches_that_touch_are_one_run() -> None:
    assert list(runs_of([(0, 1), (1, 2), (3, 4)])) == [(0, 2), (3, 4)]
    assert list(runs_of([])) == []


def test_prices_are_exact_to_their_last_decimal() -> None:
    for text in ("999999999999.999999", "-999999999999.999999", "-0.000001", "0"):
        ((_, _, price),) = series_of((0, 1, Decimal(text))).slots(0, 1)
        assert price == Decimal(text)


def test_the_oldest_slots_go_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "SLOTS_MAX", 2)
    series = PriceSeries()
    evolve(series, fact_of(published("NL-DA", (0, 15, "1"), (15, 30, "2"), (30, 45, "3"))))
    assert [price for _, _, price in series.slots(EARLY, LATE)] == [2, 3]


def test_a_series_keeps_its_currency() -> None:
    series = PriceSeries()
    first: PricePublished = fact_of(published("NL-DA", (0, 15, "1")))
    assert publish_prices(series, first) is first
    evolve(series, first)
    with pytest.raises(RefusedError, match="the series is in EUR, not in NOK"):
        publish_prices(series, fact_of(published("NL-DA", (15, 30, "1"), currency="NOK")))


def test_a_fact_about_something_else_is_not_folded() -> None:
    with pytest.raises(KeyError):
        evolve(PriceSeries(), fact_of(account("A")))
