"""The command line: one program. Exit codes: 0 done, 1 the answer is no, 2 unusable input, 3 unavailable."""

import logging
import os
import sys

import click

from evledger.cli import (
    adapting,
    audit,
    billing,
    cdrs,
    comparison,
    database,
    demonstration,
    explaining,
    held,
    ingestion,
    metering,
    ocmf,
    operating,
    projecting,
    rating,
    reading,
    streaming,
    tariffs,
    ticking,
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
    adapting.adapt,
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
    held.held,
    ticking.tick,
    audit.replay,
    explaining.explain,
    comparison.whatif,
    tariffs.tariff,
    ocmf.ocmf,
    metering.energy,
    cdrs.export,
    cdrs.import_cdrs,
    audit.audit,
    database.db,
    database.migrate,
):
    program.add_command(command)


def main() -> None:
    """Run the program; any failure is one line on standard error and the exit code of the contract."""
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    # The client logs each of its tries as an error; whether an outage began or ended is ours to say, in one line.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    sys.exit(run_program(sys.argv[1:]))


def run_program(arguments: list[str]) -> int:
    """Run one command; its exit code. A fault of the program itself is raised."""
    # Not `program.main`: it would take a reader that has gone for a failure, and leave by itself.
    try:
        with program.make_context("evledger", list(arguments)) as context:
            program.invoke(context)
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        _drop_output()  # whoever read it has gone, as `head` does
        return 0
    except (Exception, KeyboardInterrupt) as error:
        code = exit_code_of(error)
        if code is None:
            raise
        _finish_output()
        return _say(error, code)


def _finish_output() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()


def _drop_output() -> None:
    """What could not be written is not tried again: the interpreter would complain at its end, and choose the code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(error: BaseException, code: int) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx is not None:
        click.echo(error.ctx.get_help())
    click.echo(f"evledger: {line_of(error)}", err=True)
    return code
