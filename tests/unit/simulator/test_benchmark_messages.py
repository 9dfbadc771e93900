import json
from collections import Counter
from itertools import islice, pairwise

import pytest

from evledger.simulator import Message, benchmark_messages
from evledger.simulator.simulation import MAX_SESSIONS
from ledger.values.energy import to_milliwh
from tests.unit.simulator.contract import check
from tests.unit.simulator.sessions import by_session, instant, registers_milliwh

SESSIONS = 700


@pytest.fixture(scope="module")
def mix() -> list[Message]:
    return list(benchmark_messages(SESSIONS, 1))


def test_same_seed_gives_the_same_bytes() -> None:
    assert list(benchmark_messages(20, 3)) == list(benchmark_messages(20, 3))


def test_every_message_keeps_the_contract(mix: list[Message]) -> None:
    for message in mix:
        check(message)


def test_a_session_is_a_start_48_readings_and_an_end(mix: list[Message]) -> None:
    sessions = by_session(list(dict.fromkeys(mix)), check)
    assert len(sessions) == SESSIONS
    for events in sessions.values():
        types = [event["type"].split(".")[2] for event in events]
        assert types == ["started", *["metered"] * 48, "ended"]


def test_two_in_a_hundred_come_a_second_time(mix: list[Message]) -> None:
    of_sessions = [message for message in mix if message.topic == "ev.sessions.v1"]
    assert len(of_sessions) == 51 * SESSIONS
    assert len(set(of_sessions)) == 50 * SESSIONS


def test_one_tariff_of_two_elements_and_a_few_payable_accounts(mix: list[Message]) -> None:
    set_up = [check(message) for message in mix if message.topic != "ev.sessions.v1"]
    tariffs = [event["data"] for event in set_up if event["type"] == "ev.tariff.published.v1"]
    assert [len(tariff["elements"]) for tariff in tariffs] == [2]
    assert {event["data"].get("billing") for event in set_up[1:]} == {"PER_SESSION", "MONTHLY"}
    named = {check(m)["data"]["account_id"] for m in mix if b"started.v1" in m.value}
    assert named == {event["subject"] for event in set_up[1:]}


def test_about_500_sessions_are_open_at_once(mix: list[Message]) -> None:
    opened: set[str] = set()
    most = 0
    for message in mix:
        opened |= {message.key} if b"started.v1" in message.value else set()
        opened -= {message.key} if b"ended.v1" in message.value else set()
        most = max(most, len(opened))
    assert 450 <= most <= 510


def test_registers_go_on_from_session_to_session(mix: list[Message]) -> None:
    of_meter: dict[str, list[int]] = {}
    for events in by_session(list(dict.fromkeys(mix)), check).values():
        of_meter.setdefault(events[0]["data"]["meter_id"], []).extend(registers_milliwh(events))
        times = [instant(event) for event in events]
        assert times == sorted(times)
    for registers in of_meter.values():
        assert registers == sorted(registers)
    assert len(of_meter) == 500


def test_energy_is_what_the_power_gives_in_five_minutes(mix: list[Message]) -> None:
    first = next(iter(by_session(list(dict.fromkeys(mix)), check).values()))
    for before, after in pairwise(first[:-1]):
        step = registers_milliwh([after])[0] - registers_milliwh([before])[0]
        assert step * 12 == to_milliwh(after["data"]["power_kw"]) <= 11_000_000


def test_the_first_messages_of_ten_million_sessions_come_at_once() -> None:
    assert len(list(islice(benchmark_messages(MAX_SESSIONS, 1), 5_000))) == 5_000


def test_number_of_sessions_is_bounded() -> None:
    with pytest.raises(ValueError, match="sessions must be 1 to"):
        next(benchmark_messages(0, 1))


def test_values_are_plain_json_objects(mix: list[Message]) -> None:
    assert Counter(type(json.loads(message.value)) for message in mix[:200]) == {dict: 200}
