"""One register per station and connector: it starts at 0 and counts up."""

from pathlib import Path
from typing import Any

from evledger.importer.importing import MADE_UP
from tests.unit.importer.files import imported, of_sessions, row, verdicts


def _at(number: int, begin: str, end: str, **cells: str) -> tuple[str, ...]:
    return row(Id=str(number), Start=f"2018-05-01 {begin}", End=f"2018-05-01 {end}", **cells)


def _registers(events: list[dict[str, Any]], session_id: str) -> list[str]:
    return [event["data"]["register_kwh"] for event in events if event["subject"] == f"old:{session_id}"]


def test_a_register_counts_up_in_the_order_of_time_not_of_the_file(tmp_path: Path) -> None:
    rows = (_at(1, "15:00", "16:00", kWh="2"), _at(2, "10:00", "11:00", kWh="7.5"))
    events = of_sessions(imported(tmp_path, *rows))
    assert _registers(events, "2") == ["0.000", "7.500"]
    assert _registers(events, "1") == ["7.500", "9.500"]


def test_each_station_and_connector_has_its_own(tmp_path: Path) -> None:
    rows = (
        _at(1, "10:00", "11:00"),
        _at(2, "12:00", "13:00", Connector="2"),
        _at(3, "12:00", "13:00", Station="S2"),
    )
    events = of_sessions(imported(tmp_path, *rows))
    assert [_registers(events, number) for number in "123"] == [["0.000", "7.500"]] * 3
    meters = {event["data"]["meter_id"] for event in events if "meter_id" in event["data"]}
    assert meters == {"old:S1:1", "old:S1:2", "old:S2:1"}


def test_of_overlapping_rows_as_many_as_possible_are_used(tmp_path: Path) -> None:
    rows = (
        _at(1, "08:00", "20:00"),
        _at(2, "09:00", "10:00"),
        _at(3, "10:00", "11:00"),
        _at(4, "10:59", "12:00"),
    )
    result = imported(tmp_path, *rows)
    assert [(each.line, each.detail) for each in result.outcome.refused] == [
        (2, "overlaps line 4 on connector S1*1"),
        (5, "overlaps line 4 on connector S1*1"),
    ]


def test_the_next_session_may_start_in_the_minute_of_an_end(tmp_path: Path) -> None:
    assert verdicts(tmp_path, _at(1, "08:00", "09:00"), _at(2, "09:00", "10:00")) == []


def test_overlaps_on_other_connectors_do_not_matter(tmp_path: Path) -> None:
    assert verdicts(tmp_path, _at(1, "08:00", "10:00"), _at(2, "09:00", "11:00", Connector="2")) == []


def test_a_refused_row_moves_no_register(tmp_path: Path) -> None:
    rows = (_at(1, "08:00", "09:00"), _at(2, "08:30", "09:30"), _at(3, "10:00", "11:00"))
    assert _registers(of_sessions(imported(tmp_path, *rows)), "3") == ["7.500", "15.000"]


def test_the_account_of_the_import_says_what_is_made_up(tmp_path: Path) -> None:
    assert imported(tmp_path, row()).outcome.to_json()["made_up"] == MADE_UP
    assert "register" in MADE_UP
