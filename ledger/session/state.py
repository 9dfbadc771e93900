"""One charging session as its facts tell it so far.

The fold works in place: its cost per fact stays constant however long the session is, and a state belongs to one
cache that drops it when a batch fails (decision 0004). Facts themselves are frozen and shared.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from msgspec.structs import replace

from ledger.session.events import (
    ConvertedRegister,
    HoldReason,
    MeterRecorded,
    RegistersConverted,
    RegisterSubstituted,
    SessionEnded,
    SessionHeld,
    SessionNoted,
    SessionRated,
    SessionReleased,
    SessionStarted,
    SessionWaived,
    SignaturesVerified,
    StateChanged,
    Verdict,
)
from ledger.store.fact import Fact, FromMessage

instant_of = attrgetter("occurred_at")

Registered = TypeVar("Registered", SessionStarted, MeterRecorded, SessionEnded)


class Session:
    """Readings and states in the order of their instants, though they were stored in the order of arrival.

    `readings` are by (instant, register, context, name), `states` by (instant, seq_no, state, name), so that the
    order does not depend on arrival. `held` are the pairs that hold the session now, `settled` those that will not hold
    it again, `noted` those that never did. Where another register counts than the reported one, the facts here carry
    that one, and `reported` keeps the fact as it came, by message (`source id`); of these, `converted` has what the
    meter showed, by message, where no person but a rule about the meter put the register there. `is_signed`: something
    came with a signature; `verified` is the last judgement on that.
    """

    __slots__ = (
        "converted", "converted_because", "ended", "held", "is_signed", "is_waived", "noted", "rated", "readings",
        "reported", "settled", "started", "states", "verified",
    )  # fmt: skip

    def __init__(self) -> None:
        self.started: SessionStarted | None = None
        self.ended: SessionEnded | None = None
        self.readings: list[MeterRecorded] = []
        self.states: list[StateChanged] = []
        self.held: set[HoldReason] = set()
        self.settled: set[HoldReason] = set()
        self.noted: set[HoldReason] = set()
        self.is_waived = False
        self.reported: dict[str, FromMessage] = {}
        self.converted: dict[str, int] = {}
        self.converted_because: tuple[str, ...] = ()
        self.rated: SessionRated | None = None
        self.is_signed = False
        self.verified: SignaturesVerified | None = None

    def readings_within(self, start: datetime, end: datetime) -> Sequence[MeterRecorded]:
        """The readings from `start` to `end`, both inclusive: of what lies outside nothing counts for energy.

        To be looked at only: mostly these are all.
        """
        readings = self.readings
        if not readings or (start <= readings[0].occurred_at and readings[-1].occurred_at <= end):
            return readings
        first = bisect_left(readings, start, key=instant_of)
        return readings[first : bisect_right(readings, end, key=instant_of)]


def reading_order(reading: MeterRecorded) -> tuple[datetime, int, str, str, str]:
    """The place of a reading among all: a register does not fall, so of one instant the smaller comes first."""
    return reading.occurred_at, reading.register_milliwh, reading.context or "", reading.source, reading.message_id


def state_order(state: StateChanged) -> tuple[datetime, int, str, str, str]:
    """The place of a state among all: by instant, then by the station's own numbering."""
    seq_no = -1 if state.seq_no is None else state.seq_no
    return state.occurred_at, seq_no, state.charging_state, state.source, state.message_id


def message_name(fact: FromMessage) -> str:
    """A message as reasons and readings name it: `source id`."""
    return f"{fact.source} {fact.message_id}"


def reason_of(verdict: Verdict) -> HoldReason:
    """The pair of code and message that a verdict is known by."""
    return HoldReason(code=verdict.code, because=verdict.because)


def evolve(session: Session, fact: Fact) -> None:
    """Fold one fact into the session. Raises KeyError on a fact that is not about sessions."""
    FOLDS[type(fact)](session, fact)


def record_later(session: Session, later: Sequence[MeterRecorded]) -> None:
    """Fold readings that are each later than the one before, and than all that are known."""
    session.readings.extend(later)
    session.is_signed = session.is_signed or any(reading.signed is not None for reading in later)


def _started(session: Session, fact: SessionStarted) -> None:
    session.started = fact


def _recorded(session: Session, fact: MeterRecorded) -> None:
    readings = session.readings
    if fact.signed is not None:
        session.is_signed = True
    if not readings or readings[-1].occurred_at < fact.occurred_at:
        readings.append(fact)
    else:
        insort(readings, fact, key=reading_order)


def _changed(session: Session, fact: StateChanged) -> None:
    insort(session.states, fact, key=state_order)


def _ended(session: Session, fact: SessionEnded) -> None:
    session.ended = fact
    if fact.signed is not None:
        session.is_signed = True


def _verified(session: Session, fact: SignaturesVerified) -> None:
    session.verified = fact


def _held(session: Session, fact: SessionHeld) -> None:
    session.held.update(fact.reasons)


def _noted(session: Session, fact: SessionNoted) -> None:
    session.noted.update(reason_of(verdict) for verdict in fact.verdicts)


def _released(session: Session, fact: SessionReleased) -> None:
    session.held.difference_update(fact.reasons)
    if fact.actor is not None:
        session.settled.update(fact.reasons)
        session.is_waived = False


def _waived(session: Session, _fact: SessionWaived) -> None:
    session.is_waived = True


def _substituted(session: Session, fact: RegisterSubstituted) -> None:
    started, ended = session.started, session.ended
    if started is not None and message_name(started) == fact.reading:
        session.started = _with_register(session, started, fact)
    elif ended is not None and message_name(ended) == fact.reading:
        session.ended = _with_register(session, ended, fact)
    else:
        (place,) = [n for n, reading in enumerate(session.readings) if message_name(reading) == fact.reading]
        insort(session.readings, _with_register(session, session.readings.pop(place), fact), key=reading_order)


def _converted(session: Session, fact: RegistersConverted) -> None:
    session.converted_because = fact.because
    of = {each.reading: each for each in fact.registers}
    if session.started is not None:
        session.started = _with_conversion(session, session.started, of)
    session.readings = sorted((_with_conversion(session, r, of) for r in session.readings), key=reading_order)
    if session.ended is not None:
        session.ended = _with_conversion(session, session.ended, of)


def _with_conversion(session: Session, read: Registered, of: Mapping[str, ConvertedRegister]) -> Registered:
    """What counts for a message from now on: its conversion, or what it said; a person's word stays."""
    name = message_name(read)
    if name in session.reported and name not in session.converted:
        return read
    session.converted.pop(name, None)
    reported = session.reported.pop(name, read)
    conversion = of.get(name)
    if conversion is None:
        return replace(read, register_milliwh=_register_of(reported))
    session.reported[name] = reported
    session.converted[name] = conversion.shown_milliwh
    return replace(read, register_milliwh=conversion.register_milliwh)


def _register_of(reported: FromMessage) -> int:
    if not isinstance(reported, SessionStarted | MeterRecorded | SessionEnded):
        raise TypeError(f"{type(reported).__name__} has no register")
    return reported.register_milliwh


def _with_register(session: Session, read: Registered, fact: RegisterSubstituted) -> Registered:
    session.reported.setdefault(fact.reading, read)
    session.converted.pop(fact.reading, None)
    return replace(read, register_milliwh=fact.register_milliwh)


def _rated(session: Session, fact: SessionRated) -> None:
    session.rated = fact


FOLDS: dict[type[Fact], Callable[[Session, Any], None]] = {
    SessionStarted: _started,
    MeterRecorded: _recorded,
    StateChanged: _changed,
    SessionEnded: _ended,
    SessionHeld: _held,
    SessionNoted: _noted,
    SessionReleased: _released,
    SessionWaived: _waived,
    RegisterSubstituted: _substituted,
    RegistersConverted: _converted,
    SignaturesVerified: _verified,
    SessionRated: _rated,
}
