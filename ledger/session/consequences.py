"""What follows from a session's facts: it is held, or rated, or rated anew. Pure."""

from collections.abc import Iterator

import msgspec

from ledger.session.decide import UNRATABLE, VAT_UNKNOWN, hold_reasons
from ledger.session.events import HoldReason, SessionHeld, SessionRated
from ledger.session.rating import rate_session
from ledger.session.state import Session
from ledger.store.fact import Fact
from ledger.tariff.compiled import CompiledTariff


def consequences(session: Session, tariff: CompiledTariff | None) -> Iterator[Fact]:
    """The facts that follow, none when nothing changes. The hold comes before the cost, so no reader bills too early.

    `tariff` is the pinned one, None where there is none or the session has not ended.
    """
    reasons = set(hold_reasons(session))
    rated = _rate(session, tariff, reasons)
    if rated is not None and rated.vat_unknown:
        reasons.add(HoldReason(code=VAT_UNKNOWN, because=f"tariff {rated.tariff_pin.tariff_id}"))
    new = reasons - session.held
    if new:
        yield _held(session, new)
    if rated is not None:
        codes = {reason.code for reason in reasons | session.held}
        yield msgspec.structs.replace(rated, holds=tuple(sorted(codes)))


def _rate(session: Session, tariff: CompiledTariff | None, reasons: set[HoldReason]) -> SessionRated | None:
    started, ended = session.started, session.ended
    if started is None or ended is None or tariff is None:
        return None
    if any(reason.code in UNRATABLE for reason in reasons | session.held):
        return None
    return rate_session(session, started, ended, tariff)


def _held(session: Session, reasons: set[HoldReason]) -> SessionHeld:
    started = session.started
    if started is None:
        raise ValueError("a session without a start cannot be held")
    occurred_at = (session.ended or started).occurred_at
    ordered = tuple(sorted(reasons, key=lambda reason: (reason.code, reason.because)))
    return SessionHeld(tenant=started.tenant, session_id=started.session_id, occurred_at=occurred_at, reasons=ordered)
