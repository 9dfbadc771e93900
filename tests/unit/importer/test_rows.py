"""Every row is used, or refused with its line and reason."""

from pathlib import Path

import pytest

from evledger.importer.refusal import Reason
from tests.unit.importer.files import GOOD, imported, of_sessions, row, verdicts

REFUSED: dict[str, tuple[str, ...]] = {
    "missing_start": row(Start=""),
    "missing_end": row(End="  "),
    "missing_energy": row(kWh=""),
    "missing_value": row(Station=""),
    "odd_date": row(Start="2018-13-01 10:00"),
    "end_before_start": row(End="2018-05-01 09:59"),
    "stay_too_long": row(End="2018-05-08 10:01"),
    "before_tariff": row(Start="2017-12-31 23:59", End="2018-01-01 01:00"),
    "unreadable_energy": row(kWh="7,5 kWh".replace(",", ".")),
    "negative_energy": row(kWh="-0.001"),
    "zero_energy": row(kWh="0.000"),
    "unusable_text": row(Site="\x07"),
    "nonexistent_local_time": row(Start="2018-03-25 01:30", End="2018-03-25 05:00"),
    "ambiguous_local_time": row(Start="2018-10-28 01:30", End="2018-10-28 05:00"),
    "wrong_number_of_fields": GOOD[:-1],
}
IN_OTHER_TESTS = {"unreadable_power", "value_not_in_map", "duplicate_row", "duplicate_session_id", "overlap"}


def test_every_reason_has_a_test() -> None:
    assert set(REFUSED) | IN_OTHER_TESTS == {reason.value for reason in Reason}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_bad_row_is_refused_with_its_line_and_the_others_are_used(reason: str, tmp_path: Path) -> None:
    before = row(Id="0", Start="2018-02-01 10:00", End="2018-02-01 11:00")
    after = row(Id="2", Start="2018-06-01 10:00", End="2018-06-01 11:00")
    result = imported(tmp_path, before, REFUSED[reason], after)
    assert [(each.line, each.reason.value) for each in result.outcome.refused] == [(3, reason)]
    assert (result.outcome.rows, result.outcome.used) == (3, 2)
    assert result.outcome.by_reason() == {reason: 1}
    assert {event["subject"] for event in of_sessions(result)} == {"old:0", "old:2"}


@pytest.mark.parametrize(
    "energy", ["seven", "1e3", "NaN", "Infinity", "７.5", "7_5", "0x10", "+5", "1234567890", "7.", ".5", "7;5"]
)
def test_odd_energies_are_unreadable(energy: str, tmp_path: Path) -> None:
    assert verdicts(tmp_path, row(kWh=energy)) == [(2, "unreadable_energy")]


@pytest.mark.parametrize(
    "start",
    ["2018-05-01", "01/05/2018 10:00", "2018-02-30 10:00", "1970-01-01 00:00", "2101-01-01 00:00", "２018-05-01 10:00"],
)
def test_odd_dates_are_refused(start: str, tmp_path: Path) -> None:
    assert verdicts(tmp_path, row(Start=start)) == [(2, "odd_date")]


def test_zero_energy_is_used_where_the_map_says_so(tmp_path: Path) -> None:
    changes = {'unit = "kWh"': 'unit = "kWh"\nzero = "use"'}
    start, end = of_sessions(imported(tmp_path, row(kWh="0"), changes=changes))
    assert start["data"]["register_kwh"] == end["data"]["register_kwh"] == "0.000"


def test_a_stay_of_exactly_the_limit_is_used(tmp_path: Path) -> None:
    assert verdicts(tmp_path, row(End="2018-05-08 10:00")) == []
    changes = {'zone = "Europe/London"': 'zone = "Europe/London"\nmax_stay_h = 2'}
    assert verdicts(tmp_path, row(End="2018-05-01 12:01"), changes=changes) == [(2, "stay_too_long")]


def test_a_session_may_end_in_the_minute_of_its_start(tmp_path: Path) -> None:
    start, end = of_sessions(imported(tmp_path, row(End="2018-05-01 10:00")))
    assert (start["type"], end["type"]) == ("ev.session.started.v1", "ev.session.ended.v1")
    assert start["time"] == end["time"] == "2018-05-01T09:00:00Z"


def test_watthours_and_decimal_commas(tmp_path: Path) -> None:
    changes = {'unit = "kWh"': 'unit = "Wh"\ndecimal_sign = ","'}
    _, end = of_sessions(imported(tmp_path, row(kWh='"7512,5"'), changes=changes))
    assert end["data"]["register_kwh"] == "7.5125"


def test_energy_finer_than_a_milliwatthour_is_rounded_and_noted(tmp_path: Path) -> None:
    result = imported(tmp_path, row(kWh="7.0000005"))
    assert [(noted.line, noted.note) for noted in result.outcome.noted] == [(2, "energy_rounded_to_milliwatthours")]
    assert of_sessions(result)[1]["data"]["register_kwh"] == "7.000001"


def test_a_table_translates_values_and_refuses_others(tmp_path: Path) -> None:
    changes = {
        'id = { column = "Id" }': 'id = { column = "Id" }\n'
        'max_power_kw = { column = "Connector", values = { "1" = "7.4", "2" = "lots" } }'
    }
    rows = (row(), row(Id="2", Connector="2"), row(Id="3", Connector="3"))
    result = imported(tmp_path, *rows, changes=changes)
    assert [(each.line, each.reason) for each in result.outcome.refused] == [
        (3, "unreadable_power"),
        (4, "value_not_in_map"),
    ]
    assert of_sessions(result)[0]["data"]["max_power_kw"] == "7.4"


def test_without_an_id_column_content_names_the_session(tmp_path: Path) -> None:
    changes = {'id = { column = "Id" }\n': ""}
    first = of_sessions(
        imported(tmp_path, row(), row(Start="2018-05-02 10:00", End="2018-05-02 11:00"), changes=changes)
    )
    again = of_sessions(imported(tmp_path, row(), changes=changes))
    assert len({event["subject"] for event in first}) == 2
    assert again[0]["subject"] == first[0]["subject"]


def test_the_same_row_twice_is_used_once(tmp_path: Path) -> None:
    assert verdicts(tmp_path, row(), row(), row(Id="2")) == [(3, "duplicate_row"), (4, "duplicate_row")]


def test_an_id_is_used_once(tmp_path: Path) -> None:
    other = row(Start="2018-05-02 10:00", End="2018-05-02 11:00")
    assert verdicts(tmp_path, row(), other) == [(3, "duplicate_session_id")]
