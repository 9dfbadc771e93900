"""`evledger project`, `evledger rebuild`."""

from threading import Event

import click

from evledger.cli.errors import UnusableError
from evledger.cli.output import as_json_option, print_fields, progress
from evledger.cli.stopping import stop_on_signals
from evledger.services import through_outages
from evledger.settings import load_settings
from evledger.wiring import database_url
from projections.catalogue import PROJECTIONS, UnknownProjectionError
from projections.projector import Projector
from projections.rebuild import rebuild as rebuild_projections


@click.command(epilog="Example: evledger project --once")
@click.option("--once", is_flag=True, help="To the ends of the logs, then stop.")
@as_json_option
def project(once: bool, as_json: bool) -> None:
    """Keep the tables that others read, and the outbox, up with the logs."""
    projector = Projector(database_url(load_settings()))
    if once:
        counts = projector.catch_up()
        print_fields({f"{log} log": moved for log, moved in counts.items()}, as_json, "Positions followed")
        return
    stop = Event()
    stop_on_signals(stop)
    through_outages("projector", projector.run, stop)


@click.command(epilog="Example: evledger rebuild session_costs invoice_register")
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
