"""`evledger adapt ocpp`: what stations say, as session messages."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import click

from consumers.ocpp.files import FileAdapter, Listed
from evledger.adapter import OcppAdapter, known_stations
from evledger.cli.errors import UnusableError
from evledger.cli.output import as_json_option, print_json, progress, say, tenant_option
from evledger.cli.stopping import stop_on_signals
from evledger.cli.streaming import bootstrap_servers
from evledger.cli.tables import print_fields
from evledger.examples import example
from evledger.services import adapt as adapt_service
from evledger.services import kafka_settings
from evledger.settings import Settings, load_settings
from evledger.simulator.command import UnavailableError
from evledger.simulator.outfile import DiskFullError, OutputError, write_lines
from evledger.simulator.record import Message, to_line
from evledger.wiring import adapted, message_reader

# What a screen shows of the lines that led to nothing; --json has them all.
LISTED_MAX = 20


@click.group(epilog=example("evledger adapt ocpp frames.jsonl --out messages.jsonl"))
def adapt() -> None:
    """Other protocols to session messages."""


@adapt.command(
    "ocpp",
    short_help="OCPP 1.6 and 2.0.1 to session messages.",
    epilog=example("evledger adapt ocpp frames.jsonl --out messages.jsonl", "evledger ingest messages.jsonl"),
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where the messages of FILE go.")
@click.option("--once", is_flag=True, help="To the ends of the topics as they are now, then stop.")
@tenant_option
@as_json_option
def adapt_ocpp(file: Path | None, out: Path | None, once: bool, tenant: str, as_json: bool) -> None:
    """Turn what stations say into session messages: from Kafka to Kafka until stopped, or from FILE to a file.

    FILE has a JSON object a line, as `evledger simulate` writes them: frames with their headers, and the messages about
    stations and accounts that say what frames do not. A database is not needed; if there is one, it is asked for
    stations and tokens that FILE does not name. What is written to --out is for `evledger ingest`.
    """
    if (file is None) is not (out is None) or (once and file is not None):
        raise click.UsageError("give FILE with --out FILE, or neither for Kafka, with --once if you like")
    settings = load_settings()
    if file is not None and out is not None:
        _adapt_file(settings, file, out, tenant, as_json)
    else:
        _adapt_topics(settings, once, tenant, as_json)


def _adapt_topics(settings: Settings, once: bool, tenant: str, as_json: bool) -> None:
    servers, stop = bootstrap_servers(settings), Event()
    adapter = OcppAdapter(settings, kafka_settings(settings, servers), tenant)
    stop_on_signals(stop)
    say(f"{', '.join(adapted(settings))} from {servers} to {settings.topic_sessions}; Ctrl-C stops")
    if once:
        with progress("frames") as step:
            totals = adapter.run_once(stop, lambda read: step(read, None))
    else:
        totals = adapt_service(adapter, stop)
    print_fields(totals._asdict(), as_json, "Frames, and messages")


def _adapt_file(settings: Settings, file: Path, out: Path, tenant: str, as_json: bool) -> None:
    if out.exists() and file.exists() and out.samefile(file):
        raise UnusableError(f"{out} is the file that is read: write to another one")
    try:
        with known_stations(settings, tenant) as known:
            adapter = FileAdapter(message_reader(settings), tenant, known)
            write_lines(_lines(adapter, file, settings.topic_sessions), out)
    except DiskFullError as error:
        raise UnavailableError(str(error)) from None
    except OutputError as error:
        raise UnusableError(str(error)) from None
    _report(adapter.counts(), adapter.listed(), as_json)


def _lines(adapter: FileAdapter, file: Path, topic: str) -> Iterator[str]:
    return (to_line(Message(topic, each.session_id, each.to_value())) for each in adapter.adapt(file))


def _report(counts: dict[str, int], listed: list[Listed], as_json: bool) -> None:
    if as_json:
        print_json({**counts, "listed": [each._asdict() for each in listed]})
        return
    for each in listed[:LISTED_MAX]:
        click.echo(f"line {each.line}: {each.kind}: {each.reason}")
    if len(listed) > LISTED_MAX:
        click.echo(f"and {len(listed) - LISTED_MAX:,} more: --json lists all")
    print_fields(counts, False, "Lines, and messages")
