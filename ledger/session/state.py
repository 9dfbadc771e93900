"""One charging session as its facts tell it so far.

The fold works in place: its cost per fact stays constant however long the session is, and a state belongs to one
cache that drops it when a batch fails (decision 0004). Facts themselves are frozen and shared.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from ledger.session.events import (
    HoldReason,
    HoldSettled,
    MeterRecorded,
    SessionEnded,
    SessionHeld,
    SessionRated,
    SessionStarted,
    StateChanged,
)
from ledger.store.fact import Fact

instant_of = attrgetter("occurred_at")


class Session:
    """Readings and states in the order of their instants, though they were stored in the order of arrival.

    `readings` are by (instant, register, context, name), `states` by (instant, seq_no, state, name), so that the
    order does not depend on arrival.
    """

    __slots__ = ("ended", "held", "rated", "readings", "started", "states")

    def __init__(self) -> None:
        self.started: SessionStarted | None = None
        self.ended: SessionEnded | None = None
        self.readings: list[MeterRecorded] = []
        self.states: list[StateChanged] = []
        self.held: set[HoldReason] = set()
        self.rated: SessionRated | None = None

    def readings_within(self, start: datetime, end: datetime) -> list[MeterRecorded]:
        """The readings from `start` to `end`, both inclusive: of what lies outside nothing counts for energy."""
        first = bisect_left(self.readings, start, key=instant_of)
        return self.readings[first : bisect_right(self.readings, end, key=instant_of)]


def reading_order(reading: MeterRecorded) -> tuple[datetime, int, str, str, str]:
    """The place of a reading among all: a register does not fall, so of one instant the smaller comes first."""
    return reading.occurred_at, reading.register_milliwh, reading.context or "", reading.source, reading.message_id


def state_order(state: StateChanged) -> tuple[datetime, int, str, str, str]:
    """The place of a state among all: by instant, then by the station's own numbering."""
    seq_no = -1 if state.seq_no is None else state.seq_no
    return state.occurred_at, seq_no, state.charging_state, state.source, state.message_id


def evolve(session: Session, fact: Fact) -> None:
    """Fold one fact into the session. Raises KeyError on a fact that is not about sessions."""
    FOLDS[type(fact)](session, fact)


def _started(session: Session, fact: SessionStarted) -> None:
    session.started = fact


def _recorded(session: Session, fact: MeterRecorded) -> None:
    readings = session.readings
    if not readings or readings[-1].occurred_at < fact.occurred_at:
        readings.append(fact)
    else:
        insort(readings, fact, key=reading_order)


def _changed(session: Session, fact: StateChanged) -> None:
    insort(session.states, fact, key=state_order)


def _ended(session: Session, fact: SessionEnded) -> None:
    session.ended = fact


def _held(session: Session, fact: SessionHeld) -> None:
    session.held.update(fact.reasons)


def _settled(session: Session, fact: HoldSettled) -> None:
    session.held.difference_update(fact.reasons)


def _rated(session: Session, fact: SessionRated) -> None:
    session.rated = fact


FOLDS: dict[type[Fact], Callable[[Session, Any], None]] = {
    SessionStarted: _started,
    MeterRecorded: _recorded,
    StateChanged: _changed,
    SessionEnded: _ended,
    SessionHeld: _held,
    HoldSettled: _settled,
    SessionRated: _rated,
}
