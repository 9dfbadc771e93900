"""The demo: simulated sessions through the handlers that Kafka feeds, to invoices, tables and proofs."""

import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Connection

from consumers.files import file_topic, ingest_file
from consumers.session_log import Biller
from evledger import verification
from evledger.settings import Settings
from evledger.simulator.record import to_lines
from evledger.simulator.simulation import messages
from evledger.wiring import database_url, open_pipeline, owner_name
from ledger.application import Ledger
from ledger.audit.replay import Replayed, replay
from ledger.store.connection import connect
from projections.projector import Projector

TENANT = "default"

Say = Callable[[str], None]

# The instants the demo lives by come from its data: the same figures on any day.
LAST_END = "SELECT max(ended_at) FROM finance.session_costs"
LAST_CLOSE = "SELECT max(period_ends_at) FROM ledger.charges"

LED_TO_FACTS = "SELECT DISTINCT topic FROM ledger.consumer_positions WHERE appended > 0"
HAS_EVENTS = "SELECT EXISTS (SELECT FROM ledger.session_events) OR EXISTS (SELECT FROM ledger.billing_events)"


class DemoRefusedError(Exception):
    """The ledger in use holds something else; nothing was changed."""


class Demonstrated(NamedTuple):
    """The figures in the shape of `demo --json`, without the seconds, and the checks behind `verified`."""

    figures: dict[str, Any]
    checks: list[verification.Check]


def run_demo(settings: Settings, sessions: int, seed: int, say: Say) -> Demonstrated:
    """Everything from messages to proofs.

    Raises DemoRefusedError when the ledger has events that are not those of this very demo.
    """
    say("starting PostgreSQL")
    url = database_url(settings)
    with tempfile.TemporaryDirectory(prefix="evledger-demo-") as folder:
        path = Path(folder) / "messages.jsonl"
        say(f"simulating {sessions:,} charging sessions")
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(to_lines(messages(sessions, seed, False)))
        with closing(connect(url, "app")) as connection:
            _refuse_other_ledger(connection, path)
        _ingest_and_bill(settings, url, path, say)
    say("projecting the tables that finance reads")
    Projector(url).catch_up()
    say("verifying: control totals, completeness, books, replay of every invoice")
    with closing(connect(url, "auditor")) as connection:
        return _figures(connection)


def _ingest_and_bill(settings: Settings, url: str, path: Path, say: Say) -> None:
    with Ledger(url, "app", settings.transaction_timeout_ms) as ledger:
        with open_pipeline(settings, ledger) as pipeline:
            say("ingesting messages through the handlers that Kafka feeds")
            ingest_file(ledger, pipeline, path, owner_name(), lambda _bytes: None)
        Projector(url).catch_up()
        say("issuing invoices and closing the billing period")
        _bill(Biller(ledger, settings.seller_time_zone), url)


def _bill(biller: Biller, url: str) -> None:
    """As of the last end, then as of the last close; a demo of a session or two may have neither."""
    if last_end := _instant(url, LAST_END, "finance"):
        biller.follow(lambda: last_end, lambda _position, _end: None)
    if last_close := _instant(url, LAST_CLOSE, "app"):
        biller.close(TENANT, last_close)


def _instant(url: str, query: str, role: str) -> datetime | None:
    with closing(connect(url, role)) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def _refuse_other_ledger(connection: Connection[Any], path: Path) -> None:
    topic = file_topic(path)
    topics = {name for (name,) in connection.execute(LED_TO_FACTS)}
    has_events = connection.execute(HAS_EVENTS).fetchone() == (True,)
    if has_events and topics != {topic}:
        raise DemoRefusedError(
            "the ledger already has events that are not of this demo: set EVLEDGER_HOME to a new folder, "
            "or run the demo with the sessions and seed that made it"
        )


def _figures(connection: Connection[Any]) -> Demonstrated:
    counts = verification.message_counts(connection)
    completed = verification.completeness_counts(connection, TENANT)
    journal = verification.journal_sums(connection, TENANT)
    replayed = replay(connection, None, lambda _position, _end: None)
    checks = [*verification.checks(counts, completed, journal), _replay_check(replayed)]
    figures = {
        "sessions": verification.session_counts(connection, TENANT),
        "messages": counts,
        "invoices": verification.invoice_sums(connection, TENANT),
        "journal": journal,
        "completeness": completed,
        "verified": all(check.holds for check in checks),
    }
    return Demonstrated(figures, checks)


def _replay_check(replayed: Replayed) -> verification.Check:
    same = replayed.invoices - len(replayed.differences)
    text = f"{same:,} of {replayed.invoices:,} invoices recomputed, the same to the byte"
    return verification.Check("Replay", text, not replayed.differences)
