"""`evledger energy report`: readable also where registers jump and run backwards."""

import pytest

from projections.projector import Projector
from tests.e2e.conftest import DEMO_SESSIONS
from tests.e2e.program import Program
from tests.integration.appending import append
from tests.integration.test_meter_energy import session

# As in a public data set: nearly all registers jump up between sessions, and many run backwards.
JUMPY_SESSIONS = 300


@pytest.fixture
def jumpy(in_empty: str) -> str:
    """Ten meters; every session is followed by a jump of 8 kWh, every tenth by a fall of 50 kWh."""
    registers = [1_000] * 10
    facts = []
    for number in range(JUMPY_SESSIONS):
        meter, minute = number % 10, number
        first = registers[meter]
        facts += session(f"S{number}", (minute, minute + 5), (first, first + 5), f"M-{meter}")
        registers[meter] = first - 45 if number % 10 == 3 else first + 13
    append(in_empty, "session", *facts)
    Projector(in_empty).catch_up()
    return in_empty


def test_the_demo_has_no_gaps(program: Program, in_demo: None) -> None:
    report = program("energy", "report", "--json").document
    assert (report["sessions"], report["balanced"], report["alarms"]) == (DEMO_SESSIONS, True, 0)
    assert report["unattributed_kwh"] == "0.000"


def test_a_report_on_registers_that_jump_begins_with_the_sums_and_the_worst_meter(program: Program, jumpy: str) -> None:
    report = program("energy", "report", "--json").document
    counts = {name: report[name] for name in ("meters", "sessions", "jumps", "falls", "alarms", "balanced")}
    assert counts == {"meters": 10, "sessions": 300, "jumps": 261, "falls": 29, "alarms": 290, "balanced": True}
    assert (report["sessions_kwh"], report["jumps_kwh"], report["falls_kwh"]) == ("1500.000", "2088.000", "-1450.000")
    assert report["movement_kwh"] == "2138.000"
    assert [row["meter_id"] for row in report["by_meter"]][:2] == ["M-3", "M-0"]
    text = program("energy", "report").text
    assert len(text.splitlines()) < 40
    assert text.index("unattributed") < text.index("M-3") < text.index("M-0")


def test_the_limit_says_what_is_an_alarm(program: Program, jumpy: str) -> None:
    assert program("energy", "report", "--json", unattributed_wh_max="8000").document["alarms"] == 29


def test_a_meter_is_shown_with_all_that_stands_on_it(program: Program, jumpy: str) -> None:
    report = program("energy", "report", "--meter", "M-3", "--json").document
    assert [row["meter_id"] for row in report["by_meter"]] == ["M-3"]
    assert [row["unattributed_kwh"] for row in report["chain"][:2]] == [None, "-50.000"]
    assert len(report["chain"]) == 30
    assert "S293" in program("energy", "report", "--meter", "M-3").text


def test_an_empty_ledger_has_no_meters(program: Program, in_empty: str) -> None:
    assert program("energy", "report", "--json").document["meters"] == 0
    assert "none" in program("energy", "report").text


@pytest.mark.parametrize("unknown", ["nobody", "'; DROP VIEW finance.meter_chain; --"])
def test_an_unknown_meter_is_one_line(program: Program, in_empty: str, unknown: str) -> None:
    program("energy", "report", "--meter", unknown).refuses(1, unknown, "not in the tables")


@pytest.mark.parametrize("limit", ["-1", "a lot", "1e3", "0.5"])
def test_an_unusable_limit_is_one_line(program: Program, in_empty: str, limit: str) -> None:
    program("energy", "report", unattributed_wh_max=limit).refuses(2, "EVLEDGER_UNATTRIBUTED_WH_MAX", limit)
