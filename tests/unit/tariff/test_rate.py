"""`evledger rate`: the shape of its result, and what it says to unusable input."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from evledger.cli.rating import rate

TARIFF = """{"currency": "EUR", "elements": [{"price_components": [
 {"type": "TIME", "price": 1.0, "vat": 15.0, "step_size": 900}, {"type": "FLAT", "price": 2.50, "vat": 20}]}],
 "max_price": {"excl_vat": 100}}"""
CDR = """{"currency": "EUR", "start_date_time": "2026-03-02T10:00:00Z", "end_date_time": "2026-03-02T12:00:00Z",
 "cdr_location": {"country": "DEU"}, "charging_periods": [
 {"start_date_time": "2026-03-02T10:00:00Z", "dimensions": [
  {"type": "TIME", "volume": 1.5}, {"type": "ENERGY", "volume": 12.5}]},
 {"start_date_time": "2026-03-02T11:40:00.5Z", "dimensions": [{"type": "PARKING_TIME", "volume": 0.3333}]}]}"""
LINES = [
    {
        "dimension": "FLAT",
        "element": 1,
        "from": "2026-03-02T10:00:00Z",
        "until": "2026-03-02T10:00:00Z",
        "quantity": "1",
        "billed_quantity": "1",
        "unit": "SESSION",
        "unit_price": "2.50",
        "vat_percent": "20.0",
        "excl_vat": "2.50",
        "incl_vat": "3.00",
        "because": "element 1: no restrictions",
    },
    {
        "dimension": "TIME",
        "element": 1,
        "from": "2026-03-02T10:00:00Z",
        "until": "2026-03-02T11:40:00.5Z",
        "quantity": "1.666805555556",
        "billed_quantity": "1.75",
        "unit": "HOUR",
        "unit_price": "1.00",
        "vat_percent": "15.0",
        "excl_vat": "1.75",
        "incl_vat": "2.0125",
        "because": "element 1: no restrictions; rounded up to a multiple of 900 s",
    },
]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    for name, text in (("tariff", TARIFF), ("cdr", CDR), ("broken", "{"), ("other", CDR.replace("EUR", "USD"))):
        (tmp_path / name).write_text(text)
    return {name: str(tmp_path / name) for name in ("tariff", "cdr", "broken", "other", "missing")}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(rate, list(arguments))


def test_the_result_has_the_shape_of_the_contract(files: dict[str, str]) -> None:
    result = run("--tariff", files["tariff"], "--cdr", files["cdr"], "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "currency": "EUR",
        "total_cost": {"excl_vat": "4.25", "incl_vat": "5.01"},
        "exact": {"excl_vat": "4.2500", "incl_vat": "5.0125"},
        "total_energy": "12.500",
        "total_time_h": "2",
        "total_parking_time_h": "0.333194444444",
        "lines": LINES,
        "limits": {"min_price": None, "max_price": {"excl_vat": "100.00", "incl_vat": None}},
    }


def test_people_get_a_table(files: dict[str, str]) -> None:
    result = run("--tariff", files["tariff"], "--cdr", files["cdr"])
    assert result.exit_code == 0
    assert "4.25" in result.stdout
    assert "FLAT" in result.stdout


@pytest.mark.parametrize(
    ("tariff", "cdr", "message"),
    [
        ("missing", "cdr", "missing: No such file or directory"),
        ("broken", "cdr", "broken: Expecting property name"),
        ("cdr", "cdr", "cannot be rated: $.elements: is missing or empty"),
        ("tariff", "other", "cannot be rated: $.currency: 'USD' is not the tariff's EUR"),
    ],
)
def test_unusable_files_are_named_in_one_line(files: dict[str, str], tariff: str, cdr: str, message: str) -> None:
    result = run("--tariff", files[tariff], "--cdr", files[cdr], "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_batch_gives_one_result_a_line_and_says_what_it_cannot_rate(tmp_path: Path) -> None:
    good = {"tariff": json.loads(TARIFF), "cdr": json.loads(CDR)}
    lines: list[Any] = [good, {"tariff": good["tariff"]}, good | {"time_zone": "Nowhere"}, [], good | {"time_zone": 5}]
    batch = tmp_path / "batch.jsonl"
    batch.write_text("\n".join(json.dumps(line) for line in lines) + "\n\nnot json\n")
    result = run("--batch", str(batch))
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 2
    assert found[0]["total_cost"]["excl_vat"] == "4.25"
    assert [line.get("error") for line in found[1:]] == [
        "the line has no cdr",
        "$.time_zone: 'Nowhere' is no IANA time zone",
        "the line is no JSON object with tariff and cdr",
        "time_zone is not a text",
        "Expecting value: line 1 column 1 (char 0)",
    ]


def test_a_batch_without_an_error_is_done(tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text(json.dumps({"tariff": json.loads(TARIFF), "cdr": json.loads(CDR), "time_zone": None}))
    assert run("--batch", str(batch)).exit_code == 0


@pytest.mark.parametrize("arguments", [(), ("--tariff", "t"), ("--batch", "b", "--tariff", "t"), ("--batch", "b")])
def test_wrong_usage_is_said_in_one_line(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)


def test_another_reading_is_chosen_by_name(files: dict[str, str]) -> None:
    result = run("--tariff", files["tariff"], "--cdr", files["cdr"], "--json", "--policy", "time_source=volumes")
    found = json.loads(result.stdout)
    assert (found["total_cost"]["excl_vat"], found["policies"]) == ("4.00", {"time_source": "volumes"})


def test_another_reading_holds_for_each_line_of_a_batch(tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text(json.dumps({"tariff": json.loads(TARIFF), "cdr": json.loads(CDR)}))
    result = run("--batch", str(batch), "--policy", "time_source=volumes", "--policy", "rounding=half_up_line")
    assert json.loads(result.stdout)["policies"] == {"time_source": "volumes", "rounding": "half_up_line"}


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (["step=x"], "policy 'step' is unknown: it is one of step_size_after_parking,"),
        (["rounding=up"], "policy rounding cannot be 'up': it is one of half_up_total,"),
        (["rounding"], "--policy 'rounding' is not NAME=VALUE"),
        (["price_bounds=apply", "price_bounds=ignore"], "--policy price_bounds is given twice with different values"),
    ],
)
def test_a_reading_that_is_not_known_is_named_in_one_line(
    files: dict[str, str], choices: list[str], message: str
) -> None:
    options = [part for choice in choices for part in ("--policy", choice)]
    result = run("--tariff", files["tariff"], "--cdr", files["cdr"], *options)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr
