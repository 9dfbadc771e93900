"""`tariff lint` and `import-cdrs` as a user meets them: what is printed, and the exit code."""

from pathlib import Path

import click
import pytest

from evledger.cli.cdrs import import_cdrs
from evledger.cli.tariffs import tariff
from tests.unit.cdr.commands import run

ROOT = Path(__file__).parents[3]
ROAMING = ROOT / "examples" / "roaming"
PAGE = (ROOT / "docs" / "roaming-differences.md").read_text(encoding="utf-8")
SOUND = '{"currency": "EUR", "elements": [{"price_components": [{"type": "ENERGY", "price": 0.3, "vat": 19}]}]}'
NO_VAT = SOUND.replace(', "vat": 19', "")


def file_of(folder: Path, text: str, name: str = "input.json") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sound_tariff_prints_nothing(tmp_path: Path) -> None:
    assert run(tariff, "lint", file_of(tmp_path, SOUND)) == (0, "", "")


def test_findings_are_lines_and_exit_1(tmp_path: Path) -> None:
    path = file_of(tmp_path, f"[{SOUND}, {NO_VAT}]")
    found = run(tariff, "lint", path)
    assert found.exit_code == 1
    assert found.out.startswith("$[1].elements[0].price_components[0].vat: VAT_MISSING: ENERGY names no VAT rate")
    assert found.err == f"{path}: 1 findings in 2 tariffs\n"


def test_findings_for_machines_are_json_lines(tmp_path: Path) -> None:
    (line,) = run(tariff, "lint", file_of(tmp_path, NO_VAT), "--json").json
    assert (line["path"], line["code"]) == ("$.elements[0].price_components[0].vat", "VAT_MISSING")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", "$: Expecting property name"),
        ('{"currency": "EUR"}', "$.elements: is missing or empty"),
        (f'{SOUND}\n{{"currency": "EURO"}}\n', "line 2: $.currency: 'EURO' is no currency code of ISO 4217"),
        (SOUND.replace('"vat"', '"tax"'), "$.elements[0].price_components[0].tax: is not known here and could change"),
        ("[]", "holds no tariff"),
        ("", "holds no tariff"),
    ],
)
def test_what_is_no_tariff_is_one_line_and_exit_2(tmp_path: Path, text: str, error: str) -> None:
    path = file_of(tmp_path, text)
    found = run(tariff, "lint", path)
    assert (found.exit_code, found.err.count("\n")) == (2, 1)
    assert found.err.startswith(f"{path}: {error}")


@pytest.mark.parametrize("command", [tariff, import_cdrs])
def test_a_file_that_is_not_there_is_exit_2(command: click.Command, tmp_path: Path) -> None:
    arguments = ["lint"] if command is tariff else []
    found = run(command, *arguments, tmp_path / "nothing.json")
    assert (found.exit_code, found.err) == (2, f"{tmp_path / 'nothing.json'}: No such file or directory\n")


def test_the_page_shows_what_is_printed() -> None:
    found = run(import_cdrs, ROAMING / "time_source.json")
    assert found.exit_code == 1
    assert f"```\n{found.out}```\n" in PAGE


def test_cdrs_for_machines_are_json_lines_in_the_order_of_the_file(tmp_path: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(ROAMING.glob("*.json"))]
    found = run(import_cdrs, file_of(tmp_path, f"[{','.join(texts)}]"), "--json")
    assert [line["place"] for line in found.json] == [f"$[{place}]" for place in range(len(texts))]
    assert found.json[0]["explained_by"] == [["time_source=volumes", "price_bounds=ignore"]]
    assert found.json[0]["differences"][0] | {"because": ""} == {
        "total": "total_cost.excl_vat",
        "theirs": "1.85",
        "ours": "1.5",
        "because": "",
    }
    assert "10 CDRs: 0 agree, 10 differ (9 explained by another reading), 0 cannot be priced" in found.err


def test_a_partner_who_agrees_is_exit_0(tmp_path: Path) -> None:
    text = (ROAMING / "unexplained.json").read_text(encoding="utf-8").replace("4.10", "4.00").replace("4.92", "4.80")
    found = run(import_cdrs, file_of(tmp_path, text))
    assert found == (0, "", "1 CDRs: 1 agree, 0 differ (0 explained by another reading), 0 cannot be priced\n")


def test_a_cdr_that_cannot_be_priced_is_named_and_the_others_are_compared(tmp_path: Path) -> None:
    good = (ROAMING / "unexplained.json").read_text(encoding="utf-8")
    bad = good.replace('"currency": "EUR",\n  "tariffs"', '"tariffs"')
    path = file_of(tmp_path, f"[{bad}, {good}]")
    found = run(import_cdrs, path)
    assert found.exit_code == 2
    assert found.err.splitlines() == [
        "$[0].currency: is missing",
        f"{path}: 2 CDRs: 0 agree, 1 differ (0 explained by another reading), 1 cannot be priced",
    ]
    assert "$[1] XYZ-unexplained: total_cost.excl_vat is 4.10" in found.out
    assert run(import_cdrs, path, "--json").json[0] == {"place": "$[0]", "error": "$[0].currency: is missing"}


def test_one_tariff_prices_all_cdrs(tmp_path: Path) -> None:
    agreed = SOUND.replace("0.3", "0.41").replace("19", "20")
    found = run(import_cdrs, ROAMING / "unexplained.json", "--tariff", file_of(tmp_path, agreed))
    assert (found.exit_code, found.out) == (0, "")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--time-zone", "Mars/Base"], "--time-zone: 'Mars/Base' is no IANA time zone"),
        (["--tariff", "TARIFF"], "TARIFF: $.elements: is missing or empty"),
        (["--tariff", "NOWHERE"], "NOWHERE: No such file or directory"),
    ],
)
def test_options_that_cannot_be_used_are_named(tmp_path: Path, options: list[str], error: str) -> None:
    places = {"TARIFF": file_of(tmp_path, '{"currency": "EUR"}', "TARIFF"), "NOWHERE": tmp_path / "NOWHERE"}
    found = run(import_cdrs, ROAMING / "unexplained.json", *(places.get(each, each) for each in options))
    for name, path in places.items():
        error = error.replace(name, str(path))
    assert (found.exit_code, found.err) == (2, f"{error}\n")


def test_a_currency_without_minor_units_is_compared_in_whole_numbers(tmp_path: Path) -> None:
    text = (ROAMING / "rounding_half_up_line.json").read_text(encoding="utf-8").replace('"EUR"', '"JPY"')
    found = run(import_cdrs, file_of(tmp_path, text.replace("1.66", "2").replace("1.98", "2")))
    assert (found.exit_code, found.out) == (0, "")
