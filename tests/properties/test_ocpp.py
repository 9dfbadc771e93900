"""Whatever order frames come in, and however often, the messages are the same."""

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ocpp.adapted import adapted
from tests.unit.ocpp.logs import (
    account,
    at_201,
    citrineos,
    start_16,
    started_16,
    station,
    status_16,
    stop_16,
    transaction_201,
    values_16,
)

# Two transactions of OCPP 1.6 one after the other under one id, a day apart, and one on the other connector.
OF_16 = [
    start_16("m1", "2026-11-02T08:00:00Z", 1000),
    started_16("m1", 1),
    status_16("m2", "2026-11-02T08:00:05Z", "Charging"),
    values_16("m3", "2026-11-02T08:30:00Z", {"value": "4000"}),
    stop_16("m4", "2026-11-02T09:00:00Z", 8000),
    start_16("n1", "2026-11-02T08:10:00Z", 50, connector_id=2),
    started_16("n1", 2),
    values_16("n2", "2026-11-02T08:40:00Z", {"value": "0.06", "unit": "kWh"}, transaction_id=2, connector_id=2),
    stop_16("n3", "2026-11-02T10:00:00Z", 70, transaction_id=2),
]

OF_201 = [
    transaction_201("Started", "2026-11-02T08:00:00Z", 0, at_201("2026-11-02T08:00:00Z", {"value": 1000})),
    transaction_201("Updated", "2026-11-02T08:30:00Z", 1, info={"chargingState": "Charging"}),
    transaction_201("Updated", "2026-11-02T08:40:00Z", 2, at_201("2026-11-02T08:40:00Z", {"value": 4000})),
    transaction_201("Ended", "2026-11-02T09:00:00Z", 3, at_201("2026-11-02T09:00:00Z", {"value": 8000})),
]

START = {"connectorId": 1, "idTag": "3A5AA876", "timestamp": "2026-11-02T08:00:00Z", "meterStart": 1}

IN_ENVELOPES = [
    citrineos("m1", "StartTransaction", START),
    citrineos("m1", "StartTransaction", {"transactionId": 9, "idTagInfo": {"status": "Accepted"}}, is_answer=True),
    citrineos("m2", "StopTransaction", {"transactionId": 9, "timestamp": "2026-11-02T09:00:00Z", "meterStop": 5}),
]

KNOWN = [account(), station(connectors=2)]


def messages(lines: list[str]) -> list[str]:
    """The messages of these lines, without their order; nothing waits in the end."""
    with tempfile.TemporaryDirectory() as folder:
        found = adapted(Path(folder), lines)
    assert found.listed == []
    return sorted(json.dumps(event, sort_keys=True) for event in found.events)


def shuffled(lines: list[str]) -> st.SearchStrategy[list[str]]:
    """All lines in any order, some of them twice."""
    repeats = st.lists(st.sampled_from(lines), max_size=4)
    return repeats.flatmap(lambda more: st.permutations([*lines, *more]))


@settings(max_examples=150, deadline=None)
@given(shuffled([*KNOWN, *OF_16]))
def test_frames_of_1_6_in_any_order(lines: list[str]) -> None:
    assert messages(lines) == messages([*KNOWN, *OF_16])


@settings(max_examples=150, deadline=None)
@given(shuffled([*KNOWN, *OF_201]))
def test_frames_of_2_0_1_in_any_order(lines: list[str]) -> None:
    assert messages(lines) == messages([*KNOWN, *OF_201])


@settings(max_examples=100, deadline=None)
@given(shuffled([*KNOWN, *IN_ENVELOPES]))
def test_envelopes_in_any_order(lines: list[str]) -> None:
    assert messages(lines) == messages([*KNOWN, *IN_ENVELOPES])
