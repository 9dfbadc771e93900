"""The network whose sites follow spot prices."""

from collections import Counter
from itertools import pairwise
from typing import Any

from evledger.simulator import messages
from evledger.simulator.spot import SERIES, TARIFF_ID
from tests.unit.simulator.contract import check

EVENTS = [check(message) for message in messages(120, 5, spot=True)]
PUBLISHED = [event for event in EVENTS if event["type"] == "ev.price.published.v1"]


def sessions_in(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is told about sessions, but for the tariffs that they name."""
    told = [event for event in events if event["type"].startswith("ev.session.")]
    return [{**event, "data": {**event["data"], "tariff_id": None}} for event in told]


def test_the_same_sessions_come_with_and_without_spot_prices() -> None:
    usual = [check(message) for message in messages(120, 5)]
    assert sessions_in(EVENTS) == sessions_in(usual)


def test_some_sessions_are_under_the_tariff_that_follows_the_series() -> None:
    named = Counter(event["data"].get("tariff_id") for event in EVENTS)
    assert named[TARIFF_ID] > 3
    assert named["NL-AC-FLAT"] == 0
    assert SERIES in str([event for event in EVENTS if event["subject"] == TARIFF_ID])


def test_each_day_has_its_prices_without_a_gap_and_some_are_below_zero() -> None:
    slots = sorted((slot["from"], slot["until"]) for event in PUBLISHED for slot in event["data"]["slots"])
    assert all(before[1] == after[0] for before, after in pairwise(slots))
    prices = [slot["per_kwh"] for event in PUBLISHED for slot in event["data"]["slots"]]
    assert any(price.startswith("-") for price in prices)
    assert {len(event["data"]["slots"]) for event in PUBLISHED} == {96}


def test_the_prices_of_one_day_come_late() -> None:
    days = [event["id"] for event in PUBLISHED]
    assert sorted(days) != days
    assert len(set(days)) == len(days)
