"""Worked examples of what tariffs say beyond OCPI: a tariff, a CDR, and each line of what it costs."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ledger.tariff.cdr import cdr_periods
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.tariff.policy import DEFAULT
from ledger.tariff.pricer import price
from ledger.tariff.report import Line, Report
from ledger.tariff.spot import Slot
from ledger.values.canonical import read_json_decimals
from ledger.values.time import to_instant, to_us

EXAMPLES = sorted(path.parent for path in (Path(__file__).parent / "extensions").glob("*/expected.json"))


def read(path: Path) -> Any:
    return read_json_decimals(path.read_bytes())


def slot(from_: str, until: str, per_kwh: str) -> Slot:
    return to_us(to_instant(from_)), to_us(to_instant(until)), Decimal(per_kwh)


def rated(example: Path, expected: Any) -> Report:
    tariff = parse_tariff(read(example / "tariff.json"))
    compiled = compile_tariff(tariff, expected["time_zone"], expected["groups"])
    slots = {series: [slot(*given) for given in of_series] for series, of_series in expected["slots"].items()}
    return price(compiled, cdr_periods(read(example / "cdr.json"), tariff), DEFAULT, slots)


def shown(line: Line) -> list[object]:
    return [
        str(line.dimension),
        line.element,
        line.billed_quantity,
        line.unit_price,
        line.excl,
        line.incl,
        line.because,
    ]


def expected_line(line: Any) -> list[object]:
    unit_price = None if line["unit_price"] is None else Decimal(line["unit_price"])
    amounts = [Fraction(line[side]) for side in ("excl_vat", "incl_vat")]
    quantity = Fraction(line["billed_quantity"])
    return [line["dimension"], line["element"], quantity, unit_price, *amounts, line["because"]]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_costs_what_it_says(example: Path) -> None:
    expected = read(example / "expected.json")
    report = rated(example, expected)
    assert [shown(line) for line in report.lines] == [expected_line(line) for line in expected["lines"]]
    assert report.excl == Fraction(expected["exact"]["excl_vat"])
    assert report.incl == Fraction(expected["exact"]["incl_vat"])


def test_each_extension_has_an_example() -> None:
    assert {path.name for path in EXAMPLES} >= {
        "discount_of_a_group",
        "grace_before_parking_fees",
        "cap_of_a_session",
        "mark_up_for_roaming",
        "spot_prices_by_the_quarter_hour",
        "all_in_their_order",
    }
