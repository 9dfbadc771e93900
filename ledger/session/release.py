"""A person settles what holds a session: releases it, with other registers if need be, or waives it.

Refuse, refuse, return the facts. Roles: `operator`, and `finance` for what is above a limit or was waived.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from ledger.session.consequences import codes_of, in_order
from ledger.session.decide import UNBILLABLE, as_reported
from ledger.session.events import (
    MeterRecorded,
    RegisterSubstituted,
    SessionEnded,
    SessionRated,
    SessionReleased,
    SessionStarted,
    SessionWaived,
)
from ledger.session.state import Session, message_name
from ledger.store.fact import Fact
from ledger.values.money import minor_to_exact, minor_to_text
from ledger.values.refusal import RefusedError

Role = Literal["operator", "finance"]


class Order(NamedTuple):
    """Who wants it, in which role, when and why."""

    actor: str
    role: Role
    at: datetime
    because: str


class Substitute(NamedTuple):
    """Another register for a reading, which is named by its message: `source id`, or the id alone."""

    reading: str
    register_milliwh: int


def release_session(session: Session, order: Order, substitutes: Iterable[Substitute]) -> Iterator[Fact]:
    """The substituted registers, and the release of every pair that holds the session.

    Raises RefusedError: the session is not held or has not ended, was waived and the role is not finance, or a
    substitute names no reading of it.
    """
    started = _ended(session)
    if not (session.held or session.is_waived):
        raise RefusedError(f"session {started.session_id} is not held")
    if session.is_waived and order.role != "finance":
        raise RefusedError(f"session {started.session_id} was waived: only the role finance may release it")
    for substitute in substitutes:
        yield _substituted(session, started, order, substitute)
    yield SessionReleased(
        tenant=started.tenant,
        session_id=started.session_id,
        occurred_at=order.at,
        reasons=in_order(session.held),
        because=order.because,
        actor=order.actor,
    )


def waive_session(session: Session, order: Order) -> Iterator[Fact]:
    """The waiver of a held session. Raises RefusedError when it is not held, or was waived already."""
    started = _ended(session)
    if session.is_waived:
        raise RefusedError(f"session {started.session_id} was waived already")
    if not session.held:
        raise RefusedError(f"session {started.session_id} is not held")
    yield SessionWaived(
        tenant=started.tenant,
        session_id=started.session_id,
        occurred_at=order.at,
        reasons=in_order(session.held),
        because=order.because,
        actor=order.actor,
    )


def refuse_unbillable(session: Session) -> None:
    """After a release: raises RefusedError where the session still cannot be billed, whoever wants it."""
    codes = sorted(UNBILLABLE.intersection(codes_of(session.held)))
    if codes:
        raise RefusedError(
            f"{', '.join(codes)} cannot be released: give the registers that make it right (--substitute READING=KWH),"
            " or waive the session"
        )


def refuse_above(rated: SessionRated | None, order: Order, amount_max: Decimal) -> None:
    """Raises RefusedError where the cost is for finance to decide on. `amount_max`: in major units of its currency."""
    if rated is None or order.role == "finance":
        return
    if abs(minor_to_exact(rated.amount_minor, rated.currency)) > Fraction(amount_max):
        amount = minor_to_text(rated.amount_minor, rated.currency)
        raise RefusedError(f"{amount} {rated.currency} is above {amount_max:f}: only the role finance may decide on it")


def _ended(session: Session) -> SessionStarted:
    if session.started is None:
        raise RefusedError("no such session is known")
    if session.ended is None:
        raise RefusedError(f"session {session.started.session_id} has not ended yet")
    return session.started


def _substituted(session: Session, started: SessionStarted, order: Order, by: Substitute) -> RegisterSubstituted:
    found = [fact for fact in _registers(session) if by.reading in (message_name(fact), fact.message_id)]
    if len(found) != 1:
        problem = "names no reading" if not found else f"names {len(found)} readings"
        raise RefusedError(f"{by.reading!r} {problem} of session {started.session_id}: `evledger held show` names them")
    return RegisterSubstituted(
        tenant=started.tenant,
        session_id=started.session_id,
        occurred_at=order.at,
        reading=message_name(found[0]),
        register_milliwh=by.register_milliwh,
        reported_milliwh=as_reported(session, found[0]).register_milliwh,
        because=order.because,
        actor=order.actor,
    )


def _registers(session: Session) -> Iterator[SessionStarted | MeterRecorded | SessionEnded]:
    for fact in (session.started, *session.readings, session.ended):
        if fact is not None:
            yield fact
