"""Rows of a CSV or XLSX file, one at a time, with the line that each stands on."""

import csv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import ParseError

from evledger.importer.mapping import SessionMap

Cell = str | int | float | bool | datetime | date | time | timedelta | None

# All used rows are kept, about 1 KB each, to be put in the order of each connector: 200 MB at the most.
MAX_ROWS: Final = 200_000


class TableError(ValueError):
    """The file as a whole cannot be read: one line that says what is wrong and what to do."""


class Row(NamedTuple):
    """Cells by column name; None where the row has not as many fields as the header."""

    line: int
    cells: Mapping[str, Cell] | None


class _Line(NamedTuple):
    number: int
    fields: Sequence[Cell]


def read_rows(file: Path, session_map: SessionMap) -> Iterator[Row]:
    """All rows that are not empty. TableError: unreadable, a column missing, or more than MAX_ROWS."""
    lines = _lines(file, session_map)
    header = _header(next(lines, None), file, session_map.columns)
    for count, line in enumerate(lines, 1):
        if count > MAX_ROWS:
            raise TableError(f"{file} has more than {MAX_ROWS} rows: split it, by station and not by date")
        fits = len(line.fields) == len(header)
        yield Row(line.number, dict(zip(header, line.fields, strict=True)) if fits else None)


def _header(line: _Line | None, file: Path, needed: Sequence[str]) -> list[str]:
    if line is None:
        raise TableError(f"{file} is empty")
    header = [str(field).strip() if field is not None else "" for field in line.fields]
    for name in needed:
        if name not in header:
            raise TableError(f"{file} has no column {name!r}; it has {', '.join(filter(None, header))[:500]}")
        if header.count(name) > 1:
            raise TableError(f"{file} has the column {name!r} more than once")
    return header


def _lines(file: Path, session_map: SessionMap) -> Iterator[_Line]:
    kind = session_map.file.kind or file.suffix.lower().removeprefix(".")
    if kind == "csv":
        return _csv_lines(file, session_map.file.encoding, session_map.file.delimiter)
    if kind == "xlsx":
        return _xlsx_lines(file, session_map.file.sheet)
    raise TableError(f"{file} ends neither in .csv nor in .xlsx: set file.kind in the map")


def _csv_lines(file: Path, encoding: str, delimiter: str) -> Iterator[_Line]:
    try:
        with file.open(encoding=encoding, newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            yield from _numbered(reader, file)
    except OSError as error:
        raise TableError(f"{file} cannot be read: {error.strerror}") from None
    except LookupError:
        raise TableError(f"file.encoding: {encoding!r} is no encoding, such as utf-8 or cp1252") from None
    except UnicodeError:
        raise TableError(f"{file} is not {encoding}: set file.encoding in the map") from None


def _numbered(reader: Any, file: Path) -> Iterator[_Line]:
    """A quoted field may hold line breaks: a row's number is that of its first line."""
    first = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield _Line(first, fields)
            first = reader.line_num + 1
    except csv.Error as error:
        raise TableError(f"{file}, line {first}: {error}") from None


def _xlsx_lines(file: Path, sheet: str | None) -> Iterator[_Line]:
    # Imported here: it takes as long to load as a third of the program, and one command needs it.
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except OSError as error:
        raise TableError(f"{file} cannot be read: {error.strerror or error}") from None
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, ParseError):
        raise TableError(f"{file} is no XLSX file") from None
    try:
        yield from _sheet_lines(_sheet(book, sheet, file))
    except (zipfile.BadZipFile, ParseError, EOFError) as error:
        raise TableError(f"{file} is damaged: {error}") from None
    finally:
        book.close()


def _sheet(book: Any, name: str | None, file: Path) -> Any:
    if name is None:
        return book.worksheets[0]
    if name not in book.sheetnames:
        raise TableError(f"{file} has no sheet {name!r}; it has {', '.join(book.sheetnames)[:500]}")
    return book[name]


def _sheet_lines(sheet: Any) -> Iterator[_Line]:
    # The size noted in the file may be wrong; without it the rows themselves tell.
    sheet.reset_dimensions()
    width = 0
    for number, fields in enumerate(sheet.iter_rows(values_only=True), 1):
        if any(field is not None and field != "" for field in fields):
            # Empty cells at a row's end are not in the file.
            width = width or len(fields)
            yield _Line(number, [*fields, *[None] * (width - len(fields))])
