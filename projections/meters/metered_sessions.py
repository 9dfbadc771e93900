"""One row per charging session: its meter, the registers at its start and end, and what was sampled after it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from ledger.session.events import RegisterSubstituted, SessionEnded, SessionHeld, SessionNoted, SessionStarted
from ledger.session.plausibility.rules import ENERGY_AFTER_END, SAMPLE_AFTER_END
from ledger.session.state import message_name
from ledger.store.streams import LoggedFact
from projections.page import Page
from projections.projection import Projection, Write

END = """
UPDATE {table} AS t SET ended_at = u.ended_at, last_register_milliwh = u.last_register_milliwh,
  end_message = u.end_message
FROM json_populate_recordset(NULL::{table}, %s::json) AS u WHERE t.stream_id = u.stream_id
"""

# A register that a person put in place of the start's, or of the end's, counts from then on.
SUBSTITUTE = """
WITH u AS (SELECT * FROM json_to_recordset(%s::json) AS u(stream_id uuid, reading text, register_milliwh bigint))
UPDATE {table} AS t SET
  first_register_milliwh = coalesce((SELECT u.register_milliwh FROM u
    WHERE u.stream_id = t.stream_id AND u.reading = t.start_message), t.first_register_milliwh),
  last_register_milliwh = coalesce((SELECT u.register_milliwh FROM u
    WHERE u.stream_id = t.stream_id AND u.reading = t.end_message), t.last_register_milliwh)
WHERE t.stream_id IN (SELECT u.stream_id FROM u)
"""

# Readings are most of the log, so pages leave them out. That one came after the end is said by what follows from it:
# only then is the session's last sample looked up, as it was stored by that position.
SAMPLED = """
UPDATE {table} AS t SET sampled_at = s.sampled_at, sampled_register_milliwh = s.register_milliwh
FROM json_to_recordset(%s::json) AS u(stream_id uuid, position bigint), LATERAL (
  SELECT (f.fact ->> 'occurred_at')::timestamptz AS sampled_at, (f.fact ->> 'register_milliwh')::bigint
    AS register_milliwh
  FROM ledger.session_events e, LATERAL (SELECT convert_from(e.state, 'UTF8')::jsonb AS fact) f
  WHERE e.originator_id = u.stream_id AND e.topic = 'session.MeterRecorded' AND e.notification_id <= u.position
  ORDER BY 1 DESC, 2 DESC LIMIT 1) s
WHERE t.stream_id = u.stream_id
"""

AFTER_END = frozenset({SAMPLE_AFTER_END, ENERGY_AFTER_END})


class MeteredSession(msgspec.Struct, kw_only=True):
    """A row of `projection.metered_sessions`."""

    stream_id: UUID
    tenant: str
    session_id: str
    meter_id: str
    started_at: datetime
    first_register_milliwh: int
    start_message: str


class SessionEnd(msgspec.Struct, kw_only=True):
    """What an end changes of a row; the last one counts."""

    stream_id: UUID
    ended_at: datetime
    last_register_milliwh: int
    end_message: str


class Substituted(msgspec.Struct, kw_only=True):
    """Another register for the message `reading`; the last one counts."""

    stream_id: UUID
    reading: str
    register_milliwh: int


class SampledAfterEnd(msgspec.Struct, kw_only=True):
    """By this position of the log the session has a sample after its end."""

    stream_id: UUID
    position: int


def to_writes(page: Page) -> list[Write]:
    """Insert the sessions that start in the page, then say where they ended, and what was found out after that."""
    starts = [_start(e.stream, e.fact) for e in page.entries if isinstance(e.fact, SessionStarted)]
    ends = {e.stream: _end(e.stream, e.fact) for e in page.entries if isinstance(e.fact, SessionEnded)}
    return [
        Write(starts),
        Write(list(ends.values()), END),
        Write(_substituted(page.entries), SUBSTITUTE),
        Write(_sampled(page.entries), SAMPLED),
    ]


def _start(stream: UUID, fact: SessionStarted) -> MeteredSession:
    return MeteredSession(
        stream_id=stream,
        tenant=fact.tenant,
        session_id=fact.session_id,
        meter_id=fact.meter_id,
        started_at=fact.occurred_at,
        first_register_milliwh=fact.register_milliwh,
        start_message=message_name(fact),
    )


def _end(stream: UUID, fact: SessionEnded) -> SessionEnd:
    return SessionEnd(
        stream_id=stream,
        ended_at=fact.occurred_at,
        last_register_milliwh=fact.register_milliwh,
        end_message=message_name(fact),
    )


def _substituted(entries: Iterable[LoggedFact]) -> list[Substituted]:
    last = {(e.stream, e.fact.reading): e.fact for e in entries if isinstance(e.fact, RegisterSubstituted)}
    return [
        Substituted(stream_id=stream, reading=reading, register_milliwh=fact.register_milliwh)
        for (stream, reading), fact in last.items()
    ]


def _sampled(entries: Iterable[LoggedFact]) -> list[SampledAfterEnd]:
    last = {e.stream: e.position for e in entries if _has_sample_after_end(e)}
    return [SampledAfterEnd(stream_id=stream, position=position) for stream, position in last.items()]


def _has_sample_after_end(entry: LoggedFact) -> bool:
    fact = entry.fact
    return isinstance(fact, SessionHeld | SessionNoted) and any(each.code in AFTER_END for each in fact.verdicts)


METERED_SESSIONS = Projection(
    "metered_sessions",
    "session",
    (SessionStarted, SessionEnded, SessionHeld, SessionNoted, RegisterSubstituted),
    to_writes,
)
