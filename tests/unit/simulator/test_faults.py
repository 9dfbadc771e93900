"""Each fault does what its name says, and all of them together leave most sessions alone."""

import json
from collections import Counter
from itertools import pairwise

import pytest

from evledger.simulator import Message, messages
from evledger.simulator import faults as wrong
from evledger.simulator.garbage import GARBAGE
from evledger.simulator.session import ENDED, METERED, STARTED, Occurrence
from evledger.simulator.simulation import seeded
from tests.unit.simulator.contract import check

BEGIN_S = 1_790_000_000


def _sent(readings: int = 6) -> list[Occurrence]:
    kinds = [STARTED, *[METERED] * readings, ENDED]
    return [
        Occurrence(BEGIN_S + at, BEGIN_S + at, "S1", "/stations/X", kind, f"id-{at}", {"register_kwh": f"{50 + at}"})
        for at, kind in enumerate(kinds)
    ]


def _delivered(fault: wrong.Fault, seed: int = 1) -> list[Occurrence]:
    return sorted(fault(_sent(), seeded(str(seed))), key=lambda each: each.deliver_s)


def _ids(occurrences: list[Occurrence]) -> list[str]:
    return [each.id for each in occurrences]


@pytest.mark.parametrize("seed", range(20))
def test_swapped_exchanges_two_neighbours_but_never_the_start(seed: int) -> None:
    before, after = _ids(_sent()), _ids(_delivered(wrong.swapped, seed))
    moved = [place for place in range(len(before)) if before[place] != after[place]]
    assert sorted(after) == sorted(before)
    assert len(moved) == 2 and moved[1] == moved[0] + 1 and moved[0] > 0


def test_readings_overtake_their_start() -> None:
    delivered = _delivered(wrong.start_after_readings)
    place = [each.type for each in delivered].index(STARTED)
    assert 1 <= place <= 4
    assert delivered[place].at_s == BEGIN_S


def test_a_reading_comes_after_the_end_with_its_own_instant() -> None:
    *_, end, late = _delivered(wrong.reading_after_end)
    assert (end.type, late.type) == (ENDED, METERED)
    assert late.at_s < end.at_s < late.deliver_s


def test_one_reading_is_below_the_one_before() -> None:
    registers = [float(str(each.data["register_kwh"])) for each in _delivered(wrong.register_backwards)]
    assert sum(after < before for before, after in pairwise(registers)) == 1


def test_the_last_register_is_less_than_the_first() -> None:
    start, *_, end = _delivered(wrong.end_below_start)
    assert float(str(end.data["register_kwh"])) < float(str(start.data["register_kwh"]))


def test_the_end_is_missing() -> None:
    assert ENDED not in [each.type for each in _delivered(wrong.end_missing)]


def test_creep_is_a_few_watthours_after_the_end() -> None:
    *_, end, creep = _delivered(wrong.creep_after_end)
    assert creep.type == METERED and creep.at_s > end.at_s
    assert 0 < float(str(creep.data["register_kwh"])) - float(str(end.data["register_kwh"])) < 0.01


def test_a_conflict_has_the_name_of_an_earlier_message_and_another_register() -> None:
    delivered = _delivered(wrong.conflict)
    (name,) = [name for name, count in Counter(_ids(delivered)).items() if count == 2]
    first, second = [each.data["register_kwh"] for each in delivered if each.id == name]
    assert first != second


@pytest.mark.parametrize("seed", range(6))
def test_a_second_end_has_an_id_of_its_own(seed: int) -> None:
    ends = [each for each in _delivered(wrong.second_end, seed) if each.type == ENDED]
    assert len({each.id for each in ends}) == len(ends) == 2


def test_a_second_end_is_now_equal_now_different() -> None:
    pairs = [[e.data for e in _delivered(wrong.second_end, seed) if e.type == ENDED] for seed in range(20)]
    assert {first == second for first, second in pairs} == {True, False}


def test_a_record_has_another_key_than_its_subject() -> None:
    strays = [m for m in (each.to_message() for each in _delivered(wrong.wrong_key)) if m.key != "S1"]
    assert len(strays) == 1
    assert json.loads(strays[0].value)["subject"] == "S1"


@pytest.mark.parametrize("number", range(len(GARBAGE)))
def test_garbage_breaks_the_contract(number: int) -> None:
    good = _sent()[1].to_message()._replace(topic="ev.sessions.v1")
    check(good)
    # RecursionError is what a reader without a limit of depth would meet.
    with pytest.raises((AssertionError, KeyError, ValueError, TypeError, AttributeError, RecursionError)):
        check(good._replace(value=GARBAGE[number](good.value)))


@pytest.fixture(scope="module")
def damaged() -> list[Message]:
    return list(messages(1_500, 11, faults=True))


@pytest.fixture(scope="module")
def undamaged() -> list[Message]:
    return list(messages(1_500, 11))


def test_the_sessions_beneath_are_those_without_faults(damaged: list[Message], undamaged: list[Message]) -> None:
    assert {m.key for m in undamaged} <= {m.key for m in damaged}
    lost = set(undamaged) - set(damaged)
    assert 0 < len(lost) < len(undamaged) / 200


def test_about_one_message_in_a_hundred_is_repeated(damaged: list[Message]) -> None:
    repeated = sum(count - 1 for count in Counter(damaged).values())
    assert len(damaged) / 200 < repeated < len(damaged) / 40


def test_some_values_are_not_utf8(damaged: list[Message]) -> None:
    broken = [message for message in damaged if b"\xff" in message.value or b"\xe9on" in message.value]
    assert broken
    for message in broken:
        with pytest.raises(UnicodeDecodeError):
            message.value.decode()


def test_some_tariffs_and_accounts_are_published_after_their_session_started(damaged: list[Message]) -> None:
    seen: dict[str, int] = {message.key: place for place, message in enumerate(damaged)}
    late = set()
    for place, message in enumerate(damaged):
        if b'"ev.session.started.v1"' in message.value:
            data = json.loads(message.value).get("data", {})
            late |= {name for name in ("tariff_id", "account_id") if seen.get(data.get(name), 0) > place}
    assert late == {"tariff_id", "account_id"}


def test_most_sessions_are_whole(damaged: list[Message], undamaged: list[Message]) -> None:
    there = Counter(message.key for message in damaged)
    whole = Counter(message.key for message in undamaged)
    assert sum(there[key] == count for key, count in whole.items()) > len(whole) / 2
