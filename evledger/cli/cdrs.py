"""`evledger export cdrs`, `evledger import-cdrs`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from evledger.cdrs import ExportedCdr, cdr_line, export_cdrs, export_credit_cdrs
from evledger.cli.errors import NoError, UnusableError
from evledger.cli.output import Step, as_json_option, print_json, progress, tenant_option
from evledger.examples import example
from evledger.foreign_cdrs import Checked, ForeignTariffs, check
from evledger.json_items import JsonFileError, json_items
from evledger.settings import load_settings
from evledger.simulator.outfile import OutputError, write_lines
from evledger.wiring import database_url
from ledger.audit.whatif import Span
from ledger.cdr.comparing import Comparison, Difference
from ledger.cdr.version import OcpiVersion
from ledger.cdr.writing import differs_from_rating
from ledger.store.connection import NO_TIMEOUT_MS, connect
from ledger.values.money import fraction_to_text, minor_to_text
from ledger.values.zones import UnknownTimeZoneError

DAY = click.DateTime(formats=["%Y-%m-%d"])
FILE = click.Path(path_type=Path, dir_okay=False)

# A file of this name is one JSON array, any other output is JSON Lines.
ARRAY_SUFFIX: Final = ".json"

# Outside of these days an instant is a broken clock, not a session (message contract).
FIRST_DAY: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - days, as click gives them
LAST_DAY: Final = datetime(2100, 12, 31)  # noqa: DTZ001


@click.group(short_help="Data for others.", epilog=example("evledger export cdrs --out cdrs.json"))
def export() -> None:
    """What the ledger holds, in the forms that others read."""


@export.command(
    "cdrs",
    short_help="OCPI CDRs of rated sessions.",
    epilog=example(
        "evledger export cdrs --from 2026-10-01 --to 2026-10-31 --out cdrs.json",
        "evledger export cdrs --version 2.3.0 | head -1",
    ),
)
@click.option(
    "--version", type=click.Choice([v.value for v in OcpiVersion]), default="2.2.1", show_default=True, help="Of OCPI."
)
@click.option("--from", "first_day", type=DAY, default=FIRST_DAY, help="Sessions that ended from this day (UTC) on.")
@click.option("--to", "last_day", type=DAY, default=LAST_DAY, help="Up to and including this day (UTC).")
@click.option(
    "--out", type=FILE, help="An array where the name ends in .json, else JSON Lines. Default: standard output."
)
@click.option("--credit", is_flag=True, help="Credit CDRs of what credit notes took off invoices, not the CDRs.")
@tenant_option
@as_json_option
def cdrs(  # noqa: PLR0913, PLR0917 - one argument per option
    version: str, first_day: datetime, last_day: datetime, out: Path | None, credit: bool, tenant: str, as_json: bool
) -> None:
    """Write the CDRs of rated sessions that nothing holds; with --credit the Credit CDRs of costs that were credited.

    A CDR that lacks fields OCPI requires is not written; sessions that cost otherwise at OCPI's four decimals are
    listed. Exit code 1 in both cases. --json: the account of the export as one document (needs --out).
    """
    if last_day < first_day:
        raise UnusableError(f"--to {last_day:%Y-%m-%d} is before --from {first_day:%Y-%m-%d}")
    if as_json and out is None:
        raise UnusableError("--json needs --out: without it the CDRs themselves go to standard output")
    span = Span(tenant, first_day.replace(tzinfo=UTC), last_day.replace(tzinfo=UTC) + timedelta(days=1))
    account = ExportAccount(as_json)
    url = database_url(load_settings())
    with connect(url, "auditor", transaction_timeout_ms=NO_TIMEOUT_MS) as connection, progress("sessions log") as step:
        pages = (export_credit_cdrs if credit else export_cdrs)(connection, span, OcpiVersion(version))
        exported = (cdr for page in _stepping(pages, step) for cdr in page)
        try:
            write_lines(_framed(account.lines(exported), out), out)
        except OutputError as error:
            raise UnusableError(str(error)) from None
    account.close()


def _stepping(pages: Iterator[Any], step: Step) -> Iterator[list[ExportedCdr]]:
    for page in pages:
        yield page.cdrs
        step(page.position, page.end)


def _framed(lines: Iterator[str], out: Path | None) -> Iterator[str]:
    """JSON Lines, or one array."""
    if out is None or out.suffix != ARRAY_SUFFIX:
        yield from (f"{line}\n" for line in lines)
        return
    separator = "[\n"
    for line in lines:
        yield separator + line
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


class ExportAccount:
    """What became of each session: written, not written and why, costing otherwise as written."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._written = self._held = 0
        self._not_written: list[dict[str, Any]] = []
        self._differing: list[dict[str, Any]] = []

    def lines(self, exported: Iterator[ExportedCdr]) -> Iterator[str]:
        """The CDRs that are written, each as JSON; the others are named on standard error at once."""
        for each in exported:
            if each.cdr is None:
                self._held += 1
            elif each.cdr.faults:
                self._note_faults(each.rated.session_id, each.cdr.faults)
            else:
                self._written += 1
                if differs_from_rating(each.cdr, each.rated):
                    self._note_difference(each)
                yield cdr_line(each.cdr)

    def close(self) -> None:
        """The account; NoError where anything was not written or costs otherwise."""
        counts = f"{self._written} CDRs written, {len(self._not_written)} not written, {self._held} sessions held"
        if self._as_json:
            print_json(
                {
                    "written": self._written,
                    "held": self._held,
                    "not_written": self._not_written,
                    "differing": self._differing,
                }
            )
        if self._not_written or self._differing:
            raise NoError(f"{counts}, {len(self._differing)} cost otherwise as written")
        click.echo(counts, err=True)

    def _note_faults(self, session_id: str, faults: tuple[str, ...]) -> None:
        self._not_written.append({"session_id": session_id, "fields": list(faults)})
        click.echo(f"{session_id}: not written: {'; '.join(faults)}", err=True)

    def _note_difference(self, each: ExportedCdr) -> None:
        rated, report = each.rated, each.cdr.report if each.cdr else None
        if report is None:
            return
        sides = {
            "rated": {"excl_vat": rated.cost.excl_minor, "incl_vat": rated.cost.incl_minor},
            "written": {"excl_vat": report.excl_minor, "incl_vat": report.incl_minor},
        }
        texts = {name: _texts(amounts, rated.currency) for name, amounts in sides.items()}
        self._differing.append({"session_id": rated.session_id, "currency": rated.currency, **texts})
        shown = {name: f"{amounts['excl_vat']} / {amounts['incl_vat']}" for name, amounts in texts.items()}
        click.echo(
            f"{rated.session_id}: costs {shown['written']} {rated.currency} (before / after tax) with OCPI's four "
            f"decimals, {shown['rated']} in the ledger",
            err=True,
        )


def _texts(amounts: dict[str, int | None], currency: str) -> dict[str, str | None]:
    return {name: None if minor is None else minor_to_text(minor, currency) for name, minor in amounts.items()}


@click.command(
    "import-cdrs",
    short_help="CDRs of others, priced and compared.",
    epilog=example(
        "evledger import-cdrs partner.json",
        "evledger import-cdrs partner.jsonl --tariff agreed.json --time-zone Europe/Amsterdam --json",
    ),
)
@click.argument("file", type=FILE)
@click.option("--tariff", "tariff_path", type=FILE, help="OCPI Tariff object that prices all CDRs, not their own.")
@click.option("--time-zone", help="IANA zone of the locations, where the CDRs do not tell it.")
@as_json_option
def import_cdrs(file: Path, tariff_path: Path | None, time_zone: str | None, as_json: bool) -> None:
    """Price the OCPI CDRs of others and name every total that differs, with how ours comes about.

    Where another reading of the OCPI text, or a pair of them, explains the difference to the cent, it is named
    (docs/roaming-differences.md). FILE is an array, JSON Lines, or one CDR. --json: JSON Lines, one a CDR.
    Exit code 1 where a total differs, 2 where a CDR cannot be priced.
    """
    account, tariffs = ImportAccount(as_json), _tariffs(tariff_path, time_zone)
    try:
        with progress("bytes") as step:
            for item in json_items(file, step):
                account.add(check(item, tariffs))
    except OSError as error:
        raise UnusableError(f"{file}: {error.strerror}") from None
    except JsonFileError as error:
        raise UnusableError(f"{file}: {error}") from None
    account.close(file)


def _tariffs(path: Path | None, time_zone: str | None) -> ForeignTariffs:
    try:
        return ForeignTariffs.of(path, time_zone)
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from None
    except UnknownTimeZoneError as error:
        raise UnusableError(f"--time-zone: {error}") from None
    except ValueError as error:
        raise UnusableError(f"{path}: {error}") from None


class ImportAccount:
    """Counts CDRs by what came of them, and says so as they come."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._read = self._differing = self._explained = self._unusable = 0

    def add(self, checked: Checked) -> None:
        """Print one CDR's outcome."""
        self._read += 1
        if checked.comparison is None:
            self._unusable += 1
            self._print_unusable(checked)
            return
        if checked.comparison.differences:
            self._differing += 1
            self._explained += bool(checked.comparison.explanations)
        if self._as_json:
            print_json(_comparison_json(checked.place, checked.comparison))
        else:
            _show(checked.place, checked.comparison)

    def close(self, file: Path) -> None:
        """The sums; raises where the answer is no."""
        if not self._read:
            raise UnusableError(f"{file}: holds no CDR")
        counts = (
            f"{self._read} CDRs: {self._read - self._differing - self._unusable} agree, {self._differing} differ "
            f"({self._explained} explained by another reading), {self._unusable} cannot be priced"
        )
        if self._unusable:
            raise UnusableError(f"{file}: {counts}")
        if self._differing:
            raise NoError(f"{file}: {counts}")
        click.echo(counts, err=True)

    def _print_unusable(self, checked: Checked) -> None:
        if self._as_json:
            print_json({"place": checked.place, "error": checked.error})
        click.echo(checked.error, err=True)


def _show(place: str, comparison: Comparison) -> None:
    for difference in comparison.differences:
        ours = "unknown" if difference.ours is None else fraction_to_text(difference.ours)
        click.echo(
            f"{place} {comparison.cdr_id}: {difference.name} is {difference.theirs:f}, "
            f"we have {ours}: {difference.because}"
        )
    if comparison.costs_differ:
        click.echo(f"{place} {comparison.cdr_id}: {_explanation(comparison)}")
    for coarse in comparison.coarse:
        click.echo(
            f"{place} {comparison.cdr_id}: {coarse.name} is {coarse.theirs:f}, we have "
            f"{fraction_to_text(coarse.ours)}: no difference, but written too coarsely to tell"
        )


def _explanation(comparison: Comparison) -> str:
    if comparison.explanations:
        return f"explained by {' or by '.join(' with '.join(map(str, each)) for each in comparison.explanations)}"
    if comparison.is_below_minor_unit:
        return f"the costs agree to the minor unit of {comparison.report.currency}"
    return "no other reading, and no pair of them, explains this"


def _comparison_json(place: str, comparison: Comparison) -> dict[str, Any]:
    return {
        "place": place,
        "cdr_id": comparison.cdr_id,
        "currency": comparison.report.currency,
        "differences": [_difference_json(difference) for difference in comparison.differences],
        "explained_by": [[str(reading) for reading in each] for each in comparison.explanations],
        "agrees_to_minor_unit": comparison.is_below_minor_unit or not comparison.costs_differ,
        "coarse": [
            {"total": name, "theirs": f"{theirs:f}", "ours": fraction_to_text(ours)}
            for name, theirs, ours in comparison.coarse
        ],
    }


def _difference_json(difference: Difference) -> dict[str, Any]:
    return {
        "total": difference.name,
        "theirs": f"{difference.theirs:f}",
        "ours": None if difference.ours is None else fraction_to_text(difference.ours),
        "because": difference.because,
    }
