"""London: 2018-03-25 01:00 becomes 02:00, 2018-10-28 02:00 becomes 01:00."""

from pathlib import Path

import pytest

from tests.unit.importer.files import imported, of_sessions, row, verdicts

AUTUMN = row(Start="2018-10-28 01:30", End="2018-10-28 04:00")
SPRING = row(Start="2018-03-25 01:30", End="2018-03-25 04:00")


def _rule(line: str) -> dict[str, str]:
    return {'zone = "Europe/London"': f'zone = "Europe/London"\n{line}'}


@pytest.mark.parametrize(("which", "instant"), [("earlier", "2018-10-28T00:30:00Z"), ("later", "2018-10-28T01:30:00Z")])
def test_the_map_decides_which_hour_is_meant_and_the_row_is_noted(which: str, instant: str, tmp_path: Path) -> None:
    result = imported(tmp_path, AUTUMN, changes=_rule(f'ambiguous = "{which}"'))
    assert of_sessions(result)[0]["time"] == instant
    assert [noted.note for noted in result.outcome.noted] == [f"ambiguous_local_time_taken_as_{which}"]


def test_the_map_may_shift_a_time_that_does_not_exist(tmp_path: Path) -> None:
    result = imported(tmp_path, SPRING, changes=_rule('nonexistent = "shift_forward"'))
    assert of_sessions(result)[0]["time"] == "2018-03-25T01:30:00Z"
    assert [noted.note for noted in result.outcome.noted] == ["nonexistent_local_time_shifted_forward"]


@pytest.mark.parametrize("local", ["00:59", "02:00"])
def test_times_beside_the_change_are_plain(local: str, tmp_path: Path) -> None:
    assert verdicts(tmp_path, row(Start=f"2018-10-28 {local}", End="2018-10-28 05:00")) == []
    assert verdicts(tmp_path, row(Start=f"2018-03-25 {local}", End="2018-03-25 05:00")) == []


def test_an_end_in_the_repeated_hour_is_refused_too(tmp_path: Path) -> None:
    end = row(Start="2018-10-28 00:10", End="2018-10-28 01:10")
    assert verdicts(tmp_path, end) == [(2, "ambiguous_local_time")]


def test_a_stay_over_the_night_of_the_change_has_its_real_length(tmp_path: Path) -> None:
    start, end = of_sessions(imported(tmp_path, row(Start="2018-10-27 23:00", End="2018-10-28 08:00")))
    assert (start["time"], end["time"]) == ("2018-10-27T22:00:00Z", "2018-10-28T08:00:00Z")


def test_an_offset_in_the_file_needs_no_rule(tmp_path: Path) -> None:
    with_offset = row(Start="2018-10-28 01:30+0100", End="2018-10-28 01:30+0000")
    result = imported(tmp_path, with_offset, changes={"%H:%M": "%H:%M%z"})
    assert [event["time"] for event in of_sessions(result)] == ["2018-10-28T00:30:00Z", "2018-10-28T01:30:00Z"]
