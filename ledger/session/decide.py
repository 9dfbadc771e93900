"""What may happen to a session: refuse, refuse, return the fact. Pure functions of the session so far."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from ledger.account.events import Terms
from ledger.session.events import (
    HoldReason,
    MeterRecorded,
    SessionEnded,
    SessionStarted,
    StateChanged,
    TariffChoice,
    TariffPin,
)
from ledger.session.state import Session, instant_of, message_name
from ledger.store.fact import FromMessage
from ledger.values.refusal import RefusedError, RepeatedError

NO_TARIFF = "NO_TARIFF"
NOT_YET_PAYABLE = "NOT_YET_PAYABLE"
END_BELOW_START = "END_BELOW_START"
END_BEFORE_START = "END_BEFORE_START"
METER_WENT_BACKWARDS = "METER_WENT_BACKWARDS"
VAT_UNKNOWN = "VAT_UNKNOWN"
END_ESTIMATED = "END_ESTIMATED"
TWO_ENDS = "TWO_ENDS"
PRICE_MISSING = "PRICE_MISSING"

# With one of these there is no energy, or no price, that could be trusted to make a cost.
UNRATABLE = frozenset({NO_TARIFF, END_BELOW_START, END_BEFORE_START, METER_WENT_BACKWARDS})

# With one of these no document can be made, so nobody can release it as it is.
UNBILLABLE = frozenset({*UNRATABLE, NOT_YET_PAYABLE, VAT_UNKNOWN, PRICE_MISSING})

Reported = TypeVar("Reported", bound=FromMessage)

_MESSAGE = {"source": "", "message_id": "", "topic": "", "partition": 0, "offset": 0}


class Unstarted(Exception):  # noqa: N818 - not an error: the message waits
    """The session has no start yet; what is proposed waits for it."""

    def __init__(self) -> None:
        super().__init__("the session has no start yet")


class TwoEndsError(RefusedError):
    """The session ended already, with other data: this end is refused, and the session is held for it (`reason`)."""

    def __init__(self, first: SessionEnded, second: SessionEnded) -> None:
        super().__init__(f"the session has another end already (message {first.message_id})")
        self.reason = _because(TWO_ENDS, second)


class Pins(NamedTuple):
    """What the ledger adds to a start for good: the tariff version that prices it, why that one, and the payer's part.

    `groups`: the payer's memberships; `terms` None: ad hoc; `seller`: unless the start names its own.
    """

    tariff: TariffPin | None = None
    choice: TariffChoice | None = None
    terms: Terms | None = None
    groups: tuple[str, ...] = ()
    seller: str = ""


def start_session(session: Session, proposal: SessionStarted, pins: Pins) -> SessionStarted:
    """The start with its pins.

    Raises RepeatedError when a start with the same data is stored, RefusedError when another one is.
    """
    if session.started is not None:
        first = unpinned(as_reported(session, session.started))
        if _without_message(first) == _without_message(proposal):
            raise RepeatedError
        raise RefusedError(f"the session has another start already (message {first.message_id})")
    return msgspec.structs.replace(
        proposal,
        tariff_pin=pins.tariff,
        tariff_choice=pins.choice,
        terms=pins.terms,
        groups=pins.groups,
        seller=proposal.legal_entity or pins.seller,
    )


def unpinned(started: SessionStarted) -> SessionStarted:
    """The start as its message proposed it."""
    return msgspec.structs.replace(started, tariff_pin=None, tariff_choice=None, terms=None, groups=(), seller=None)


def record_reading(session: Session, reading: MeterRecorded) -> MeterRecorded:
    """The reading. Raises Unstarted, RepeatedError, or RefusedError when it contradicts one of the same instant."""
    if session.started is None:
        raise Unstarted
    readings = session.readings
    if readings and reading.occurred_at <= readings[-1].occurred_at:
        _refuse_contradiction(session, reading)
    return reading


def first_of_the_later(session: Session, readings: Sequence[MeterRecorded]) -> int:
    """The place of the first of these readings that is later than all that were recorded; their number where there is
    none, or the session does not run.

    `readings` are each later than the one before. No rule speaks against recording what comes from that place on.
    """
    if session.started is None or session.ended is not None:
        return len(readings)
    if not session.readings:
        return 0
    return bisect_right(readings, session.readings[-1].occurred_at, key=instant_of)


def change_state(session: Session, change: StateChanged) -> StateChanged:
    """The change of charging state. Raises Unstarted."""
    if session.started is None:
        raise Unstarted
    return change


def end_session(session: Session, end: SessionEnded) -> SessionEnded:
    """The end. Raises Unstarted; RepeatedError or TwoEndsError when the session has ended already.

    One that was only estimated gives way to the real one.
    """
    if session.started is None:
        raise Unstarted
    ended = session.ended
    if ended is None or ended.estimated:
        return end
    first = as_reported(session, ended)
    if _without_message(first) == _without_message(end):
        raise RepeatedError
    raise TwoEndsError(first, end)


def as_reported(session: Session, fact: Reported) -> Reported:
    """A fact of the session as its message reported it, whatever register a person put in its place."""
    reported = session.reported.get(message_name(fact))
    return reported if isinstance(reported, type(fact)) else fact


def hold_reasons(session: Session) -> Iterator[HoldReason]:
    """Why the session, as it stands, may not be billed; judged in sample order, so arrival does not matter."""
    started, ended = session.started, session.ended
    if started is None:
        return
    if started.tariff_pin is None:
        yield _because(NO_TARIFF, started)
    if ended is not None:
        yield from _reasons_at_end(session, started, ended)


def _reasons_at_end(session: Session, started: SessionStarted, ended: SessionEnded) -> Iterator[HoldReason]:
    if ended.estimated:
        yield _because(END_ESTIMATED, ended)
    if ended.occurred_at < started.occurred_at:
        yield _because(END_BEFORE_START, ended)
    if ended.register_milliwh < started.register_milliwh:
        yield _because(END_BELOW_START, ended)
    yield from _fallen_registers(session, started, ended)
    if _is_prepaid_or_ad_hoc(started):
        yield _because(NOT_YET_PAYABLE, started)


def _fallen_registers(session: Session, started: SessionStarted, ended: SessionEnded) -> Iterator[HoldReason]:
    readings = session.readings_within(started.occurred_at, ended.occurred_at)
    registers = [started.register_milliwh, *[reading.register_milliwh for reading in readings], ended.register_milliwh]
    if registers == sorted(registers):  # of all ways to see that nothing fell the fastest
        return
    register = started.register_milliwh
    for reading in readings:
        if reading.register_milliwh < register:
            yield _because(METER_WENT_BACKWARDS, reading)
            return
        register = reading.register_milliwh
    if started.register_milliwh <= ended.register_milliwh < register:
        yield _because(METER_WENT_BACKWARDS, ended)


def _is_prepaid_or_ad_hoc(started: SessionStarted) -> bool:
    return started.terms is None or started.terms.billing == "PREPAID"


def _because(code: str, fact: FromMessage) -> HoldReason:
    return HoldReason(code=code, because=message_name(fact))


def _refuse_contradiction(session: Session, reading: MeterRecorded) -> None:
    for other in session.readings_within(reading.occurred_at, reading.occurred_at):
        if other.context == reading.context:
            first = as_reported(session, other)
            if first.register_milliwh != reading.register_milliwh:
                raise RefusedError("another reading of the same instant and context has another register")
            if _without_message(first) == _without_message(reading):
                raise RepeatedError


def _without_message(fact: FromMessage) -> FromMessage:
    return msgspec.structs.replace(fact, **_MESSAGE)
