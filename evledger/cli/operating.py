"""`evledger parked`: messages that led to no fact, and what a person does about them."""

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from psycopg.rows import dict_row

from evledger import listing
from evledger.cli.errors import NoError
from evledger.cli.output import as_json_option, print_json
from evledger.cli.reasons import one_line, reason_option
from evledger.cli.tables import print_fields, print_rows
from evledger.examples import example
from evledger.settings import load_settings
from evledger.wiring import database_url, message_reader, open_ledger
from ledger.application import Ledger
from ledger.intake.events import MessageDiscarded
from ledger.parking_desk import ParkingDesk
from ledger.store.connection import NO_TIMEOUT_MS, connect, logged_in
from ledger.store.parking import Settled, parked_after, still_parked
from ledger.store.positions import INGEST_GROUP
from ledger.values.refusal import RefusedError

# Messages that are tried again in one transaction: with 256 KiB each they still fit into memory.
RETRIED_AT_ONCE = 200

# What a screen takes of the raw bytes; --json has them all.
SHOWN_BYTES_MAX = 2_000

PARKED = """
SELECT parked_id, kind, reason, topic, partition, "offset", tenant, subject, source, message_id, parked_at
  FROM ledger.parked_messages WHERE outcome = 'PARKED' ORDER BY parked_id
"""

ONE_PARKED = """
SELECT parked_id, outcome, kind, reason, topic, partition, "offset", tenant, subject, source, message_id, parked_at,
       settled_at, settled_by, settled_because, record_key, value FROM ledger.parked_messages WHERE parked_id = %s
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


@parked.command(
    "retry",
    short_help="Handle parked messages once more.",
    epilog=example("evledger parked retry 17", "evledger parked retry --all"),
)
@click.argument("parked_ids", type=int, nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that are parked.")
@as_json_option
def retry_parked(parked_ids: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Handle parked messages as if they came now; exit 1 when one stays parked.

    What waits for something is tried again by itself when that arrives: retry what was refused, after what spoke
    against it has changed, or what an older version of the program could not read.
    """
    if bool(parked_ids) == every:
        raise click.UsageError("name the messages by their numbers, or give --all")
    settings = load_settings()
    with open_ledger(settings) as ledger:
        desk = ParkingDesk(ledger, message_reader(settings).read, settings.legal_entity, settings.rules)
        actor, _ = logged_in(ledger.connection)
        groups = (INGEST_GROUP, settings.kafka_group)
        pages = _pages(ledger, groups) if every else _named(ledger, groups, parked_ids)
        outcomes = [settled for page in pages for settled in desk.retry(page, actor)]
    _print_retried(outcomes, as_json)


def _pages(ledger: Ledger, groups: Sequence[str]) -> Iterator[list[int]]:
    """All that are parked by these groups, some at a time; each once, also those that stay parked."""
    last = 0
    while page := parked_after(ledger.connection, groups, last, RETRIED_AT_ONCE):
        yield page
        last = page[-1]


def _named(ledger: Ledger, groups: Sequence[str], parked_ids: Sequence[int]) -> Iterable[list[int]]:
    """These messages, if each of them is parked, and was read by one of these groups."""
    ids = sorted(set(parked_ids))
    known = {row.parked_id for row in still_parked(ledger.connection, ids) if row.group in groups}
    if missing := [str(number) for number in ids if number not in known]:
        raise NoError(
            f"not parked, or not for this command: {', '.join(missing)}; `evledger parked list` shows what is parked "
            "(frames of the OCPP adapter are tried again when what they wait for arrives)"
        )
    return [ids[first : first + RETRIED_AT_ONCE] for first in range(0, len(ids), RETRIED_AT_ONCE)]


def _print_retried(outcomes: Sequence[Settled], as_json: bool) -> None:
    rows = [{"parked_id": s.parked_id, "outcome": s.outcome, "kind": s.kind, "reason": s.reason} for s in outcomes]
    counts = Counter(settled.outcome for settled in outcomes)
    total = {
        "retried": len(rows),
        "appended": counts["APPENDED"],
        "duplicates": counts["DUPLICATE"],
        "parked": counts["PARKED"],
    }
    if as_json:
        print_json({**total, "messages": rows})
    else:
        print_rows(rows, ("parked_id", "outcome", "reason"), False, "Tried again")
    if total["parked"]:
        raise NoError(f"of {total['retried']:,} messages, {total['parked']:,} stay parked")


@parked.command(
    "discard",
    short_help="Decide that parked messages lead to nothing.",
    epilog=example('evledger parked discard 17 --reason "sent by a test station"'),
)
@click.argument("parked_ids", type=int, nargs=-1, required=True)
@reason_option
@as_json_option
def discard_parked(parked_ids: tuple[int, ...], reason: str, as_json: bool) -> None:
    """Decide that parked messages lead to nothing, for good, all or none; exit 1 when one is parked no longer."""
    because = one_line(reason)
    settings = load_settings()
    with open_ledger(settings) as ledger:
        desk = ParkingDesk(ledger, message_reader(settings).read, settings.legal_entity, settings.rules)
        actor, _ = logged_in(ledger.connection)
        try:
            facts = desk.discard(sorted(set(parked_ids)), actor, datetime.now(UTC), because)
        except RefusedError as refusal:
            raise NoError(str(refusal)) from None
    rows = [_discarded(parked_id, fact) for parked_id, fact in facts.items()]
    if as_json:
        print_json({"discarded": len(rows), "messages": rows})
    else:
        print_rows(rows, ("parked_id", "topic", "offset", "reason", "actor"), False, "Discarded")


def _discarded(parked_id: int, fact: MessageDiscarded) -> dict[str, Any]:
    place = {"topic": fact.topic, "partition": fact.partition, "offset": fact.offset}
    return {"parked_id": parked_id, **place, "reason": fact.reason, "because": fact.because, "actor": fact.actor}


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
