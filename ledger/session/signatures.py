"""What the signed readings of an ended session are worth: asked of the meter's room, and kept as a fact. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping

import msgspec

from ledger.meter.events import MeterReplaced
from ledger.meter.judging import SIGNATURE_CODES, Leg, MeteredSession, SignedReading, judge
from ledger.meter.policy import is_signing_required
from ledger.meter.signed_value import Stated
from ledger.meter.state import Meter
from ledger.session.decide import as_reported
from ledger.session.events import HoldReason, MeterRecorded, SessionEnded, SessionStarted, SignaturesVerified
from ledger.session.registers import exchange_within, is_after_exchange
from ledger.session.state import Session, instant_of, message_name
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.model import Dimension

_BY_TIME = frozenset({Dimension.TIME, Dimension.PARKING_TIME})

# The last page per context, by meter.
LastPages = Mapping[str, Mapping[str, int]]


class Meters(msgspec.Struct, frozen=True):
    """The meters of a session: the one it began on, and the one that an exchange within it put there (None: none did).

    `last_pages` are those that they used before the session.
    """

    first: Meter
    second: Meter | None = None
    last_pages: LastPages = {}


def concerns_signatures(session: Session, started: SessionStarted) -> bool:
    """Whether there is something to verify, or the country wants something to be there."""
    return session.is_signed or is_signing_required(started.country)


def new_meter_id(started: SessionStarted, ended: SessionEnded, meter: Meter) -> str | None:
    """The meter that took the place of the session's first one while it ran."""
    exchange = exchange_within(meter, started, ended)
    return None if exchange is None or exchange.new_meter_id == started.meter_id else exchange.new_meter_id


def verify_signatures(
    session: Session, started: SessionStarted, ended: SessionEnded, meters: Meters, tariff: CompiledTariff | None
) -> SignaturesVerified | None:
    """The judgement on an ended session; None where nothing was signed and nobody wants a signature.

    Messages are judged by what they said, in the meter's unit: a register that a person put in place of another one, or
    that was continued over an exchange, was never signed.
    """
    metered = MeteredSession(
        legs=tuple(_legs(session, started, ended, meters)),
        country=started.country,
        by_time=tariff is None or is_by_time(tariff),
    )
    judgement = judge(metered)
    if not judgement.verdicts and not judgement.holds:
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


def signed_readings(
    session: Session, started: SessionStarted, exchange: MeterReplaced | None = None
) -> Iterator[SignedReading]:
    """In sample order, the end last: also one from just before the start, which often shows where the session began.

    None from after the end. What was read after an exchange was read of the new meter.
    """
    ended, readings = session.ended, session.readings
    until = len(readings) if ended is None else bisect_right(readings, ended.occurred_at, key=instant_of)
    facts: list[MeterRecorded | SessionEnded] = [*readings[:until], *filter(None, [ended])]
    for fact in facts:
        if fact.signed is not None:
            yield SignedReading(
                message=message_name(fact),
                stated=_stated(session, started, fact, exchange),
                encoding=fact.signed.encoding,
                data=fact.signed.data,
                carried_key=fact.signed.public_key,
            )


def _legs(session: Session, started: SessionStarted, ended: SessionEnded, meters: Meters) -> Iterator[Leg]:
    """What each meter counted, with what that meter signed and the pages that it used before."""
    exchange = None if meters.second is None else exchange_within(meters.first, started, ended)
    readings = list(signed_readings(session, started, exchange))
    begin, end = _stated(session, started, started), _stated(session, started, ended, exchange)
    for leg in _bare_legs(begin, end, meters, exchange):
        own = tuple(reading for reading in readings if reading.stated.meter_id == leg.meter_id)
        last_pages = meters.last_pages.get(leg.meter_id, {})
        yield msgspec.structs.replace(leg, readings=own, last_pages=last_pages)


def _bare_legs(begin: Stated, end: Stated, meters: Meters, exchange: MeterReplaced | None) -> list[Leg]:
    """One, or two where the meter was exchanged: the registers of the exchange are billed like those at the ends."""
    old, new = begin.meter_id, end.meter_id
    if exchange is None or meters.second is None or old == new:
        return [Leg(meter_id=old, meter=meters.first, begin=begin, end=end)]
    out = Stated(exchange.last_register_milliwh, exchange.at, old)
    into = Stated(exchange.first_register_milliwh, exchange.at, new)
    return [
        Leg(meter_id=old, meter=meters.first, begin=begin, end=out, names=("begin", f"end of {old}")),
        Leg(meter_id=new, meter=meters.second, begin=into, end=end, names=(f"begin of {new}", "end")),
    ]


def _stated(
    session: Session,
    started: SessionStarted,
    fact: SessionStarted | MeterRecorded | SessionEnded,
    exchange: MeterReplaced | None = None,
) -> Stated:
    register_milliwh = session.converted.get(message_name(fact), as_reported(session, fact).register_milliwh)
    is_of_new = exchange is not None and is_after_exchange(fact.occurred_at, register_milliwh, exchange)
    meter_id = exchange.new_meter_id if exchange is not None and is_of_new else started.meter_id
    return Stated(register_milliwh, fact.occurred_at, meter_id)
