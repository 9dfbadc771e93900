"""`evledger ingest`, `evledger import-sessions`."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from consumers.files import file_topic, ingest_file
from consumers.pipeline import Pipeline, Totals
from evledger.cli.output import as_json_option, progress
from evledger.cli.tables import print_fields
from evledger.examples import example
from evledger.importer.command import import_command
from evledger.settings import Settings, load_settings
from evledger.wiring import open_ledger, open_pipeline, owner_name
from ledger.application import Ledger

# As much is ingested in the time that another process takes to start.
READ_AHEAD_BYTES_MIN = 16 * 1024 * 1024


@click.command(
    short_help="Feed files of messages to the ledger, exactly once.",
    epilog=example("evledger simulate --sessions 200 --seed 7 --out m.jsonl", "evledger ingest m.jsonl"),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@as_json_option
def ingest(files: tuple[Path, ...], as_json: bool) -> None:
    """Feed JSON Lines files of messages to the ledger, exactly once: again, or after a kill, nothing is added."""
    settings = load_settings()
    for file in files:
        file_topic(file)  # all of them can be read, before the first is begun
    reads_ahead = sum(file.stat().st_size for file in files) >= READ_AHEAD_BYTES_MIN
    with open_ledger(settings) as ledger, open_pipeline(settings, ledger, reads_ahead=reads_ahead) as pipeline:
        for file in files:
            ingest_with_progress(ledger, pipeline, file)
        totals = totals_json(pipeline.totals)
    print_fields(totals, as_json, "Messages, and sessions held")


def ingest_with_progress(ledger: Ledger, pipeline: Pipeline, file: Path) -> None:
    """Feed one file, with a bar that counts bytes."""
    size = file.stat().st_size if file.exists() else 0
    done = 0
    with progress(f"ingest {file.name}") as step:

        def advance(bytes_read: int) -> None:
            nonlocal done
            done += bytes_read
            step(min(done, size), size)

        ingest_file(ledger, pipeline, file, owner_name(), advance)


def totals_json(totals: Totals) -> dict[str, int]:
    """The figures of a run, in the names of the contract."""
    return {
        "read": totals.read,
        "appended": totals.appended,
        "duplicates": totals.duplicates,
        "parked": totals.parked,
        "discarded": 0,
        "held": totals.held,
    }


def _ingest_lines(lines: Iterable[str]) -> Mapping[str, int]:
    """Messages that are made on the fly go through a file, because a file's hash is what makes them exactly once."""
    settings = load_settings()
    with tempfile.TemporaryDirectory(prefix="evledger-") as folder:
        path = Path(folder) / "messages.jsonl"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
        return ingest_quietly(settings, path)


def ingest_quietly(settings: Settings, path: Path) -> dict[str, int]:
    """Feed one file and give the figures."""
    with open_ledger(settings) as ledger, open_pipeline(settings, ledger) as pipeline:
        ingest_with_progress(ledger, pipeline, path)
        return totals_json(pipeline.totals)


import_sessions = import_command(_ingest_lines)
