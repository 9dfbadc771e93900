"""What an instant leads to for a session: time is an input, and no clock is asked. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from ledger.session.consequences import codes_of, in_order
from ledger.session.events import MeterRecorded, SessionEnded, SessionReleased, SessionStarted
from ledger.session.plausibility.rules import SEQ_GAP, Rules
from ledger.session.state import Session
from ledger.store.fact import Fact
from ledger.values.time import from_instant

# Who did it, and the source that its facts name: there is no message.
TICK = "tick"


class Tick(NamedTuple):
    """An instant, and how far the messages of each partition (topic, number) had come by then."""

    at: datetime
    newest: Mapping[tuple[str, int], datetime]
    rules: Rules


def close_unended(session: Session, tick: Tick) -> Iterator[Fact]:
    """The end of a session whose end never came: at its last sample, by estimation; none while it may still come.

    Both the instant and the newest message of the session's partition must be past that sample by the limit: a
    consumer that is behind closes nothing. Samples after the instant do not count.
    """
    started = session.started
    if started is None or session.ended is not None:
        return
    last = _last_sample(session, started, tick.at)
    limit = last.occurred_at + timedelta(seconds=tick.rules.end_wait_s)
    newest = tick.newest.get((started.topic, started.partition))
    if tick.at >= limit and newest is not None and newest >= limit:
        yield SessionEnded(
            source=TICK,
            message_id=from_instant(tick.at),
            topic=TICK,
            partition=0,
            offset=0,
            occurred_at=last.occurred_at,
            register_milliwh=last.register_milliwh,
            reason=f"no end came within {tick.rules.end_wait_s} s",
            estimated=True,
        )


def release_gap(session: Session, tick: Tick) -> Iterator[Fact]:
    """The release of a session that is held only because messages are missing which had time enough to come."""
    started, ended = session.started, session.ended
    gaps = {reason for reason in session.held if reason.code == SEQ_GAP}
    if started is None or ended is None or not gaps or session.is_waived:
        return
    if tick.at >= ended.occurred_at + timedelta(seconds=tick.rules.seq_gap_wait_s):
        yield SessionReleased(
            tenant=started.tenant,
            session_id=started.session_id,
            occurred_at=tick.at,
            reasons=in_order(gaps),
            because=f"what is missing in seq_no did not come within {tick.rules.seq_gap_wait_s} s",
            actor=TICK,
            still_held=codes_of(session.held - gaps),
        )


def _last_sample(session: Session, started: SessionStarted, at: datetime) -> SessionStarted | MeterRecorded:
    samples = session.readings_within(started.occurred_at, at)
    return samples[-1] if samples else started
