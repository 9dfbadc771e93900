"""`evledger rate`."""

from pathlib import Path
from typing import Any

import click

from evledger.cli.output import as_json_option, print_json
from evledger.cli.tables import console, print_rows
from evledger.examples import example
from evledger.rate import UnusableInputError, chosen_policies, rate_batch, rate_files
from ledger.tariff.policy import OPTIONS, Policies
from ledger.tariff.report_json import report_json

COLUMNS = (
    "dimension", "billed_quantity", "unit", "unit_price", "vat_percent", "excl_vat", "incl_vat", "because",
)  # fmt: skip

POLICY_HELP = "; ".join(f"{name}={'|'.join(readings)}" for name, readings in OPTIONS.items())

FILE = click.Path(path_type=Path)


@click.command(
    short_help="Price an OCPI CDR under an OCPI tariff.",
    epilog=example(
        "evledger rate --tariff tariff.json --cdr cdr.json --time-zone Europe/Berlin",
        "evledger rate --batch cases.jsonl > results.jsonl",
    ),
)
@click.option("--tariff", "tariff_path", type=FILE, help="OCPI Tariff object (JSON file).")
@click.option("--cdr", "cdr_path", type=FILE, help="OCPI CDR object (JSON file).")
@click.option("--time-zone", help="IANA zone of the location, if the CDR does not tell it.")
@click.option("--batch", "batch_path", type=FILE, help="JSON Lines with tariff and cdr each; one result a line.")
@click.option(
    "--policy",
    "choices",
    multiple=True,
    metavar="NAME=VALUE",
    help=f"Another reading of what OCPI leaves open (repeatable): {POLICY_HELP}.",
)
@as_json_option
def rate(  # noqa: PLR0913, PLR0917
    tariff_path: Path | None,
    cdr_path: Path | None,
    time_zone: str | None,
    batch_path: Path | None,
    choices: tuple[str, ...],
    as_json: bool,
) -> None:
    """Price an OCPI CDR under an OCPI tariff (2.2.1 or 2.3.0); no database is needed."""
    policies = chosen_policies(choices)
    if batch_path is not None:
        if any(other is not None for other in (tariff_path, cdr_path, time_zone)):
            raise UnusableInputError("--batch takes tariff, cdr and time zone from its lines: give it alone")
        _print_batch(batch_path, policies)
    elif tariff_path is None or cdr_path is None:
        raise UnusableInputError("give --tariff and --cdr, or --batch")
    else:
        _print_report(report_json(rate_files(tariff_path, cdr_path, time_zone, policies)), as_json)


def _print_batch(path: Path, policies: Policies) -> None:
    read = unusable = 0
    try:
        with path.open("rb") as lines:
            for result in rate_batch((line for line in lines if line.strip()), policies):
                read, unusable = read + 1, unusable + ("error" in result)
                print_json(result)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnusableInputError(f"{path}: {error.strerror}") from None
    if unusable:
        raise UnusableInputError(f"{path}: {unusable} of {read} lines cannot be rated, each says why")


def _print_report(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    print_rows(result["lines"], COLUMNS, False, f"{result['total_energy']} kWh in {result['total_time_h']} h")
    total = result["total_cost"]
    console.print(
        f"{result['currency']} {total['excl_vat'] or '-'} before tax, {total['incl_vat'] or '-'} after tax",
        style="bold",
    )
