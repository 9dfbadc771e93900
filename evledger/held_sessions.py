"""A held session as its facts tell it: what holds it, on which readings that rests, and who did what about it."""

from collections.abc import Iterable
from typing import Any

from psycopg import Connection

from ledger.session.consequences import in_order
from ledger.session.decide import as_reported
from ledger.session.events import (
    HoldReason,
    SessionHeld,
    SessionReleased,
    SessionWaived,
    Verdict,
)
from ledger.session.state import Session, evolve, message_name, reason_of
from ledger.store.fact import Fact
from ledger.store.streams import load_streams
from ledger.values.energy import from_milliwh
from ledger.values.ids import stream_id
from ledger.values.time import from_instant


def held_session(connection: Connection[Any], tenant: str, session_id: str) -> dict[str, Any] | None:
    """Holds, readings and what was done; None for a session that nothing ever held."""
    stream = stream_id(tenant, "session", session_id)
    facts = [fact for _, _, fact in load_streams(connection, "session", {stream: 0})]
    session = Session()
    for fact in facts:
        evolve(session, fact)
    if session.started is None or not any(isinstance(fact, SessionHeld) for fact in facts):
        return None
    return {
        "session_id": session_id,
        "status": _status(session),
        "reasons": list(_reasons(session, facts)),
        "readings": list(_readings(session)),
        "history": [_done(fact) for fact in facts if isinstance(fact, SessionReleased | SessionWaived)],
    }


def _status(session: Session) -> str:
    if session.is_waived:
        return "WAIVED"
    return "HELD" if session.held else "RELEASED"


def _reasons(session: Session, facts: Iterable[Fact]) -> Iterable[dict[str, Any]]:
    verdicts: dict[HoldReason, Verdict] = {}
    signed = _signature_texts(session)
    for fact in facts:
        if isinstance(fact, SessionHeld):
            verdicts.update((reason_of(verdict), verdict) for verdict in fact.verdicts)
    for reason in in_order(session.held):
        verdict = verdicts.get(reason)
        found: dict[str, Any] = {"found": signed[reason]} if reason in signed else {}
        if verdict is not None:
            found = {"found": verdict.found, "readings": list(verdict.readings)}
        yield {"code": reason.code, "because": reason.because, **found}


def _signature_texts(session: Session) -> dict[HoldReason, str]:
    holds = () if session.verified is None else session.verified.judgement.holds
    return {HoldReason(code=hold.code, because=hold.because): hold.text for hold in holds}


def _readings(session: Session) -> Iterable[dict[str, Any]]:
    for fact in (session.started, *session.readings, session.ended):
        if fact is None:
            continue
        reported = as_reported(session, fact).register_milliwh
        name = "counted_kwh" if message_name(fact) in session.converted else "substituted_kwh"
        counts = {} if reported == fact.register_milliwh else {name: from_milliwh(fact.register_milliwh)}
        yield {
            "reading": message_name(fact),
            "at": from_instant(fact.occurred_at),
            "register_kwh": from_milliwh(reported),
            **counts,
        }


def _done(fact: SessionReleased | SessionWaived) -> dict[str, Any]:
    what = "waived" if isinstance(fact, SessionWaived) else "released"
    return {"what": what, "at": from_instant(fact.occurred_at), "because": fact.because, "actor": fact.actor}
