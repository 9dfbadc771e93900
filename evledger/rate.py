"""`evledger rate`: price an OCPI CDR under an OCPI tariff. Pure: files in, text out, no database."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from ledger.tariff.cdr import cdr_periods, cdr_time_zone
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.tariff.pricer import price
from ledger.tariff.report import Report
from ledger.tariff.report_json import report_json
from ledger.values.canonical import read_json_decimals

EXIT_UNUSABLE: Final = 2
# A CDR of a year's session with a period a minute is below; more is not a CDR.
MAX_INPUT_BYTES: Final = 64 * 1024 * 1024


class UnusableInputError(click.ClickException):
    """Input that cannot be rated: one line on standard error."""

    exit_code = EXIT_UNUSABLE


def rate_cdr(tariff_content: object, cdr_content: object, time_zone: str | None = None) -> Report:
    """Price a CDR object under a Tariff object; both as `read_json_decimals` gives them.

    ValueError (TariffError, CdrError) names the JSON path of what cannot be used.
    """
    tariff = parse_tariff(tariff_content)
    zone = cdr_time_zone(cdr_content, time_zone)
    return price(compile_tariff(tariff, zone), cdr_periods(cdr_content, tariff))


def rate_files(tariff_path: Path, cdr_path: Path, time_zone: str | None) -> Report:
    """Price a CDR file under a tariff file. UnusableInputError names the file and what is wrong in it."""
    tariff_content, cdr_content = _read_file(tariff_path), _read_file(cdr_path)
    try:
        return rate_cdr(tariff_content, cdr_content, time_zone)
    except ValueError as error:
        raise UnusableInputError(f"{tariff_path} and {cdr_path} cannot be rated: {error}") from None


def rate_batch(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """One result for each line `{"tariff": …, "cdr": …, "time_zone": …}`, `{"error": …}` where it has none."""
    for line in lines:
        try:
            yield report_json(_rate_line(line))
        except ValueError as error:
            yield {"error": str(error)}


def _rate_line(line: bytes) -> Report:
    content = read_json_decimals(line)
    if not isinstance(content, dict):
        raise ValueError("the line is no JSON object with tariff and cdr")
    for key in ("tariff", "cdr"):
        if key not in content:
            raise ValueError(f"the line has no {key}")
    time_zone = content.get("time_zone")
    if time_zone is not None and not isinstance(time_zone, str):
        raise ValueError("time_zone is not a text")
    return rate_cdr(content["tariff"], content["cdr"], time_zone)


def _read_file(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_INPUT_BYTES:
            raise UnusableInputError(f"{path} is larger than {MAX_INPUT_BYTES} bytes")
        return read_json_decimals(path.read_bytes())
    except OSError as error:
        raise UnusableInputError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise UnusableInputError(f"{path}: {error}") from None


@click.command()
@click.option("--tariff", "tariff_path", type=click.Path(path_type=Path), help="OCPI Tariff object (JSON file).")
@click.option("--cdr", "cdr_path", type=click.Path(path_type=Path), help="OCPI CDR object (JSON file).")
@click.option("--time-zone", help="IANA zone of the location, if the CDR does not tell it.")
@click.option("--batch", "batch_path", type=click.Path(path_type=Path), help="JSON Lines with tariff and cdr each.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def rate(
    tariff_path: Path | None, cdr_path: Path | None, time_zone: str | None, batch_path: Path | None, as_json: bool
) -> None:
    """Price an OCPI CDR under an OCPI tariff (2.2.1 or 2.3.0).

    \b
    Examples:
      evledger rate --tariff tariff.json --cdr cdr.json --time-zone Europe/Berlin
      evledger rate --batch cases.jsonl > results.jsonl
    """
    if batch_path is not None:
        _refuse_with_batch(tariff_path, cdr_path, time_zone)
        _print_batch(batch_path)
    elif tariff_path is None or cdr_path is None:
        raise UnusableInputError("give --tariff and --cdr, or --batch")
    else:
        _print_report(rate_files(tariff_path, cdr_path, time_zone), as_json)


def _refuse_with_batch(*others: object) -> None:
    if any(other is not None for other in others):
        raise UnusableInputError("--batch takes tariff, cdr and time zone from its lines: give it alone")


def _print_batch(path: Path) -> None:
    has_error = False
    try:
        with path.open("rb") as lines:
            for result in rate_batch(line for line in lines if line.strip()):
                has_error = has_error or "error" in result
                click.echo(json.dumps(result, ensure_ascii=False))
    except OSError as error:
        raise UnusableInputError(f"{path}: {error.strerror}") from None
    if has_error:
        sys.exit(EXIT_UNUSABLE)


def _print_report(report: Report, as_json: bool) -> None:
    result = report_json(report)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        Console().print(_table(result))


def _table(result: dict[str, Any]) -> Table:
    total = result["total_cost"]
    table = Table(
        title=f"{result['total_energy']} kWh in {result['total_time_h']} h",
        caption=f"{result['currency']} {_shown(total['excl_vat'])} before tax, {_shown(total['incl_vat'])} after tax",
    )
    for column in ("dimension", "billed", "unit", "price", "VAT %", "before tax", "after tax"):
        table.add_column(column, no_wrap=True)
    table.add_column("because", overflow="fold")
    for line in result["lines"]:
        names = ("dimension", "billed_quantity", "unit", "unit_price", "vat_percent", "excl_vat", "incl_vat")
        table.add_row(*(_shown(line[name]) for name in (*names, "because")))
    return table


def _shown(text: str | None) -> str:
    return "-" if text is None else text
