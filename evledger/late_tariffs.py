"""What `tariff late` lists: sessions that a tariff version was published too late for."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from psycopg import Connection

from evledger.listing import FETCH_ROWS
from ledger.audit.late_tariffs import LatePin, LateTariffs
from ledger.session.events import TariffPin
from ledger.values.time import from_instant

# Starts in memory at a time: about 1 kB each.
PAGE_SESSIONS = 1_000

BEGUN_WITHIN = """
SELECT session_id, status, invoice_number FROM finance.session_costs
 WHERE tenant = %s AND started_at <@ (SELECT range_agg(tstzrange(w.since, w.until))
                                        FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS w(since, until))
 ORDER BY started_at, session_id COLLATE "C"
"""


def late_tariffs(connection: Connection[Any], tenant: str) -> Iterator[dict[str, Any]]:
    """Projected sessions whose pinned version would be another one today, in the order of their starts."""
    late = LateTariffs(connection, tenant)
    windows = [window for window in late.windows if window[0] < window[1]]
    with connection.transaction(), connection.cursor("late_tariffs") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(BEGUN_WITHIN, [tenant, [since for since, _ in windows], [until for _, until in windows]])
        while page := list(islice(cursor, PAGE_SESSIONS)):
            found = {pin.session_id: pin for pin in late.among([row[0] for row in page])}
            yield from (_row(found[row[0]], row[1], row[2]) for row in page if row[0] in found)


def _row(late: LatePin, status: str, invoice_number: str | None) -> dict[str, Any]:
    return {
        "session_id": late.session_id,
        "started_at": from_instant(late.started_at),
        "status": status,
        "invoice_number": invoice_number,
        **_version("", late.pinned),
        **_version("today_", late.today),
    }


def _version(prefix: str, pin: TariffPin | None) -> dict[str, Any]:
    return {
        f"{prefix}tariff_id": None if pin is None else pin.tariff_id,
        f"{prefix}tariff_version": None if pin is None else pin.tariff_version,
    }
