"""The command line: one program. Exit codes: 0 done, 1 the answer is no, 2 unusable input, 3 unavailable."""

import logging
import os
import sys
from typing import Any

import click

from evledger.cli import (
    audit,
    billing,
    comparison,
    database,
    demonstration,
    explaining,
    ingestion,
    operating,
    projecting,
    rating,
    reading,
    streaming,
)
from evledger.cli.errors import exit_code_of, line_of
from evledger.examples import example
from evledger.simulator.command import simulate_command

EPILOG = example("evledger demo", "evledger session list --help")


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="evledger")
def program() -> None:
    """Event-sourced billing ledger for EV charging: meter readings to invoices, each cent replayed and explained."""


for command in (
    demonstration.demo,
    simulate_command(streaming.produce),
    ingestion.ingest,
    ingestion.import_sessions,
    streaming.consume,
    streaming.run,
    streaming.publish,
    billing.bill,
    projecting.project,
    projecting.rebuild,
    rating.rate,
    reading.session,
    reading.invoice,
    reading.account,
    operating.parked,
    operating.held,
    audit.replay,
    explaining.explain,
    comparison.whatif,
    audit.audit,
    database.db,
    database.migrate,
):
    program.add_command(command)


def main() -> None:
    """Run the program; any failure is one line on standard error and the exit code of the contract."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    # The client logs each of its tries as an error; whether an outage began or ended is ours to say, in one line.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    try:
        result: Any = program.main(arguments, prog_name="evledger", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; the interpreter must not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:
        code = exit_code_of(error)
        if code is None:
            raise
        return _say(error, code)


def _say(error: BaseException, code: int) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx is not None:
        click.echo(error.ctx.get_help())
    click.echo(f"evledger: {line_of(error)}", err=True)
    return code
