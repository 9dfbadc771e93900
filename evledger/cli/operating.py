"""`evledger parked`: messages that led to no fact."""

import base64

import click
from psycopg.rows import dict_row

from evledger import listing
from evledger.cli.errors import NoError
from evledger.cli.output import as_json_option, print_json
from evledger.cli.tables import print_fields, print_rows
from evledger.examples import example
from evledger.settings import load_settings
from evledger.wiring import database_url
from ledger.store.connection import NO_TIMEOUT_MS, connect

# What a screen takes of the raw bytes; --json has them all.
SHOWN_BYTES_MAX = 2_000

PARKED = """
SELECT parked_id, kind, reason, topic, partition, "offset", tenant, subject, source, message_id, parked_at
  FROM ledger.parked_messages WHERE outcome = 'PARKED' ORDER BY parked_id
"""

ONE_PARKED = """
SELECT parked_id, outcome, kind, reason, topic, partition, "offset", tenant, subject, source, message_id, parked_at,
       settled_at, record_key, value FROM ledger.parked_messages WHERE parked_id = %s
"""


@click.group(epilog=example("evledger parked list", "evledger parked show 1"))
def parked() -> None:
    """Messages that led to no fact, with their reasons."""


@parked.command("list", epilog=example("evledger parked list --json"))
@as_json_option
def list_parked(as_json: bool) -> None:
    """Messages that wait, were refused, or cannot be read."""
    with (
        connect(database_url(load_settings()), "app", transaction_timeout_ms=NO_TIMEOUT_MS) as connection,
        connection.transaction(),
        connection.cursor("parked", row_factory=dict_row) as rows,
    ):
        rows.itersize = listing.FETCH_ROWS
        rows.execute(PARKED)
        columns = ("parked_id", "kind", "subject", "reason", "parked_at")
        print_rows(rows, columns, as_json, "Parked messages", ("parked_at", "subject"))


@parked.command("show", epilog=example("evledger parked show 1"))
@click.argument("parked_id", type=int)
@as_json_option
def show_parked(parked_id: int, as_json: bool) -> None:
    """One parked message with its raw value."""
    with connect(database_url(load_settings()), "app") as connection:
        row = connection.cursor(row_factory=dict_row).execute(ONE_PARKED, [parked_id]).fetchone()
    if row is None:
        raise NoError(f"no message was parked under {parked_id}: `evledger parked list` shows the numbers")
    if as_json:
        print_json({**row, **_whole("record_key", row["record_key"]), **_whole("value", row["value"])})
        return
    row["record_key"], row["value"] = _shown(row["record_key"]), _shown(row["value"])
    print_fields(row, False, f"Parked message {parked_id}")


def _whole(name: str, raw: bytes | None) -> dict[str, str | None]:
    """All bytes, as `simulate` writes them: a text, or base64 where they are not UTF-8."""
    if raw is None:
        return {name: None}
    try:
        return {name: raw.decode()}
    except UnicodeDecodeError:
        return {name: None, f"{name}_base64": base64.b64encode(raw).decode()}


def _shown(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    more = f" … {len(raw):,} bytes in all" if len(raw) > SHOWN_BYTES_MAX else ""
    return raw[:SHOWN_BYTES_MAX].decode("utf-8", "backslashreplace") + more
