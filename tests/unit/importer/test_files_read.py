"""CSV and XLSX as they come."""

# ruff: noqa: DTZ001 - cells of a workbook have no zone

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from evledger.importer import TableError, import_file
from tests.unit.importer.files import GOOD, HEADER, imported, of_sessions, row, write_csv, write_map


def _workbook(folder: Path, *rows: tuple[Any, ...]) -> Path:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = "Sessions"
    for cells in (HEADER, *rows):
        page.append(cells)
    path = folder / "old.xlsx"
    book.save(path)
    return path


DATES = (1, "S1", 1, "High Street", datetime(2018, 5, 1, 10), datetime(2018, 5, 1, 11), 7.5)


def test_an_xlsx_gives_the_same_as_its_csv(tmp_path: Path) -> None:
    from_xlsx = import_file(_workbook(tmp_path, DATES), write_map(tmp_path))
    assert of_sessions(from_xlsx) == of_sessions(imported(tmp_path, GOOD))


def test_xlsx_lines_are_those_of_the_sheet_also_after_an_empty_row(tmp_path: Path) -> None:
    no_end = (*DATES[:5], None, 7.5)
    result = import_file(_workbook(tmp_path, DATES, (), no_end), write_map(tmp_path))
    assert [(each.line, each.reason) for each in result.outcome.refused] == [(4, "missing_end")]
    assert result.outcome.rows == 2


def test_xlsx_numbers_are_taken_at_their_shortest_text(tmp_path: Path) -> None:
    changes = {'unit = "kWh"': 'unit = "Wh"'}
    path = _workbook(tmp_path, (*DATES[:6], 37508.3999999999))
    result = import_file(path, write_map(tmp_path, changes))
    assert of_sessions(result)[1]["data"]["register_kwh"] == "37.5084"
    assert [noted.note for noted in result.outcome.noted] == ["energy_rounded_to_milliwatthours"]


def test_xlsx_with_date_and_time_cells(tmp_path: Path) -> None:
    split = {
        'column = "Start"\nformat = "%Y-%m-%d %H:%M"': 'date = "Start"\ntime = "Site"',
    }
    cells = (1, "S1", 1, time(10, 30), date(2018, 5, 1), datetime(2018, 5, 1, 11), 7.5)
    start = of_sessions(import_file(_workbook(tmp_path, cells), write_map(tmp_path, split)))[0]
    assert start["time"] == "2018-05-01T09:30:00Z"


def test_a_date_column_must_not_bring_a_time_of_its_own(tmp_path: Path) -> None:
    split = {'column = "Start"\nformat = "%Y-%m-%d %H:%M"': 'date = "Start"\ntime = "Site"'}
    cells = (1, "S1", 1, time(10, 30), datetime(2018, 5, 1, 3), datetime(2018, 5, 1, 11), 7.5)
    result = import_file(_workbook(tmp_path, cells), write_map(tmp_path, split))
    assert result.outcome.by_reason() == {"odd_date": 1}


def test_date_and_time_in_two_columns_of_a_csv(tmp_path: Path) -> None:
    header = ("Id", "Station", "Connector", "Site", "Day", "Clock", "End", "kWh")
    cells = ("1", "S1", "1", "X", "2018-05-01T00:00:00", "10:15", "2018-05-01 11:00", "7.5")
    split = {
        'column = "Start"\nformat = "%Y-%m-%d %H:%M"': 'date = "Day"\ndate_format = "%Y-%m-%dT00:00:00"\n'
        'time = "Clock"\ntime_format = "%H:%M"'
    }
    result = import_file(write_csv(tmp_path, cells, header=header), write_map(tmp_path, split))
    assert of_sessions(result)[0]["time"] == "2018-05-01T09:15:00Z"


def test_csv_lines_count_line_breaks_inside_of_quotes(tmp_path: Path) -> None:
    two_lines = row(Site='"High\nStreet"')
    result = imported(tmp_path, two_lines, row(Id="2", kWh="-1"))
    assert [(each.line, each.reason) for each in result.outcome.refused] == [
        (2, "unusable_text"),
        (4, "negative_energy"),
    ]


def test_empty_lines_are_no_rows(tmp_path: Path) -> None:
    path = write_csv(tmp_path, GOOD)
    path.write_text(path.read_text() + "\n,,,,,,\n\n")
    assert import_file(path, write_map(tmp_path)).outcome.rows == 1


def test_delimiter_and_encoding_of_the_map(tmp_path: Path) -> None:
    path = write_csv(tmp_path, row(Site="Königstraße"))
    path.write_bytes(path.read_text().replace(",", ";").encode("cp1252"))
    changes = {'operator_id = "GB*ABC"': '[file]\ndelimiter = ";"\nencoding = "cp1252"'}
    assert import_file(path, write_map(tmp_path, changes)).outcome.used == 1


def test_a_byte_order_mark_belongs_to_no_column(tmp_path: Path) -> None:
    path = write_csv(tmp_path, GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert import_file(path, write_map(tmp_path)).outcome.used == 1


def _told(path: Path, map_path: Path) -> str:
    with pytest.raises(TableError) as told:
        import_file(path, map_path)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = write_csv(tmp_path, GOOD, header=(*HEADER[:-1], "Energy"))
    assert "no column 'kWh'; it has Id, Station" in _told(path, write_map(tmp_path))


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path, header=(*HEADER, "kWh"))
    assert "'kWh' more than once" in _told(path, write_map(tmp_path))


def test_more_rows_than_the_bound_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evledger.importer.table.MAX_ROWS", 2)
    rows = [row(Id=str(number)) for number in range(3)]
    assert "more than 2 rows" in _told(write_csv(tmp_path, *rows), write_map(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("old.csv", b"", "is empty"),
        ("old.csv", b"Id,K\xf6nig\n", "is not utf-8-sig: set file.encoding"),
        ("old.csv", b'Id,"' + b"x" * 200_000, "line 1: field larger than field limit"),
        ("old.csv", b'Id,"open', "line 1: unexpected end of data"),
        ("old.xlsx", b"Id,Station\n", "is no XLSX file"),
        ("old.xlsx", b"", "is no XLSX file"),
        ("old.ods", b"Id,Station\n", "ends neither in .csv nor in .xlsx"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(name: str, content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert told in _told(path, write_map(tmp_path))


@pytest.mark.parametrize("name", ["none.csv", "none.xlsx"])
def test_no_such_file(name: str, tmp_path: Path) -> None:
    assert "cannot be read: No such file" in _told(tmp_path / name, write_map(tmp_path))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    assert "cannot be read" in _told(tmp_path / "x.csv", write_map(tmp_path))


def test_no_such_sheet_and_encoding(tmp_path: Path) -> None:
    no_sheet = {'operator_id = "GB*ABC"': '[file]\nsheet = "Other"'}
    assert "no sheet 'Other'; it has Sessions" in _told(_workbook(tmp_path, DATES), write_map(tmp_path, no_sheet))
    no_encoding = {'operator_id = "GB*ABC"': '[file]\nencoding = "utf-9"'}
    assert "'utf-9' is no encoding" in _told(write_csv(tmp_path, GOOD), write_map(tmp_path, no_encoding))
