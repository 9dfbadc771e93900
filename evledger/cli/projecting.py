"""`evledger project`, `evledger rebuild`."""

from threading import Event

import click

from evledger.cli.errors import UnusableError
from evledger.cli.output import as_json_option, progress, say
from evledger.cli.stopping import stop_on_signals
from evledger.cli.tables import print_fields
from evledger.examples import example
from evledger.services import through_outages
from evledger.settings import load_settings
from evledger.wiring import database_url
from projections.catalogue import PROJECTIONS, UnknownProjectionError
from projections.projector import Projector
from projections.rebuild import rebuild as rebuild_projections


@click.command(
    short_help="Keep the published tables up with the logs.",
    epilog=example("evledger project --once", "evledger project"),
)
@click.option("--once", is_flag=True, help="To the ends of the logs, then stop.")
@as_json_option
def project(once: bool, as_json: bool) -> None:
    """Keep the tables that others read, and the outbox, up with the logs."""
    projector = Projector(database_url(load_settings()))
    if once:
        counts = projector.catch_up()
    else:
        stop = Event()
        stop_on_signals(stop)
        say("following the logs; Ctrl-C stops")
        counts = through_outages("projector", projector.run, stop) or {}
    print_fields({f"{log} log": moved for log, moved in counts.items()}, as_json, "Positions followed")


@click.command(
    short_help="Build projections anew, then swap.",
    epilog=example("evledger rebuild session_costs invoice_register", "evledger rebuild --all"),
)
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All projections.")
@as_json_option
def rebuild(names: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Build projections anew beside the published tables, then swap."""
    if bool(names) == every:
        raise UnusableError("name the projections to rebuild, or give --all")
    wanted = list(PROJECTIONS) if every else list(names)
    done = 0
    with progress("rebuild") as step:

        def advance(_log: str, moved: int) -> None:
            nonlocal done
            done += moved
            step(done, None)

        try:
            rows = rebuild_projections(database_url(load_settings()), wanted, advance)
        except UnknownProjectionError as error:
            raise UnusableError(str(error)) from None
    print_fields(rows, as_json, "Rows")
