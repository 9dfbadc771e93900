"""`evledger db`, `evledger migrate`."""

import os
import shutil
from urllib.parse import quote, unquote

import click

from evledger.cli.errors import UnusableError
from evledger.cli.output import as_json_option, print_json
from evledger.embedded import stop as stop_server
from evledger.examples import example
from evledger.migrate import migrate as migrate_database
from evledger.settings import load_settings
from evledger.wiring import database_url, psql_path, server_url
from ledger.store.connection import ROLES, conninfo


@click.group(epilog=example('psql "$(evledger db url --role finance)"', "evledger db stop"))
def db() -> None:
    """The database in use."""


@db.command(
    short_help="Print the connection URL.",
    epilog=example("""psql "$(evledger db url --role finance)" -c 'SELECT * FROM finance.invoice_register'"""),
)
@click.option("--role", type=click.Choice(["owner", *ROLES]), default="owner", show_default=True, help="Whose rights.")
@as_json_option
def url(role: str, as_json: bool) -> None:
    """Print the connection URL, and nothing else, starting the embedded server if need be."""
    owner = database_url(load_settings())
    found = owner if role == "owner" else with_role(owner, role)
    if as_json:
        print_json({"url": found, "role": role})
    else:
        click.echo(found)


@db.command(
    short_help="A shell on the database.",
    context_settings={"ignore_unknown_options": True},
    epilog=example("evledger db psql", r"evledger db psql -c '\dv finance.*'"),
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """A shell on the database; arguments are passed on to psql."""
    settings = load_settings()
    owner = database_url(settings)
    program = psql_path() if settings.database_url is None else shutil.which("psql")
    if program is None:
        raise UnusableError("psql is not installed: install PostgreSQL's client, or use another with `evledger db url`")
    os.execv(program, [str(program), owner, *arguments])  # noqa: S606 - the user asked for this very program


@db.command(epilog=example("evledger db stop"))
@as_json_option
def stop(as_json: bool) -> None:
    """Stop the embedded server."""
    stopped = stop_server(load_settings().home)
    if as_json:
        print_json({"stopped": stopped})
    else:
        click.echo("stopped" if stopped else "no embedded server was running")


@click.command(
    short_help="Bring the database to the newest schema.",
    epilog=example("EVLEDGER_DATABASE_URL=postgresql://evledger_owner@db.example/evledger evledger migrate"),
)
@as_json_option
def migrate(as_json: bool) -> None:
    """Bring the database to the newest schema, as the URL's user."""
    names = migrate_database(conninfo(server_url(load_settings())))
    if as_json:
        print_json({"applied": names})
    else:
        click.echo(", ".join(names) or "the schema is current")


def with_role(url: str, role: str) -> str:
    """The URL whose connections begin with the rights of a role; options that it has already stay."""
    base, _, query = url.partition("?")
    given = dict(pair.split("=", 1) for pair in query.split("&") if pair)
    options = f"{unquote(given.get('options', ''))} -c role=evledger_{role}".strip()
    return f"{base}?" + "&".join(f"{name}={value}" for name, value in {**given, "options": quote(options)}.items())
