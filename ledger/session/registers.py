"""A session's registers as one count: in the meter's unit, continued where it rolled over or was exchanged. Pure.

The one place where that is done: what it finds is a fact, folded into the session, so that rating, plausibility, replay
and explanation all see registers that simply count up.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

from ledger.meter.events import MeterConfigured, MeterReplaced, RegisterUnit
from ledger.meter.state import Meter
from ledger.session.decide import as_reported
from ledger.session.events import (
    ConvertedRegister,
    MeterRecorded,
    RegistersConverted,
    SessionEnded,
    SessionStarted,
)
from ledger.session.state import Session, instant_of, message_name, reading_order
from ledger.values.energy import MILLIWH_PER_KWH, MILLIWH_PER_WH, from_milliwh
from ledger.values.time import US_PER_HOUR, to_us

Reported = SessionStarted | MeterRecorded | SessionEnded
ReportedType = TypeVar("ReportedType", SessionStarted, MeterRecorded, SessionEnded)

_WH_PER_KWH: Final = MILLIWH_PER_KWH // MILLIWH_PER_WH

# What the meter's unit makes of a register: Wh that were taken for kWh, and kWh that were taken for Wh.
_FACTORS: Final[Mapping[RegisterUnit, Fraction]] = {"WH": Fraction(1, _WH_PER_KWH), "KWH": Fraction(_WH_PER_KWH)}

# Sampled powers and registers agree better than this; a unit is always wrong by 1000.
_WITNESS_RATIO: Final = 2


class _Point(NamedTuple):
    """A message, and the register that its meter showed."""

    fact: Reported
    shown_milliwh: int


class _Count(NamedTuple):
    """A register as part of one count, and what it was continued over last."""

    register_milliwh: int
    over: str


def convert_registers(session: Session, meter: Meter) -> RegistersConverted | None:
    """What counts from now on, by all that is known of the meter; None where that changes nothing."""
    started, ended = session.started, session.ended
    if started is None or ended is None:
        return None
    configuration = _configuration(session, ended, meter)
    reported = _reported(session, started, ended)
    unit = _mistaken_unit(reported, configuration)
    points = [_Point(fact, _in_unit(fact.register_milliwh, unit)) for fact in reported]
    modulus_milliwh = None if configuration is None else configuration.roll_over_milliwh
    exchange = exchange_within(meter, started, ended)
    if exchange is not None:  # of one instant the smaller register comes first: here that is the new meter's
        points.sort(key=lambda point: is_after_exchange(point.fact.occurred_at, point.shown_milliwh, exchange))
    counts = list(_counts(points, exchange, modulus_milliwh))
    registers = tuple(_conversions(session, points, counts))
    if {each.reading: each.register_milliwh for each in registers} == _converted_now(session):
        return None
    reasons = [f"unit {unit}" if unit is not None else "", *(count.over for count in counts)]
    return RegistersConverted(
        tenant=started.tenant,
        session_id=started.session_id,
        occurred_at=ended.occurred_at,
        meter_id=started.meter_id,
        registers=registers,
        because=tuple(filter(None, dict.fromkeys(reasons))),
    )


def _configuration(session: Session, ended: SessionEnded, meter: Meter) -> MeterConfigured | None:
    """What holds now; a session that was billed as it came keeps to what held at its end."""
    is_billable = session.rated is not None and not session.held
    if is_billable and not session.converted:
        return meter.configured_at(ended.occurred_at)
    return meter.configured


def _reported(session: Session, started: SessionStarted, ended: SessionEnded) -> list[Reported]:
    """The messages from the start on, in sample order, with what they reported, or a person put in its place."""
    readings = sorted((_as_came(session, reading) for reading in session.readings), key=reading_order)
    first = bisect_left(readings, started.occurred_at, key=instant_of)
    until = bisect_right(readings, ended.occurred_at, key=instant_of)
    return [_as_came(session, started), *readings[first:until], _as_came(session, ended), *readings[until:]]


def _as_came(session: Session, fact: ReportedType) -> ReportedType:
    return as_reported(session, fact) if message_name(fact) in session.converted else fact


def _converted_now(session: Session) -> dict[str, int]:
    if not session.converted:
        return {}
    facts = [fact for fact in (session.started, *session.readings, session.ended) if fact is not None]
    return {name: fact.register_milliwh for fact in facts if (name := message_name(fact)) in session.converted}


def _mistaken_unit(reported: Sequence[Reported], configuration: MeterConfigured | None) -> RegisterUnit | None:
    """The meter's unit, where the station named the other one: sampled powers agree with the registers only then."""
    unit = None if configuration is None else configuration.unit
    if unit is None:
        return None
    told, measured = _told_and_measured(reported)
    in_unit = measured * _FACTORS[unit]
    return unit if told < in_unit * _WITNESS_RATIO and in_unit < told * _WITNESS_RATIO else None


def _told_and_measured(reported: Sequence[Reported]) -> tuple[Fraction, int]:
    """Over the intervals whose power was sampled: the energy that it tells of, and that of the registers."""
    told, measured = Fraction(0), 0
    for before, after in pairwise(reported):
        if isinstance(after, MeterRecorded) and after.power_milliw is not None:
            passed_us = to_us(after.occurred_at) - to_us(before.occurred_at)
            told += Fraction(after.power_milliw * passed_us, US_PER_HOUR)
            measured += after.register_milliwh - before.register_milliwh
    return told, measured


def _in_unit(register_milliwh: int, unit: RegisterUnit | None) -> int:
    return register_milliwh if unit is None else round(register_milliwh * _FACTORS[unit])


def exchange_within(meter: Meter, started: SessionStarted, ended: SessionEnded) -> MeterReplaced | None:
    """Where the register of the session's meter broke off before the session ended."""
    found = meter.replaced_at(started.occurred_at)
    return found if found is not None and found.at <= ended.occurred_at else None


def _counts(points: Sequence[_Point], exchange: MeterReplaced | None, modulus_milliwh: int | None) -> Iterator[_Count]:
    added_milliwh, over, is_exchanged = 0, "", False
    last_milliwh = points[0].shown_milliwh
    for fact, shown_milliwh in points:
        if exchange is not None and not is_exchanged and is_after_exchange(fact.occurred_at, shown_milliwh, exchange):
            is_exchanged, over = True, f"exchange {message_name(exchange)}"
            added_milliwh += exchange.last_register_milliwh - exchange.first_register_milliwh
        elif modulus_milliwh is not None and _has_rolled_over(last_milliwh, shown_milliwh, modulus_milliwh):
            added_milliwh += modulus_milliwh
            over = f"roll-over at {from_milliwh(modulus_milliwh)} kWh"
        last_milliwh = shown_milliwh
        yield _Count(shown_milliwh + added_milliwh, over)


def is_after_exchange(taken_at: datetime, shown_milliwh: int, exchange: MeterReplaced) -> bool:
    """At the very instant of the exchange the register tells which of the two meters was read."""
    is_last = taken_at == exchange.at and shown_milliwh == exchange.last_register_milliwh
    return taken_at >= exchange.at and not is_last


def _has_rolled_over(last_milliwh: int, shown_milliwh: int, modulus_milliwh: int) -> bool:
    """A register that falls by more than half of what it can show went through its last digit; by less it fell."""
    return shown_milliwh < last_milliwh < modulus_milliwh and 2 * (last_milliwh - shown_milliwh) > modulus_milliwh


def _conversions(session: Session, points: Sequence[_Point], counts: Sequence[_Count]) -> Iterator[ConvertedRegister]:
    """Where another register counts than was reported, and no person put one there."""
    for (fact, shown_milliwh), count in zip(points, counts, strict=True):
        name = message_name(fact)
        is_of_a_person = name in session.reported and name not in session.converted
        if count.register_milliwh != fact.register_milliwh and not is_of_a_person:
            yield ConvertedRegister(
                reading=name,
                register_milliwh=count.register_milliwh,
                shown_milliwh=shown_milliwh,
                reported_milliwh=fact.register_milliwh,
            )
