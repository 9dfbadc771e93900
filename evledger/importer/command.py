"""`evledger import-sessions`: translates the command line, nothing else."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from evledger.examples import example
from evledger.importer.importing import MADE_UP, Outcome, import_file
from evledger.importer.mapping import MapError
from evledger.importer.table import TableError
from evledger.simulator.command import UnavailableError, UnusableError
from evledger.simulator.outfile import DiskFullError, OutputError, write_lines
from evledger.simulator.record import to_lines

# Takes JSON Lines in and returns its control totals, as `evledger ingest --json` has them.
Ingest = Callable[[Iterable[str]], Mapping[str, int]]


def import_command(ingest: Ingest | None = None) -> click.Command:
    """The command; `ingest` is where the lines go without `--out`."""

    @click.command(
        "import-sessions",
        short_help="Past sessions from CSV or XLSX.",
        epilog=example(
            "evledger import-sessions old.csv --map old.toml",
            "evledger import-sessions old.csv --map old.toml --out messages.jsonl",
        ),
    )
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--map", "map_path", type=click.Path(path_type=Path, dir_okay=False), required=True, help="TOML.")
    @click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write messages, ingest nothing.")
    @click.option("--json", "as_json", is_flag=True, help="The account of all rows as one JSON document.")
    def import_sessions(file: Path, map_path: Path, out: Path | None, as_json: bool) -> None:
        """Turn a CSV or XLSX file of past sessions into session messages."""
        try:
            imported = import_file(file, map_path)
            lines = to_lines(imported.messages)
            totals = {"messages": write_lines(lines, out)} if out else _ingested(lines, ingest)
        except DiskFullError as error:
            raise UnavailableError(str(error)) from None
        except (MapError, TableError, OutputError) as error:
            raise UnusableError(str(error)) from None
        _report(imported.outcome, totals, as_json)

    return import_sessions


def _ingested(lines: Iterable[str], ingest: Ingest | None) -> Mapping[str, int]:
    if ingest is None:
        raise UnusableError("nowhere to put the messages: give --out FILE")
    return ingest(lines)


def _report(outcome: Outcome, totals: Mapping[str, int], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**outcome.to_json(), **totals}))
        return
    for refusal in outcome.refused:
        click.echo(f"line {refusal.line}: {refusal.reason}: {refusal.detail}")
    for noted in outcome.noted:
        click.echo(f"line {noted.line}: used, {noted.note}")
    click.echo(f"{outcome.rows:,} rows, {outcome.used:,} used, {len(outcome.refused):,} refused")
    for reason, count in outcome.by_reason().items():
        click.echo(f"  {count:>8,} {reason}")
    click.echo(", ".join(f"{count:,} {name}" for name, count in totals.items()))
    click.echo(MADE_UP)


import_sessions = import_command()
