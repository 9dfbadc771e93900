"""One row per charging session: its meter, and the registers at its start and end."""

from datetime import datetime
from uuid import UUID

import msgspec

from ledger.session.events import SessionEnded, SessionStarted
from projections.page import Page
from projections.projection import Projection, Write

END = """
UPDATE {table} AS t SET ended_at = u.ended_at, last_register_milliwh = u.last_register_milliwh
FROM json_populate_recordset(NULL::{table}, %s::json) AS u WHERE t.stream_id = u.stream_id
"""


class MeteredSession(msgspec.Struct, kw_only=True):
    """A row of `projection.metered_sessions`."""

    stream_id: UUID
    tenant: str
    session_id: str
    meter_id: str
    started_at: datetime
    first_register_milliwh: int


class SessionEnd(msgspec.Struct, kw_only=True):
    """What an end changes of a row; the last one counts."""

    stream_id: UUID
    ended_at: datetime
    last_register_milliwh: int


def to_writes(page: Page) -> list[Write]:
    """Insert the sessions that start in the page, then say where they ended."""
    starts: list[MeteredSession] = []
    ends: dict[UUID, SessionEnd] = {}
    for entry in page.entries:
        if isinstance(entry.fact, SessionStarted):
            starts.append(_row(entry.stream, entry.fact))
        elif isinstance(entry.fact, SessionEnded):
            at, register_milliwh = entry.fact.occurred_at, entry.fact.register_milliwh
            ends[entry.stream] = SessionEnd(stream_id=entry.stream, ended_at=at, last_register_milliwh=register_milliwh)
    return [Write(starts), Write(list(ends.values()), END)]


def _row(stream: UUID, fact: SessionStarted) -> MeteredSession:
    return MeteredSession(
        stream_id=stream,
        tenant=fact.tenant,
        session_id=fact.session_id,
        meter_id=fact.meter_id,
        started_at=fact.occurred_at,
        first_register_milliwh=fact.register_milliwh,
    )


METERED_SESSIONS = Projection("metered_sessions", "session", (SessionStarted, SessionEnded), to_writes)
