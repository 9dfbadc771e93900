"""An OCPI CDR priced under an OCPI tariff. Pure: files in, a report out, no database."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from ledger.tariff.cdr import cdr_periods, cdr_time_zone
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.tariff.policy import DEFAULT, Policies, PolicyError, policies_of
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


def rate_cdr(
    tariff_content: object, cdr_content: object, time_zone: str | None = None, policies: Policies = DEFAULT
) -> Report:
    """Price a CDR object under a Tariff object; both as `read_json_decimals` gives them.

    ValueError (TariffError, CdrError) names the JSON path of what cannot be used.
    """
    tariff = parse_tariff(tariff_content)
    zone = cdr_time_zone(cdr_content, time_zone)
    return price(compile_tariff(tariff, zone), cdr_periods(cdr_content, tariff, policies), policies)


def chosen_policies(choices: Iterable[str]) -> Policies:
    """The policies of texts NAME=VALUE, defaults for the rest. UnusableInputError names what is not known."""
    chosen: dict[str, str] = {}
    for choice in choices:
        name, separator, reading = choice.partition("=")
        if not separator:
            raise UnusableInputError(f"--policy {choice[:40]!r} is not NAME=VALUE")
        if chosen.setdefault(name, reading) != reading:
            raise UnusableInputError(f"--policy {name[:40]} is given twice with different values")
    try:
        return policies_of(chosen)
    except PolicyError as error:
        raise UnusableInputError(str(error)) from None


def rate_files(tariff_path: Path, cdr_path: Path, time_zone: str | None, policies: Policies = DEFAULT) -> Report:
    """Price a CDR file under a tariff file. UnusableInputError names the file and what is wrong in it."""
    tariff_content, cdr_content = _read_file(tariff_path), _read_file(cdr_path)
    try:
        return rate_cdr(tariff_content, cdr_content, time_zone, policies)
    except ValueError as error:
        raise UnusableInputError(f"{tariff_path} and {cdr_path} cannot be rated: {error}") from None


def rate_batch(lines: Iterable[bytes], policies: Policies = DEFAULT) -> Iterator[dict[str, Any]]:
    """One result for each line `{"tariff": …, "cdr": …, "time_zone": …}`, `{"error": …}` where it has none."""
    for line in lines:
        try:
            yield report_json(_rate_line(line, policies))
        except ValueError as error:
            yield {"error": str(error)}


def _rate_line(line: bytes, policies: Policies) -> Report:
    content = read_json_decimals(line)
    if not isinstance(content, dict):
        raise ValueError("the line is no JSON object with tariff and cdr")
    for key in ("tariff", "cdr"):
        if key not in content:
            raise ValueError(f"the line has no {key}")
    time_zone = content.get("time_zone")
    if time_zone is not None and not isinstance(time_zone, str):
        raise ValueError("time_zone is not a text")
    return rate_cdr(content["tariff"], content["cdr"], time_zone, policies)


def _read_file(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_INPUT_BYTES:
            raise UnusableInputError(f"{path} is larger than {MAX_INPUT_BYTES} bytes")
        return read_json_decimals(path.read_bytes())
    except OSError as error:
        raise UnusableInputError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise UnusableInputError(f"{path}: {error}") from None
