"""What follows from a session's facts: it is held or released, noted, rated, or rated anew. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from ledger.meter.judging import SIGNATURE_CODES
from ledger.session.decide import (
    END_BEFORE_START,
    END_BELOW_START,
    END_ESTIMATED,
    METER_WENT_BACKWARDS,
    PRICE_MISSING,
    UNBILLABLE,
    UNRATABLE,
    VAT_UNKNOWN,
    hold_reasons,
)
from ledger.session.events import (
    HoldReason,
    SessionHeld,
    SessionNoted,
    SessionRated,
    SessionReleased,
    SessionStarted,
    SignaturesVerified,
    Verdict,
)
from ledger.session.plausibility.judge import judge
from ledger.session.plausibility.rules import (
    DEFAULT_RULES,
    ENERGY_AFTER_END,
    ENERGY_BELOW_POWER,
    IMPLAUSIBLE_JUMP,
    POLICIES,
    Rules,
)
from ledger.session.pricing import Pricing, Slots
from ledger.session.rating import is_same_cost, rate_session
from ledger.session.readings import readings_of
from ledger.session.signatures import Meters, signature_holds, verify_signatures
from ledger.session.state import Session, reason_of
from ledger.store.fact import Fact
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.pricer import NO_SLOTS
from ledger.tariff.spot import PriceMissingError

# Reasons that the session's own facts give: where a later fact takes one away, it holds the session no longer.
SELF_EVIDENT = frozenset(
    {END_BEFORE_START, END_BELOW_START, END_ESTIMATED, METER_WENT_BACKWARDS, PRICE_MISSING, *POLICIES, *SIGNATURE_CODES}
)

# Reasons that an exchange, a roll-over or another unit of the meter may explain.
OF_METER = frozenset({END_BELOW_START, METER_WENT_BACKWARDS, IMPLAUSIBLE_JUMP, ENERGY_BELOW_POWER, ENERGY_AFTER_END})

GONE = "what was found is no longer so, after all that has arrived"


class Judged(NamedTuple):
    """The session as it stands: what speaks against billing it, what was found, and its cost where it has one."""

    reasons: set[HoldReason]
    verdicts: list[Verdict]
    rated: SessionRated | None
    missing: PriceMissingError | None = None
    verified: SignaturesVerified | None = None


class Consequences(NamedTuple):
    """The facts that follow, and the price that is missing, if it is one."""

    facts: list[Fact]
    missing: PriceMissingError | None = None


def consequences(  # noqa: PLR0913 - what is known of a session lies in as many places
    session: Session,
    tariff: CompiledTariff | None,
    rules: Rules = DEFAULT_RULES,
    slots: Slots = NO_SLOTS,
    meters: Meters | None = None,
    *,
    is_released: bool = False,
) -> Consequences:
    """No facts when nothing changes. The hold comes before the cost, so no reader bills too early.

    `tariff` is the pinned one, None where there is none or the session has not ended; `slots` are the spot prices of
    the series that it follows; `meters` are the session's, None where they need not be asked. `is_released`: somebody
    has just released the session, so its cost is said again, as one that may be billed. Nothing follows for a waived
    session.
    """
    started = session.started
    if started is None or session.is_waived:
        return Consequences([])
    judged = judge_session(session, tariff, rules, slots, meters)
    return Consequences(list(_facts(session, started, judged, rules, is_released=is_released)), judged.missing)


def _facts(
    session: Session, started: SessionStarted, judged: Judged, rules: Rules, *, is_released: bool
) -> Iterator[Fact]:
    new = {reason for reason in judged.reasons - session.held if not _is_settled(session, reason)}
    gone = {reason for reason in session.held - judged.reasons if reason.code in SELF_EVIDENT}
    held = (session.held | new) - gone
    if judged.verified is not None and judged.verified != session.verified:
        yield judged.verified
    if new:
        yield _held(session, started, new, judged.verdicts, rules)
    if gone:
        yield _released(session, started, gone, held)
    yield from _noted(session, started, judged.verdicts, rules)
    rated, may_now_be_billed = judged.rated, (is_released or bool(gone)) and not held
    if rated is not None and (may_now_be_billed or not is_same_cost(rated, session.rated)):
        yield msgspec.structs.replace(rated, holds=codes_of(held))


def waits_for_meter(session: Session) -> bool:
    """Whether more facts about the meter may lead to another judgement on the session."""
    lacks_key = session.verified is not None and session.verified.judgement.lacks_key
    return lacks_key or any(reason.code in OF_METER for reason in session.held)


def held_for(session: Session, reason: HoldReason) -> Iterator[SessionHeld]:
    """A hold for what no fact of the session says, such as a message that was refused; none for a known pair."""
    known = reason in session.held or reason in session.settled
    if session.started is not None and not session.is_waived and not known:
        yield _held(session, session.started, {reason}, [], DEFAULT_RULES)


def judge_session(
    session: Session,
    tariff: CompiledTariff | None,
    rules: Rules,
    slots: Slots = NO_SLOTS,
    meters: Meters | None = None,
) -> Judged:
    """All that is known of the session now, whatever was settled."""
    judged = _judge_readings(session, tariff, rules, slots)
    started, ended = session.started, session.ended
    if meters is None or started is None or ended is None:
        return judged
    verified = verify_signatures(session, started, ended, meters, tariff)
    return judged._replace(reasons=judged.reasons | signature_holds(session, verified), verified=verified)


def _judge_readings(session: Session, tariff: CompiledTariff | None, rules: Rules, slots: Slots) -> Judged:
    reasons = set(hold_reasons(session))
    started, ended = session.started, session.ended
    if started is None or ended is None:
        return Judged(reasons, [], None)
    readings = readings_of(session, started, ended)
    verdicts = judge(session, started, ended, readings, rules)
    reasons.update(reason_of(verdict) for verdict in verdicts if verdict.policy == "hold")
    if tariff is None or not UNRATABLE.isdisjoint(codes_of(reasons)):
        unknown = {reason for reason in session.held if reason.code == PRICE_MISSING}  # as long as nothing is priced
        return Judged(reasons | unknown, verdicts, None)
    try:
        rated = rate_session(session, Pricing(tariff, slots=slots), readings)
    except PriceMissingError as missing:
        reasons.add(HoldReason(code=PRICE_MISSING, because=f"series {missing.series}"))
        return Judged(reasons, verdicts, None, missing)
    if rated.vat_unknown:
        reasons.add(HoldReason(code=VAT_UNKNOWN, because=f"tariff {rated.tariff_pin.tariff_id}"))
    return Judged(reasons, verdicts, rated)


def _is_settled(session: Session, reason: HoldReason) -> bool:
    return reason in session.settled and reason.code not in UNBILLABLE


def codes_of(reasons: Iterable[HoldReason]) -> tuple[str, ...]:
    """The codes, each once, in their order."""
    return tuple(sorted({reason.code for reason in reasons}))


def in_order(reasons: Iterable[HoldReason]) -> tuple[HoldReason, ...]:
    """The pairs by code and message, so that the same pairs are the same bytes."""
    return tuple(sorted(reasons, key=lambda reason: (reason.code, reason.because)))


def _held(
    session: Session, started: SessionStarted, reasons: set[HoldReason], verdicts: list[Verdict], rules: Rules
) -> SessionHeld:
    found = tuple(verdict for verdict in verdicts if reason_of(verdict) in reasons)
    return SessionHeld(
        tenant=started.tenant,
        session_id=started.session_id,
        occurred_at=(session.ended or started).occurred_at,
        reasons=in_order(reasons),
        verdicts=found,
        plausibility=rules if found else None,
    )


def _released(
    session: Session, started: SessionStarted, reasons: set[HoldReason], held: set[HoldReason]
) -> SessionReleased:
    return SessionReleased(
        tenant=started.tenant,
        session_id=started.session_id,
        occurred_at=(session.ended or started).occurred_at,
        reasons=in_order(reasons),
        because=GONE,
        still_held=codes_of(held),
    )


def _noted(session: Session, started: SessionStarted, verdicts: list[Verdict], rules: Rules) -> Iterator[SessionNoted]:
    new = [verdict for verdict in verdicts if verdict.policy == "note" and reason_of(verdict) not in session.noted]
    if new:
        yield SessionNoted(
            tenant=started.tenant,
            session_id=started.session_id,
            occurred_at=(session.ended or started).occurred_at,
            verdicts=tuple(new),
            plausibility=rules,
        )
