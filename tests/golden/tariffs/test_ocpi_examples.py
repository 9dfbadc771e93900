"""The worked examples of the OCPI texts, one folder each: a tariff, a CDR, and what it costs."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from evledger.rate import rate_cdr
from ledger.tariff.model import Dimension
from ledger.tariff.report import Line, Report
from ledger.tariff.report_json import report_json
from ledger.values.canonical import read_json_decimals

FOLDER = Path(__file__).parent
EXAMPLES = sorted(path.parent for path in FOLDER.glob("*/cdr.json"))
CASES = [(tariff, example) for example in EXAMPLES for tariff in sorted(example.glob("tariff*.json"))]


def read(path: Path) -> Any:
    return read_json_decimals(path.read_bytes())


def rated(tariff: Path, example: Path) -> Report:
    return rate_cdr(read(tariff), read(example / "cdr.json"), read(example / "expected.json")["time_zone"])


def same(amount: str | None, expected: str | None) -> bool:
    return (amount is None) == (expected is None) and Decimal(amount or 0) == Decimal(expected or 0)


@pytest.mark.parametrize(("tariff", "example"), CASES, ids=lambda path: path.stem)
def test_a_worked_example_costs_what_the_text_says(tariff: Path, example: Path) -> None:
    expected, report = read(example / "expected.json"), rated(tariff, example)
    exact = report_json(report)["exact"]
    for side in ("excl_vat", "incl_vat"):
        assert same(exact[side], expected["exact"][side]), (side, exact, expected)
    for dimension, rows in expected.get("billed", {}).items():
        assert_billed(report, dimension, rows)
    for dimension, amounts in expected.get("by_dimension", {}).items():
        assert_cost(report, dimension, amounts)


def test_all_42_examples_are_here() -> None:
    assert len(EXAMPLES) == 42


def assert_billed(report: Report, dimension: str, rows: list[list[str | None]]) -> None:
    """Billed quantities (kWh or seconds) of a dimension's lines, with the unit price where the text names it."""
    lines = [line for line in report.lines if line.dimension == dimension]
    assert [billed_quantity(line) for line in lines] == [Fraction(quantity or 0) for quantity, _ in rows]
    for line, (_, unit_price) in zip(lines, rows, strict=True):
        assert unit_price is None or line.unit_price == Decimal(unit_price)


def billed_quantity(line: Line) -> Fraction:
    return line.billed_quantity * 3600 if line.unit == "HOUR" else line.billed_quantity


def assert_cost(report: Report, dimension: str, amounts: list[str]) -> None:
    cost = report.cost_of(Dimension(dimension))
    assert [cost.excl, cost.incl] == [Fraction(amount) for amount in amounts]
