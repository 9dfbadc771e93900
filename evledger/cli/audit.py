"""`evledger replay`, `evledger audit completeness`."""

from time import monotonic, sleep
from typing import Any

import click

from evledger.cli.errors import NoError
from evledger.cli.output import as_json_option, print_json, progress, tenant_option
from evledger.cli.tables import print_fields, print_rows
from evledger.examples import example
from evledger.settings import load_settings
from evledger.verification import CATEGORIES, OUTCOMES, completeness, positions_behind
from evledger.wiring import database_url
from ledger.audit import replay as replaying
from ledger.store.connection import connect
from ledger.store.streams import head

# A projector that runs follows within a second; without one, nobody should wait long to be told.
FOLLOWED_WITHIN_S = 3.0
POLL_S = 0.1


@click.command(
    short_help="Recompute issued invoices from the events alone.",
    epilog=example("evledger replay --all", "evledger replay EVL-2026-000001"),
)
@click.argument("numbers", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every invoice ever issued.")
@as_json_option
def replay(numbers: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Recompute issued invoices from the events alone; exit 1 if any byte differs."""
    if bool(numbers) == every:
        raise click.UsageError("name the invoices, or give --all")
    with connect(database_url(load_settings()), "auditor") as connection, progress("replay") as step:
        try:
            replayed = replaying.replay(connection, None if every else numbers, step)
        except LookupError as error:
            raise NoError(str(error)) from None
    differences = [{"number": d.number, "reason": d.reason} for d in replayed.differences]
    if as_json:
        print_json({"invoices": replayed.invoices, "differences": differences})
    for difference in differences if not as_json else ():
        click.echo(f"{difference['number']}: {difference['reason']}")
    if differences:
        raise NoError(f"of {replayed.invoices:,} invoices, {len(differences):,} come out otherwise")
    if not as_json:
        click.echo(f"{replayed.invoices:,} recomputed from the events: the same to the byte")


@click.group(short_help="Proofs that nothing is missing.", epilog=example("evledger audit completeness"))
def audit() -> None:
    """Proofs that nothing is missing and nothing was changed."""


@audit.command(
    "completeness",
    short_help="Messages against outcomes, sessions against bills.",
    epilog=example("evledger audit completeness --json"),
)
@tenant_option
@as_json_option
def audit_completeness(tenant: str, as_json: bool) -> None:
    """Messages read against outcomes, sessions ended against what became of them; exit 1 when anything is open."""
    url = database_url(load_settings())
    behind = _wait_for_tables(url)
    with connect(url, "auditor") as connection:
        found = {**completeness(connection, tenant), "positions_behind": behind}
    _print_completeness(found, as_json)
    if behind:
        raise NoError("the tables have not followed the logs: run `evledger project --once`, then ask again")
    if found["differences"] or found["unexplained"] or not found["messages_complete"]:
        raise NoError("some messages or sessions are unexplained")


def _print_completeness(found: dict[str, Any], as_json: bool) -> None:
    """For people the sums, the differences, and then partition by partition and day by day."""
    if as_json:
        print_json(found)
        return
    lists = ("differences", "partitions", "days")
    print_fields({name: value for name, value in found.items() if name not in lists}, False, "Completeness")
    print_rows(found["differences"], ("name", "what"), False, "Differences")
    place = ("topic", "partition", "consumer_group")
    print_rows(found["partitions"], (*place, "read", *OUTCOMES), False, "Messages, by partition", ("consumer_group",))
    print_rows(found["days"], ("day", *CATEGORIES), False, "Sessions, by the day (UTC) of their end")


def _wait_for_tables(url: str) -> int:
    """Until a running projector has followed what is recorded by now; how far the tables are behind after that."""
    deadline = monotonic() + FOLLOWED_WITHIN_S
    with connect(url, "projector") as connection:
        heads = head(connection, "session"), head(connection, "billing")
        while (behind := positions_behind(connection, heads)) and monotonic() < deadline:
            sleep(POLL_S)
    return behind
