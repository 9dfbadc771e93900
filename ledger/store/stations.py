"""Stations as they were configured last: rows that the OCPP adapter reads, and the names of the messages about them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor

from ledger.store.columns import columns

StationName = tuple[str, str, str, str]  # tenant, station id, source, message id


class StationRow(NamedTuple):
    """A message about a station: its name, what it says, and the key under which frames wait for the station."""

    tenant: str
    station_id: str
    source: str
    message_id: str
    content_sha256: str
    configured_at: datetime
    configuration: bytes
    waits_key: UUID


KNOWN = """
SELECT tenant, station_id, source, message_id, content_sha256 FROM ledger.ocpp_station_messages
 WHERE (tenant, station_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""

# Of several messages in a batch the last one of a station counts, as of several batches.
PUT = """
WITH rows AS (
  SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::bytea[],
                       %s::uuid[]) WITH ORDINALITY
    AS r(tenant, station_id, source, message_id, content_sha256, configured_at, configuration, waits_key, n)
), named AS (
  INSERT INTO ledger.ocpp_station_messages SELECT tenant, station_id, source, message_id, content_sha256 FROM rows
)
INSERT INTO ledger.ocpp_stations AS s (tenant, station_id, configured_at, configuration, waits_key)
SELECT DISTINCT ON (tenant, station_id) tenant, station_id, configured_at, configuration, waits_key
  FROM rows ORDER BY tenant, station_id, configured_at DESC, n DESC
ON CONFLICT (tenant, station_id) DO UPDATE
   SET configured_at = excluded.configured_at, configuration = excluded.configuration, stored_at = clock_timestamp()
 WHERE s.configured_at <= excluded.configured_at
"""


def known_station_messages(
    connection: Connection[Any] | Cursor[Any], stations: Iterable[tuple[str, str]]
) -> dict[StationName, str]:
    """The names of all messages about these stations (tenant, id) so far, with the hash of what they said."""
    wanted = list(set(stations))
    if not wanted:
        return {}
    rows = connection.execute(KNOWN, columns(wanted)).fetchall()
    return {(tenant, station_id, source, message_id): sha256 for tenant, station_id, source, message_id, sha256 in rows}


def put_stations(cursor: Cursor[Any], rows: Sequence[StationRow]) -> None:
    """Store new messages about stations; of each station the newest configuration stays.

    Raises UniqueViolation when one of these names was stored meanwhile.
    """
    if rows:
        cursor.execute(PUT, columns(rows))
