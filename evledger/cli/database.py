"""`evledger db`, `evledger migrate`."""

import os
import shutil

import click
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from evledger.cli.errors import UnusableError
from evledger.embedded import stop as stop_server
from evledger.migrate import migrate as migrate_database
from evledger.settings import load_settings
from evledger.wiring import database_url, embedded_server, psql_path
from ledger.store.connection import ROLES, conninfo


@click.group()
def db() -> None:
    """The database in use."""


@db.command(epilog='Example: psql "$(evledger db url --role finance)" -c "SELECT * FROM finance.invoice_register"')
@click.option("--role", type=click.Choice(["owner", *ROLES]), default="owner", show_default=True)
def url(role: str) -> None:
    """Print the connection URL, starting the embedded server if need be."""
    settings = load_settings()
    owner = database_url(settings)
    if settings.database_url is None and role != "owner":
        click.echo(embedded_server(settings).url(role=f"evledger_{role}"))
    else:
        click.echo(owner if role == "owner" else _with_role(owner, role))


@db.command(context_settings={"ignore_unknown_options": True}, epilog="Example: evledger db psql -c '\\dv finance.*'")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """A shell on the database; arguments are passed on to psql."""
    settings = load_settings()
    owner = database_url(settings)
    program = psql_path() if settings.database_url is None else shutil.which("psql")
    if program is None:
        raise UnusableError("psql is not installed: install PostgreSQL's client, or use another with `evledger db url`")
    os.execv(program, [str(program), owner, *arguments])  # noqa: S606 - the user asked for this very program


@db.command()
def stop() -> None:
    """Stop the embedded server."""
    if not stop_server(load_settings().home):
        click.echo("no embedded server was running", err=True)


@click.command(epilog="Example: EVLEDGER_DATABASE_URL=postgresql://… evledger migrate")
def migrate() -> None:
    """Bring the database to the newest schema, as the URL's user."""
    settings = load_settings()
    if settings.database_url is None:
        names = []
        database_url(settings)
    else:
        names = migrate_database(conninfo(settings.database_url.get_secret_value()))
    click.echo(", ".join(names) or "the schema is current")


def _with_role(owner: str, role: str) -> str:
    given = conninfo_to_dict(owner)
    options = f"{given.get('options') or ''} -c role=evledger_{role}".strip()
    return make_conninfo(owner, options=options)
