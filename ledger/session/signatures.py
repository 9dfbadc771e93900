"""What the signed readings of an ended session are worth: asked of the meter's room, and kept as a fact. Pure."""

from bisect import bisect_right
from collections.abc import Iterator

from ledger.meter.judging import SIGNATURE_CODES, MeteredSession, SignedReading, judge
from ledger.meter.policy import is_signing_required
from ledger.meter.signed_value import Stated
from ledger.meter.state import Meter
from ledger.session.decide import as_reported
from ledger.session.events import HoldReason, MeterRecorded, SessionEnded, SessionStarted, SignaturesVerified
from ledger.session.state import Session, instant_of, message_name
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.model import Dimension

_BY_TIME = frozenset({Dimension.TIME, Dimension.PARKING_TIME})


def concerns_signatures(session: Session, started: SessionStarted) -> bool:
    """Whether there is something to verify, or the country wants something to be there."""
    return session.is_signed or is_signing_required(started.country)


def verify_signatures(
    session: Session, started: SessionStarted, ended: SessionEnded, meter: Meter, tariff: CompiledTariff | None
) -> SignaturesVerified | None:
    """The judgement on an ended session; None where nothing was signed and nobody wants a signature.

    Messages are judged by what they said, in the meter's unit: a register that a person put in place of another one, or
    that was continued over an exchange, was never signed.
    """
    readings = tuple(signed_readings(session, started))
    metered = MeteredSession(
        begin=_stated(session, started, started),
        end=_stated(session, started, ended),
        readings=readings,
        country=started.country,
        by_time=tariff is None or is_by_time(tariff),
    )
    judgement = judge(metered, meter)
    if not readings and not judgement.holds:
        return None
    return SignaturesVerified(
        tenant=started.tenant,
        session_id=started.session_id,
        occurred_at=ended.occurred_at,
        meter_id=started.meter_id,
        judgement=judgement,
    )


def signature_holds(session: Session, verified: SignaturesVerified | None) -> set[HoldReason]:
    """The pairs that a judgement holds by; none once a person has settled one of this kind."""
    if verified is None or any(reason.code in SIGNATURE_CODES for reason in session.settled):
        return set()
    return {HoldReason(code=hold.code, because=hold.because) for hold in verified.judgement.holds}


def is_by_time(tariff: CompiledTariff) -> bool:
    """Whether some price of the tariff goes by time."""
    return any(part.dimension in _BY_TIME for element in tariff.tariff.elements for part in element.components)


def signed_readings(session: Session, started: SessionStarted) -> Iterator[SignedReading]:
    """In sample order, the end last: also one from just before the start, which often shows where the session began.

    None from after the end.
    """
    ended, readings = session.ended, session.readings
    until = len(readings) if ended is None else bisect_right(readings, ended.occurred_at, key=instant_of)
    facts: list[MeterRecorded | SessionEnded] = [*readings[:until], *filter(None, [ended])]
    for fact in facts:
        if fact.signed is not None:
            yield SignedReading(
                message=message_name(fact),
                stated=_stated(session, started, fact),
                encoding=fact.signed.encoding,
                data=fact.signed.data,
                carried_key=fact.signed.public_key,
            )


def _stated(session: Session, started: SessionStarted, fact: SessionStarted | MeterRecorded | SessionEnded) -> Stated:
    register_milliwh = session.converted.get(message_name(fact), as_reported(session, fact).register_milliwh)
    return Stated(register_milliwh, fact.occurred_at, started.meter_id)
