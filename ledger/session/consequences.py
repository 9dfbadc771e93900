"""What follows from a session's facts: it is held, or rated, or rated anew, or a hold is settled. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ledger.session.decide import PRICE_MISSING, UNRATABLE, VAT_UNKNOWN, hold_reasons
from ledger.session.events import HoldReason, HoldSettled, SessionEnded, SessionHeld, SessionRated, SessionStarted
from ledger.session.pricing import Pricing, Slots
from ledger.session.rating import is_another, rate_session
from ledger.session.state import Session
from ledger.store.fact import Fact
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.pricer import NO_SLOTS
from ledger.tariff.spot import PriceMissingError


class Consequences(NamedTuple):
    """The facts that follow, and the price that is missing, if it is one."""

    facts: list[Fact]
    missing: PriceMissingError | None = None


def consequences(session: Session, tariff: CompiledTariff | None, slots: Slots = NO_SLOTS) -> Consequences:
    """No facts when nothing changes. A hold comes before the cost, so that no reader bills too early.

    `tariff` is the pinned one, None where there is none or the session has not ended; `slots` are the spot prices of
    the series that it follows. A cost that was kept back by a missing price settles that hold.
    """
    reasons = set(hold_reasons(session))
    started, ended = session.started, session.ended
    rated, missing = None, None
    if started is not None and ended is not None and tariff is not None and _is_ratable(session, reasons):
        try:
            rated = rate_session(session, started, ended, Pricing(tariff, slots=slots))
        except PriceMissingError as error:
            missing = error
            reasons.add(HoldReason(code=PRICE_MISSING, because=f"series {error.series}"))
    return Consequences(list(_facts(session, reasons, rated)), missing)


def _is_ratable(session: Session, reasons: set[HoldReason]) -> bool:
    return not any(reason.code in UNRATABLE for reason in reasons | session.held)


def _facts(session: Session, reasons: set[HoldReason], rated: SessionRated | None) -> Iterator[Fact]:
    settled: set[HoldReason] = set()
    if rated is not None:
        settled = {reason for reason in session.held if reason.code == PRICE_MISSING}
        if rated.vat_unknown:
            reasons.add(HoldReason(code=VAT_UNKNOWN, because=f"tariff {rated.tariff_pin.tariff_id}"))
    if settled:
        yield _settled(session, settled)
    if reasons - session.held:
        yield _held(session, reasons - session.held)
    if rated is not None and (settled or is_another(session.rated, rated)):
        codes = {reason.code for reason in (reasons | session.held) - settled}
        yield msgspec.structs.replace(rated, holds=tuple(sorted(codes)))


def _held(session: Session, reasons: set[HoldReason]) -> SessionHeld:
    started, last = _ends(session)
    return SessionHeld(
        tenant=started.tenant,
        session_id=started.session_id,
        occurred_at=last.occurred_at,
        reasons=_ordered(reasons),
    )


def _settled(session: Session, reasons: set[HoldReason]) -> HoldSettled:
    started, last = _ends(session)
    return HoldSettled(
        tenant=started.tenant,
        session_id=started.session_id,
        occurred_at=last.occurred_at,
        reasons=_ordered(reasons),
        because="the price was published",
    )


def _ends(session: Session) -> tuple[SessionStarted, SessionStarted | SessionEnded]:
    started = session.started
    if started is None:
        raise ValueError("a session without a start cannot be held")
    return started, session.ended or started


def _ordered(reasons: set[HoldReason]) -> tuple[HoldReason, ...]:
    return tuple(sorted(reasons, key=lambda reason: (reason.code, reason.because)))
