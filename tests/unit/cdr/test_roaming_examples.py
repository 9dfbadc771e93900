"""docs/roaming-differences.md: every figure computed, every open reading there."""

import re
from decimal import Decimal
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger.cdr.comparing import Comparison, compare
from ledger.cdr.fields import faults
from ledger.cdr.foreign import read_foreign
from ledger.cdr.other_readings import pairs_of_readings, rate_under, single_readings
from ledger.cdr.tariffs import CdrTariffs
from ledger.cdr.version import OcpiVersion
from ledger.tariff.policy import OPTIONS
from ledger.values.canonical import read_json_decimals
from ledger.values.money import minor_to_text

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "examples" / "roaming"
PAGE = (ROOT / "docs" / "roaming-differences.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<readings>[^|]*) \| (?P<default>[^|]*) \| \[(?P<name>\w+)\]\([^)]*\) \| ([\d.]+) \| ([\d.]+) \|$", re.M
)
PROSE = re.sub(r"^```.*?^```", "", PAGE, flags=re.M | re.S)
NUMBER = r"\d+(?:\.\d+)?"
SUM = rf"{NUMBER}(?: [×+] {NUMBER})*"
EQUATIONS = re.findall(rf"{SUM}(?: = {SUM})+", PROSE)


class Row(NamedTuple):
    """A row of the page's table."""

    readings: tuple[str, ...]
    default: str
    name: str
    ours: str
    theirs: str


ROWS = [
    Row(tuple(re.findall(r"`(\w+=\w+)`", found[1])), found[2].strip(" `"), found[3], found[4], found[5])
    for found in ROW.finditer(PAGE)
]


def read(name: str) -> Any:
    return read_json_decimals((FOLDER / f"{name}.json").read_bytes())


def compared(name: str) -> Comparison:
    return compare(read_foreign(read(name), CdrTariffs()))


def test_every_open_reading_has_a_row_and_every_example_too() -> None:
    singles = {row.readings[0]: row.default for row in ROWS if len(row.readings) == 1}
    assert singles == {f"{name}={value}": values[0] for name, values in OPTIONS.items() for value in values[1:]}
    assert {row.name for row in ROWS} == {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_page_says_what_is_computed(row: Row) -> None:
    comparison = compared(row.name)
    assert comparison.report.excl_minor is not None
    assert minor_to_text(comparison.report.excl_minor, "EUR") == row.ours
    assert read(row.name)["total_cost"]["excl_vat"] == Decimal(row.theirs)
    assert [tuple(map(str, readings)) for readings in comparison.explanations] == [row.readings] * bool(row.readings)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_an_example_is_a_valid_cdr(row: Row) -> None:
    assert faults(read(row.name), OcpiVersion.V2_2_1) == []


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_sums_on_the_page_are_right(equation: str) -> None:
    assert len({value_of(side) for side in equation.split(" = ")}) == 1


def test_the_page_has_sums() -> None:
    assert len(EQUATIONS) == 17


def value_of(side: str) -> Decimal:
    return sum((prod(map(Decimal, term.split(" × ")), start=Decimal(1)) for term in side.split(" + ")), Decimal(0))


@pytest.mark.parametrize("name", sorted({row.name for row in ROWS}))
def test_a_partner_who_reads_otherwise_in_one_or_two_ways_is_always_explained(name: str) -> None:
    content = read(name)
    cdr = read_foreign(content, CdrTariffs())
    for readings in [*single_readings(), *pairs_of_readings()]:
        report = rate_under(cdr, readings)
        excl, incl = ((minor or 0) for minor in (report.excl_minor, report.incl_minor))
        costs = {"excl_vat": Decimal(minor_to_text(excl, "EUR")), "incl_vat": Decimal(minor_to_text(incl, "EUR"))}
        comparison = compare(read_foreign(content | {"total_cost": costs}, CdrTariffs()))
        assert bool(comparison.explanations) == comparison.costs_differ, readings
        assert all(len(found) <= len(readings) for found in comparison.explanations)
