"""What the signed records of one transaction say together: the billing rules of OCMF, apart from signatures.

Sources: OCMF 1.2, "Signing and Verification Process", "Pagination", and tables 7, 10 and 19.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final

import msgspec

from ledger.meter.ocmf.contents import Reading
from ledger.meter.ocmf.record import Record

TRANSACTION: Final = "T"
BEGIN: Final = "B"
EXCEPTION: Final = "X"
# End, ended locally, ended remotely, aborted, power failure. T is no end: the tariff changed.
END_MARKS: Final = frozenset("ELRAP")
GOOD: Final = "G"
# Clocks that count for prices by time where the law asks for it: synchronised, or relative to the transaction's begin.
LEGAL_CLOCKS: Final = frozenset("SR")


class Code(StrEnum):
    """Kinds of findings; each is explained in this package's README."""

    FIELD_UNREADABLE = "FIELD_UNREADABLE"
    PAGINATION_GAP = "PAGINATION_GAP"
    PAGINATION_REPEATED = "PAGINATION_REPEATED"
    SERIAL_DIFFERS = "SERIAL_DIFFERS"
    METER_NOT_GOOD = "METER_NOT_GOOD"
    ENERGY_NOT_USABLE = "ENERGY_NOT_USABLE"
    TIME_NOT_USABLE = "TIME_NOT_USABLE"
    CLOCK_NOT_LEGAL = "CLOCK_NOT_LEGAL"
    TRANSACTION_INCOMPLETE = "TRANSACTION_INCOMPLETE"
    TRANSACTION_MIXED = "TRANSACTION_MIXED"


class Finding(msgspec.Struct, frozen=True):
    """One finding: the record it is about ("T32"), its kind, and what is wrong in one line."""

    record: str
    code: Code
    text: str

    def __str__(self) -> str:
        return f"{self.record}: {self.code}: {self.text}"


def check_transaction(records: Sequence[Record], last_pages: Mapping[str, int] | None = None) -> list[Finding]:
    """All that speaks against billing a transaction by these records; the same record twice counts once.

    `last_pages` holds the last number per context that the meter used before, for pagination across transactions.
    """
    ordered = _in_page_order({record.payload: record for record in records}.values())
    return [
        *_faults(ordered),
        *_pages(ordered, last_pages or {}),
        *_serials(ordered),
        *_states(ordered),
        *_clocks(ordered),
        *_marks(ordered),
    ]


def page_ranges(records: Iterable[Record]) -> dict[str, tuple[int, int]]:
    """The first and the last number per context that these records use."""
    ranges: dict[str, tuple[int, int]] = {}
    for page in (record.pagination for record in records if record.pagination is not None):
        first, last = ranges.get(page.context, (page.number, page.number))
        ranges[page.context] = min(page.number, first), max(page.number, last)
    return ranges


def _in_page_order(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: record.pagination.number if record.pagination else -1)


def _name(record: Record) -> str:
    return str(record.pagination) if record.pagination else "a record without a page"


def _faults(records: Sequence[Record]) -> Iterator[Finding]:
    for record in records:
        for fault in record.faults:
            yield Finding(_name(record), Code.FIELD_UNREADABLE, fault)


def _pages(records: Sequence[Record], last_pages: Mapping[str, int]) -> Iterator[Finding]:
    """Each context counts up by one, by itself."""
    last = dict(last_pages)
    for record in records:
        page = record.pagination
        if page is None:
            continue
        expected = last.get(page.context, page.number - 1) + 1
        last[page.context] = max(page.number, expected - 1)
        if page.number < expected:
            yield Finding(_name(record), Code.PAGINATION_REPEATED, f"{page.context}{expected} is the next one")
        elif page.number > expected:
            yield Finding(_name(record), Code.PAGINATION_GAP, f"{page.number - expected} before it are missing")


def _serials(records: Sequence[Record]) -> Iterator[Finding]:
    for before, record in pairwise(records):
        if record.meter_serial != before.meter_serial:
            text = f"meter {record.meter_serial} after meter {before.meter_serial}"
            yield Finding(_name(record), Code.SERIAL_DIFFERS, text)


def _states(records: Sequence[Record]) -> Iterator[Finding]:
    for record in records:
        for reading in record.readings:
            for code, text in _state(reading):
                yield Finding(_name(record), code, text)


def _state(reading: Reading) -> Iterator[tuple[Code, str]]:
    """EF names what is not usable; an exception that names nothing spoils both."""
    flags = reading.error_flags or ""
    spoils_all = reading.transaction == EXCEPTION and not flags
    if reading.status != GOOD:
        yield Code.METER_NOT_GOOD, f"ST is {reading.status}, not {GOOD}"
    if "E" in flags or spoils_all:
        yield Code.ENERGY_NOT_USABLE, f"EF is {flags!r}, TX is {reading.transaction}"
    if "t" in flags or spoils_all:
        yield Code.TIME_NOT_USABLE, f"EF is {flags!r}, TX is {reading.transaction}"


def _clocks(records: Sequence[Record]) -> Iterator[Finding]:
    """Relative time begins at an informative clock: the begin may show I where everything after it shows R."""
    readings = [(record, reading) for record in records for reading in record.readings]
    is_relative = all(reading.time_status == "R" for _, reading in readings if reading.transaction != BEGIN)
    allowed_at_begin = LEGAL_CLOCKS | {"I"} if is_relative and len(readings) > 1 else LEGAL_CLOCKS
    for record, reading in readings:
        allowed = allowed_at_begin if reading.transaction == BEGIN else LEGAL_CLOCKS
        if reading.time_status not in allowed:
            yield Finding(_name(record), Code.CLOCK_NOT_LEGAL, f"time status is {reading.time_status}")


def _marks(records: Sequence[Record]) -> Iterator[Finding]:
    """From one begin to one end mark. A record outside of transactions (context F) has no part in it."""
    marks = _transaction_marks(records)
    if not marks:
        return
    (first_record, first), (last_record, last) = marks[0], marks[-1]
    if first.transaction != BEGIN:
        text = f"the first reading has TX {first.transaction}, not {BEGIN}"
        yield Finding(first_record, Code.TRANSACTION_INCOMPLETE, text)
    if last.transaction not in END_MARKS:
        text = f"the last reading has TX {last.transaction}, no end mark"
        yield Finding(last_record, Code.TRANSACTION_INCOMPLETE, text)
    for record, reading in marks[1:-1]:
        if reading.transaction == BEGIN or reading.transaction in END_MARKS:
            text = f"TX {reading.transaction} between begin and end"
            yield Finding(record, Code.TRANSACTION_MIXED, text)


def _transaction_marks(records: Sequence[Record]) -> list[tuple[str, Reading]]:
    """One reading per instant and mark: a record lists several registers, and an end often repeats the begin."""
    marks: dict[object, tuple[str, Reading]] = {}
    for record in records:
        if record.pagination is None or record.pagination.context == TRANSACTION:
            for reading in record.readings:
                marks.setdefault((reading.taken_at, reading.transaction), (_name(record), reading))
    return list(marks.values())
