"""What a person who knows charging stations would check."""

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ledger.values.energy import MILLIWH_PER_KWH, to_milliwh
from tests.unit.simulator.contract import check
from tests.unit.simulator.sessions import Event, by_session, clean, instant, registers_milliwh

SESSIONS = 400


@pytest.fixture(scope="module")
def sessions() -> dict[str, list[Event]]:
    return by_session(clean(SESSIONS, 11), check)


def test_every_session_starts_once_and_ends_once(sessions: dict[str, list[Event]]) -> None:
    for events in sessions.values():
        types = [event["type"] for event in events]
        assert (types[0], types[-1]) == ("ev.session.started.v1", "ev.session.ended.v1")
        assert Counter(types)["ev.session.started.v1"] == Counter(types)["ev.session.ended.v1"] == 1


def test_registers_never_fall(sessions: dict[str, list[Event]]) -> None:
    for events in sessions.values():
        registers = registers_milliwh(events)
        assert registers == sorted(registers)
        assert registers[-1] > registers[0]


def test_a_register_goes_on_where_the_connectors_last_session_stopped(sessions: dict[str, list[Event]]) -> None:
    for of_meter in _by(sessions, "meter_id"):
        for before, after in pairwise(of_meter):
            assert registers_milliwh(before)[-1] == registers_milliwh(after)[0]


def test_a_connector_has_one_session_at_a_time(sessions: dict[str, list[Event]]) -> None:
    for of_connector in _by(sessions, "evse_uid"):
        for before, after in pairwise(of_connector):
            assert instant(before[-1]) < instant(after[0])


def _by(sessions: dict[str, list[Event]], name: str) -> list[list[list[Event]]]:
    groups: defaultdict[str, list[list[Event]]] = defaultdict(list)
    for events in sorted(sessions.values(), key=lambda events: instant(events[0])):
        groups[events[0]["data"][name]].append(events)
    assert max(map(len, groups.values())) > 5
    return list(groups.values())


def test_energy_stays_below_the_connectors_power(sessions: dict[str, list[Event]]) -> None:
    for events in sessions.values():
        milliwatt_max = to_milliwh(events[0]["data"]["max_power_kw"])
        samples = [event for event in events if "register_kwh" in event["data"]]
        for first, second in pairwise(samples):
            before, after = registers_milliwh([first, second])
            seconds = (instant(second) - instant(first)) // timedelta(seconds=1)
            # One step of the coarsest register is 10 Wh.
            assert (after - before - 10_000) * 3_600 <= milliwatt_max * seconds


def test_reported_power_is_that_of_the_interval_before(sessions: dict[str, list[Event]]) -> None:
    for events in sessions.values():
        samples = [event for event in events if "register_kwh" in event["data"]]
        for first, second in pairwise(samples[:-1]):
            before, after = registers_milliwh([first, second])
            seconds = (instant(second) - instant(first)) // timedelta(seconds=1)
            milliwatt = to_milliwh(second["data"]["power_kw"])
            # Two steps of the coarsest register, and the rest of the second in which a battery is full.
            assert abs((after - before) * 3_600 - milliwatt * seconds) <= 2 * 10_000 * 3_600 + milliwatt


def test_no_energy_flows_while_the_vehicle_does_not_ask(sessions: dict[str, list[Event]]) -> None:
    checked = 0
    for events in sessions.values():
        state, last = "Charging", 0
        for event in events:
            register = registers_milliwh([event])
            if register and state != "Charging":
                assert register[0] == last
                checked += 1
            last = register[0] if register else last
            state = event["data"].get("charging_state", state)
    assert checked > 1_000


def test_idle_time_follows_charging(sessions: dict[str, list[Event]]) -> None:
    idle = [events for events in sessions.values() if _idle_time(events) > timedelta(minutes=15)]
    assert len(idle) > SESSIONS / 20


def _idle_time(events: list[Event]) -> timedelta:
    for event in events:
        if event["data"].get("charging_state") == "SuspendedEV":
            return instant(events[-1]) - instant(event)
    return timedelta(0)


def test_power_tapers_off_towards_a_full_battery(sessions: dict[str, list[Event]]) -> None:
    for events in sessions.values():
        samples = [event["data"] for event in events if "soc_percent" in event["data"]]
        if samples and int(samples[-1]["soc_percent"]) > 85 and int(samples[0]["soc_percent"]) < 60:
            drawn = [to_milliwh(sample["power_kw"]) for sample in samples if sample["power_kw"] != "0.000"]
            assert drawn[-1] < max(drawn) * 4 // 5


def test_sequence_numbers_have_no_gap(sessions: dict[str, list[Event]]) -> None:
    for events in sessions.values():
        numbers = [event["data"]["seq_no"] for event in events]
        assert numbers == sorted(numbers)
        assert set(numbers) == set(range(numbers[-1] + 1))


def test_arrivals_follow_the_day(sessions: dict[str, list[Event]]) -> None:
    hours = Counter(_local_start(events).hour for events in sessions.values())
    assert sum(hours[hour] for hour in range(8, 20)) > 3 * sum(hours[hour] for hour in (22, 23, 0, 1, 2, 3, 4, 5))


def _local_start(events: list[Event]) -> datetime:
    return instant(events[0]).astimezone(ZoneInfo(events[0]["data"]["time_zone"]))


def test_the_month_is_full_and_its_end_is_crossed(sessions: dict[str, list[Event]]) -> None:
    assert {_local_start(events).date().day for events in sessions.values()} == set(range(1, 32))
    last = max(sessions.values(), key=lambda events: instant(events[0]))
    assert (instant(last[0]).month, instant(last[-1]).month) == (10, 11)


@pytest.mark.parametrize("seed", range(5))
def test_the_last_session_of_any_seed_ends_in_the_next_month(seed: int) -> None:
    ends = [check(message)["time"] for message in clean(20, seed) if b"ended.v1" in message.value]
    assert max(ends) > "2026-11-01T"


def test_three_countries_and_all_kinds_of_stations(sessions: dict[str, list[Event]]) -> None:
    starts = [events[0]["data"] for events in sessions.values()]
    assert {start["country"] for start in starts} == {"NL", "DE", "BE"}
    assert {start["power_type"] for start in starts} == {"AC_1_PHASE", "AC_3_PHASE", "DC"}
    assert {start["max_power_kw"] for start in starts} >= {"3.700", "22.000", "50.000", "300.000"}


def test_a_mix_of_payers() -> None:
    accounts = [check(message)["data"] for message in clean(200, 1) if message.topic == "ev.accounts.v1"]
    kinds = {(account["kind"], account["billing"]) for account in accounts}
    assert kinds == {
        *(("CONSUMER", "PER_SESSION"), ("CONSUMER", "MONTHLY"), ("CONSUMER", "PREPAID")),
        *(("BUSINESS", "MONTHLY"), ("RESELLER", "MONTHLY")),
    }
    assert any("parent_account_id" in account for account in accounts)


def test_a_parent_account_is_opened_before_its_sub_account() -> None:
    opened: set[str] = set()
    for message in clean(600, 1):
        if message.topic == "ev.accounts.v1":
            event = check(message)
            assert event["data"].get("parent_account_id", event["subject"]) in opened | {event["subject"]}
            opened.add(event["subject"])


def test_most_sessions_are_not_prepaid(sessions: dict[str, list[Event]]) -> None:
    billing = {
        message.key: json.loads(message.value)["data"]["billing"]
        for message in clean(SESSIONS, 11)
        if message.topic == "ev.accounts.v1"
    }
    prepaid = sum(billing[events[0]["data"]["account_id"]] == "PREPAID" for events in sessions.values())
    assert 0 < prepaid < SESSIONS / 10


def test_every_tariff_component_names_its_vat() -> None:
    tariffs = [check(message)["data"] for message in clean(5, 1) if message.topic == "ev.tariffs.v1"]
    components = [c for tariff in tariffs for e in tariff["elements"] for c in e["price_components"]]
    assert {component["vat"] for component in components} == {19, 21}
    assert {tariff.get("tax_included") for tariff in tariffs} == {None, "YES"}


def test_one_tariff_gets_a_second_version_and_one_payer_changes_in_mid_month() -> None:
    events = [check(message) for message in clean(60, 1) if message.topic != "ev.sessions.v1"]
    versions = Counter(event["subject"] for event in events if event["type"] == "ev.tariff.published.v1")
    assert [key for key, count in versions.items() if count == 2] == ["NL-AC-DAY-NIGHT"]
    assert [event["type"] for event in events].count("ev.account.changed.v1") == 1
    assert {event["time"][:7] for event in events[-2:]} == {"2026-10"}


def test_meters_show_energy_to_the_watthour_as_a_rule(sessions: dict[str, list[Event]]) -> None:
    starts = [events[0]["data"]["register_kwh"] for events in sessions.values()]
    assert sum(len(start.partition(".")[2]) == 3 for start in starts) > len(starts) / 2
    assert max(to_milliwh(start) for start in starts) < 200_000 * MILLIWH_PER_KWH
