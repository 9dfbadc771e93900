import json
from itertools import islice, pairwise

import pytest

from evledger.simulator import messages, to_line
from evledger.simulator.simulation import MAX_SESSIONS
from tests.unit.simulator.contract import check
from tests.unit.simulator.sessions import by_session, clean


@pytest.mark.parametrize("faults", [False, True])
def test_same_seed_gives_the_same_bytes(faults: bool) -> None:
    assert list(messages(40, 7, faults)) == list(messages(40, 7, faults))


def test_another_seed_gives_other_sessions() -> None:
    assert list(messages(5, 7)) != list(messages(5, 8))


def test_every_message_keeps_the_contract() -> None:
    for message in messages(150, 3):
        check(message)


def test_message_names_are_unique_without_faults() -> None:
    events = [check(message) for message in messages(100, 5)]
    names = {(event["subject"], event["source"], event["id"]) for event in events}
    assert len(names) == len(events)


@pytest.mark.parametrize("faults", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_a_session_has_40_to_60_messages_on_average(seed: int, faults: bool) -> None:
    count = sum(1 for _ in messages(60, seed, faults))
    assert 40 * 60 <= count <= 60 * 60


def test_as_many_sessions_as_asked_for() -> None:
    assert len(by_session(clean(73, 1), check)) == 73


def test_tariffs_keys_and_accounts_come_before_the_sessions() -> None:
    topics = [message.topic for message in messages(30, 2)]
    before = topics[: topics.index("ev.sessions.v1")]
    assert before == sorted(before, reverse=True)
    assert set(before) == {"ev.tariffs.v1", "ev.meters.v1", "ev.accounts.v1"}


def test_sessions_name_tariffs_and_accounts_that_were_published() -> None:
    known: set[str] = set()
    for message in messages(120, 9):
        event = check(message)
        if event["type"] == "ev.session.started.v1":
            assert {event["data"]["tariff_id"], event["data"]["account_id"]} <= known
        elif message.topic != "ev.sessions.v1":
            known.add(event["subject"])


def test_messages_come_in_event_time_order_with_sessions_interleaved() -> None:
    events = [check(message) for message in messages(600, 4) if message.topic == "ev.sessions.v1"]
    times = [event["time"] for event in events]
    assert times == sorted(times)
    changes = sum(first["subject"] != second["subject"] for first, second in pairwise(events))
    assert changes > len(events) / 3


def test_the_first_messages_of_ten_million_sessions_come_at_once() -> None:
    assert len(list(islice(messages(MAX_SESSIONS, 1), 5_000))) == 5_000


def test_open_sessions_are_bounded_by_connectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evledger.simulator.stations.MAX_COPIES", 1)
    assert _most_open(100) <= 16
    assert _most_open(1_500) <= 16


def _most_open(sessions: int) -> int:
    now_open, most = set(), 0
    for message in messages(sessions, 1):
        event = json.loads(message.value)
        if event["type"] == "ev.session.started.v1":
            now_open.add(event["subject"])
        now_open -= {event["subject"]} if event["type"] == "ev.session.ended.v1" else set()
        most = max(most, len(now_open))
    return most


@pytest.mark.parametrize("sessions", [0, -1, MAX_SESSIONS + 1])
def test_number_of_sessions_is_bounded(sessions: int) -> None:
    with pytest.raises(ValueError, match="sessions must be 1 to"):
        next(messages(sessions, 1))


def test_lines_carry_the_exact_value() -> None:
    for message in messages(60, 3, faults=True):
        line = json.loads(to_line(message))
        assert (line["topic"], line["key"]) == (message.topic, message.key)
        if "value" in line:
            assert line["value"].encode() == message.value
