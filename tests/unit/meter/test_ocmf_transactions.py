"""The billing rules over the records of one transaction."""

from typing import Any

import pytest

from ledger.meter.ocmf.parse import parse
from ledger.meter.ocmf.record import Record
from ledger.meter.ocmf.transaction import Code, check_transaction, page_ranges
from tests.meters import BEGIN, END, payload, reading

DURING = reading("C", "16", "2026-11-02T08:30:00")


def record(page: str, *readings: dict[str, Any], **fields: Any) -> Record:
    return parse(b"OCMF|" + payload(page, *readings, **fields) + b"|{}")


def codes(*records: Record, **last_pages: int) -> list[tuple[str, Code]]:
    return [(finding.record, finding.code) for finding in check_transaction(records, last_pages)]


def test_a_whole_transaction_has_no_findings() -> None:
    assert codes(record("T7", BEGIN), record("T8", DURING), record("T9", END), T=6) == []
    assert codes(record("T7", BEGIN, DURING, END)) == []


@pytest.mark.parametrize("mark", list("ELRAP"))
def test_each_end_mark_ends_a_transaction(mark: str) -> None:
    assert codes(record("T7", BEGIN, END | {"TX": mark})) == []


def test_a_tariff_change_is_no_end() -> None:
    assert codes(record("T7", BEGIN, DURING | {"TX": "T"}, END)) == []
    assert codes(record("T7", BEGIN, DURING | {"TX": "T"})) == [("T7", Code.TRANSACTION_INCOMPLETE)]


def test_records_are_judged_in_the_order_of_their_pages_and_a_repeat_counts_once() -> None:
    begin, end = record("T7", BEGIN), record("T8", END)
    assert codes(end, begin, end, T=6) == []


def test_an_end_may_repeat_the_begin() -> None:
    assert codes(record("T7", BEGIN), record("T8", BEGIN, END)) == []


def test_several_registers_of_one_instant_are_one_mark() -> None:
    export = {"RV": "0", "RI": "1-b:2.8.0"}
    assert codes(record("T7", BEGIN, export, END, export)) == []


def test_a_transaction_without_begin_or_end_is_incomplete() -> None:
    assert codes(record("T7", DURING), record("T8", END)) == [("T7", Code.TRANSACTION_INCOMPLETE)]
    assert codes(record("T7", BEGIN), record("T8", DURING)) == [("T8", Code.TRANSACTION_INCOMPLETE)]
    assert len(codes(record("T7", DURING))) == 2


def test_two_transactions_are_not_one() -> None:
    later = BEGIN | {"TM": "2026-11-02T08:40:00,000+0000 S"}
    assert codes(record("T7", BEGIN, later, END)) == [("T7", Code.TRANSACTION_MIXED)]


def test_pagination_counts_up_by_one() -> None:
    begin, end = record("T7", BEGIN), record("T9", END)
    assert codes(begin, end) == [("T9", Code.PAGINATION_GAP)]
    assert codes(begin, record("T8", END), T=5) == [("T7", Code.PAGINATION_GAP)]
    assert codes(begin, record("T8", END), T=7) == [("T7", Code.PAGINATION_REPEATED)]
    assert codes(begin, record("T7", END)) == [("T7", Code.PAGINATION_REPEATED)]


def test_each_context_counts_for_itself_and_a_fiscal_record_is_no_part_of_the_transaction() -> None:
    fiscal = record("F100", BEGIN | {"TX": None})
    assert codes(record("T7", BEGIN), fiscal, record("T8", END), T=6, F=99) == []


def test_the_pages_of_records_by_context() -> None:
    records = [record("T8", END), record("F3", DURING), record("T7", BEGIN)]
    assert page_ranges(records) == {"T": (7, 8), "F": (3, 3)}
    assert page_ranges([]) == {}


def test_all_records_are_of_one_meter() -> None:
    assert codes(record("T7", BEGIN), record("T8", END, MS="M-2")) == [("T8", Code.SERIAL_DIFFERS)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ST": "M"}, [Code.METER_NOT_GOOD]),
        ({"ST": None}, [Code.METER_NOT_GOOD]),
        ({"EF": "E"}, [Code.ENERGY_NOT_USABLE]),
        ({"EF": "t"}, [Code.TIME_NOT_USABLE]),
        ({"EF": "Et"}, [Code.ENERGY_NOT_USABLE, Code.TIME_NOT_USABLE]),
        ({"TX": "X"}, [Code.ENERGY_NOT_USABLE, Code.TIME_NOT_USABLE]),
        ({"TX": "X", "EF": "t"}, [Code.TIME_NOT_USABLE]),
        ({"RV": "much"}, [Code.FIELD_UNREADABLE]),
    ],
    ids=str,
)
def test_a_reading_that_is_not_good_is_named(fields: dict[str, Any], expected: list[Code]) -> None:
    healthy = {"ST": "G", "EF": ""}
    found = codes(record("T7", BEGIN, DURING | fields, END | healthy))
    assert found == [("T7", code) for code in expected]


@pytest.mark.parametrize(
    ("begin", "end", "is_legal"),
    [("S", "S", True), ("R", "R", True), ("I", "R", True), ("I", "S", False), ("I", "I", False), ("S", "U", False)],
)
def test_time_counts_by_a_synchronised_clock_or_one_relative_to_the_begin(begin: str, end: str, is_legal: bool) -> None:
    def at(reading: dict[str, Any], status: str) -> dict[str, Any]:
        return reading | {"TM": reading["TM"][:-1] + status}

    found = codes(record("T7", at(BEGIN, begin), at(END, end)))
    assert (found == []) == is_legal
    assert {code for _, code in found} <= {Code.CLOCK_NOT_LEGAL}


def test_a_finding_is_one_line() -> None:
    (finding,) = check_transaction([record("T7", BEGIN, END | {"ST": "M"})])
    assert str(finding) == "T7: METER_NOT_GOOD: ST is M, not G"
