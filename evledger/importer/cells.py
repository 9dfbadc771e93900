"""Text, instants and energies of single cells."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from evledger.importer.mapping import EnergyColumn, InstantColumns, Source, TimeRules
from evledger.importer.refusal import Note, Reason, RefusedError
from evledger.importer.table import Cell, Row
from ledger.values.energy import MILLIWH_PER_KWH, MILLIWH_PER_WH
from ledger.values.money import round_half_up
from ledger.values.time import MAX_YEAR, MIN_YEAR

# An id of the message contract has at most 255 characters, and ours are put together from up to three.
MAX_TEXT_LENGTH: Final = 80

_ID: Final = re.compile(r"[!-~]+")
_NOT_IN_SLUG: Final = re.compile(r"[^A-Z0-9]+")
_HASH_LENGTH: Final = 8
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,30})?", re.ASCII)
_MILLIWH_PER: Final = {"kWh": MILLIWH_PER_KWH, "Wh": MILLIWH_PER_WH}


def text_of(cell: Cell) -> str:
    """A cell as text; "" when it is empty. Numbers without exponent, whole ones without a point."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return _number_text(cell)
    return str(cell).strip()


def _number_text(cell: float) -> str:
    # XLSX itself keeps numbers as doubles; the shortest text that reads back the same is what was typed.
    text = format(Decimal(repr(cell)), "f")
    return text.removesuffix(".0")


def read_text(row: Row, source: Source) -> str:
    """The value of a source in a row. RefusedError: empty, not in the table, too long, unprintable."""
    if source.column is None:
        return source.value or ""
    text = _column_text(row, source.column)
    if source.values is None:
        return text
    if text not in source.values:
        raise RefusedError(Reason.VALUE_NOT_IN_MAP, f"{source.column} is {text!r}")
    return source.values[text]


def _column_text(row: Row, column: str) -> str:
    text = text_of((row.cells or {})[column])
    if not text:
        raise RefusedError(Reason.MISSING_VALUE, f"{column} is empty")
    if len(text) > MAX_TEXT_LENGTH or not text.isprintable():
        raise RefusedError(Reason.UNUSABLE_TEXT, f"{column} is longer than {MAX_TEXT_LENGTH} or not printable")
    return text


@lru_cache(maxsize=4_096)
def to_id(text: str) -> str:
    """The text itself when it is an id (printable ASCII, no spaces), else a slug with a hash of the text."""
    if _ID.fullmatch(text):
        return text
    slug = _NOT_IN_SLUG.sub("-", text.upper()).strip("-")
    return f"{slug}-{sha256(text.encode()).hexdigest()[:_HASH_LENGTH]}"


def read_energy_milliwh(row: Row, energy: EnergyColumn) -> tuple[int, list[Note]]:
    """Milliwatt-hours, rounded half up where the file is finer, which is noted."""
    text = text_of((row.cells or {})[energy.column]).replace(energy.decimal_sign, ".")
    if not text:
        raise RefusedError(Reason.MISSING_ENERGY, f"{energy.column} is empty")
    if not _NUMBER.fullmatch(text):
        raise RefusedError(Reason.UNREADABLE_ENERGY, f"{energy.column} is {text[:40]!r}")
    exact = Fraction(text) * _MILLIWH_PER[energy.unit]
    if exact < 0:
        raise RefusedError(Reason.NEGATIVE_ENERGY, f"{energy.column} is {text}")
    if exact == 0 and energy.zero == "refuse":
        raise RefusedError(Reason.ZERO_ENERGY, f"{energy.column} is {text}")
    return round_half_up(exact), [] if exact.denominator == 1 else [Note.ENERGY_ROUNDED]


def read_local(row: Row, columns: InstantColumns, missing: Reason) -> datetime:
    """Date and time as the file has them: naive, or aware where the format has an offset."""
    cells = row.cells or {}
    for column in columns.columns:
        if not text_of(cells[column]):
            raise RefusedError(missing, f"{column} is empty")
    if columns.column is not None:
        moment = _moment(cells[columns.column], columns.format, columns.column)
    else:
        moment = _split_moment(row, columns)
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        raise RefusedError(Reason.ODD_DATE, f"the year {moment.year} is outside of {MIN_YEAR} to {MAX_YEAR}")
    return moment


def _split_moment(row: Row, columns: InstantColumns) -> datetime:
    cells = row.cells or {}
    day_column, time_column = str(columns.date), str(columns.time)
    day = _moment(cells[day_column], columns.date_format, day_column)
    if (day.hour, day.minute, day.second, day.microsecond) != (0, 0, 0, 0):
        raise RefusedError(Reason.ODD_DATE, f"{day_column} has a time of its own")
    clock = _moment(cells[time_column], columns.time_format, time_column)
    return datetime.combine(day.date(), clock.timetz())


def _moment(cell: Cell, text_format: str | None, column: str) -> datetime:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime.combine(cell, time())
    if isinstance(cell, time):
        return datetime.combine(date(1900, 1, 1), cell)
    return _parsed(text_of(cell), text_format, column)


def _parsed(text: str, text_format: str | None, column: str) -> datetime:
    if text_format is None:
        raise RefusedError(Reason.ODD_DATE, f"{column} is {text[:40]!r}, text, and the map has no format")
    moment = _strptime(text, text_format) if text.isascii() else None
    if moment is None:
        raise RefusedError(Reason.ODD_DATE, f"{column} is {text[:40]!r}, not {text_format}")
    return moment


# The same days and minutes come again and again, and strptime is slow.
@lru_cache(maxsize=16_384)
def _strptime(text: str, text_format: str) -> datetime | None:
    try:
        return datetime.strptime(text, text_format)  # noqa: DTZ007 - the zone is applied later
    except ValueError:
        return None


def to_utc(local: datetime, rules: TimeRules, column: str) -> tuple[datetime, list[Note]]:
    """The instant of a local time, and what had to be decided where clocks change."""
    if local.tzinfo is not None:
        return local.astimezone(UTC), []
    zone = ZoneInfo(rules.zone)
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first, []
    if first.astimezone(zone).replace(tzinfo=None) != local:
        return _nonexistent(first, local, rules, column)
    return _ambiguous(first, second, local, rules, column)


def _nonexistent(shifted: datetime, local: datetime, rules: TimeRules, column: str) -> tuple[datetime, list[Note]]:
    if rules.nonexistent == "refuse":
        raise RefusedError(Reason.NONEXISTENT_LOCAL_TIME, f"{column}: {local} does not exist in {rules.zone}")
    return shifted, [Note.NONEXISTENT_SHIFTED]


def _ambiguous(
    first: datetime, second: datetime, local: datetime, rules: TimeRules, column: str
) -> tuple[datetime, list[Note]]:
    if rules.ambiguous == "earlier":
        return first, [Note.AMBIGUOUS_TAKEN_AS_EARLIER]
    if rules.ambiguous == "later":
        return second, [Note.AMBIGUOUS_TAKEN_AS_LATER]
    raise RefusedError(Reason.AMBIGUOUS_LOCAL_TIME, f"{column}: {local} comes twice in {rules.zone}")
