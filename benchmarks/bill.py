"""Bill: rated sessions to issued invoices, against binary COPY of the invoices' rows."""

import time
from datetime import UTC, datetime
from typing import Any

import psycopg

from benchmarks.child import in_child
from benchmarks.database import database
from benchmarks.ingest import ingest, write_messages
from consumers.session_log import Biller
from evledger.simulator.benchmark import MESSAGES_PER_SESSION
from ledger.application import Ledger

LONG_AFTER = datetime(2099, 1, 1, tzinfo=UTC)

COPY_IN = "COPY ledger.copied FROM STDIN (FORMAT binary)"
COPY_OUT = "COPY (SELECT * FROM ledger.billing_events WHERE topic = 'invoice.InvoiceIssued') TO STDOUT (FORMAT binary)"


def run(events: int) -> dict[str, Any]:
    """Issue the invoices of the sessions that about `events` messages make; `events` counts sessions billed."""
    with database() as place:
        file = place.folder / "messages.bin"
        write_messages(file, max(events // MESSAGES_PER_SESSION, 1))
        in_child(ingest, place.url, file)
        ours = in_child(bill, place.url)
        limit_per_s = _copy_rate(place.url)
        return {
            **ours,
            "limit_per_s": round(limit_per_s),
            "ratio": round(ours["invoices_per_s"] / limit_per_s, 3),
        }


def bill(url: str) -> dict[str, Any]:
    """The measured work: follow the sessions log, then close all periods."""
    with Ledger(url) as ledger:
        biller = Biller(ledger, "UTC")
        began = time.perf_counter()
        invoices = biller.follow(lambda: LONG_AFTER, lambda _position, _end: None)
        invoices += biller.close("default", LONG_AFTER)
        seconds = time.perf_counter() - began
        row = ledger.connection.execute(
            "SELECT count(*) FROM ledger.charges WHERE invoice_number IS NOT NULL"
        ).fetchone()
    assert row is not None and row[0] > 0
    return {
        "events": row[0],
        "events_per_s": round(row[0] / seconds),
        "invoices": invoices,
        "invoices_per_s": round(invoices / seconds),
    }


def _copy_rate(url: str) -> float:
    """Rows per second of binary COPY of the invoices into a table with the same indexes."""
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.cursor().copy(COPY_OUT) as copy:
            rows = b"".join(bytes(block) for block in copy)
        connection.execute("CREATE TABLE ledger.copied (LIKE ledger.billing_events INCLUDING ALL)")
        began = time.perf_counter()
        with connection.cursor() as cursor:
            with cursor.copy(COPY_IN) as copy:
                copy.write(rows)
            return cursor.rowcount / (time.perf_counter() - began)
