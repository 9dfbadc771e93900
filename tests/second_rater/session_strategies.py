"""Hypothesis strategies for sessions: whole nights, jumps, rests, and energies of one milliwatt-hour."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.second_rater.session import Reservation, Sample, Session, StateChange

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
# An ordinary day, the last day of a year, and the days whose early hours have a change of the clock.
DAYS = ("2026-06-05", "2026-12-31")
NIGHTS = {
    "Europe/Amsterdam": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
    "Asia/Kathmandu": (),
}
RESERVED_US = (MINUTE_US, 22 * MINUTE_US, 90 * MINUTE_US, 8 * HOUR_US)
STATES = ("Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle")
REGISTERS_MILLIWH = (0, 1, 1_234_500_000, 999_999_999_999_999)
GAPS_US = (0, 1, MINUTE_US, 7 * MINUTE_US, 15 * MINUTE_US, HOUR_US, HOUR_US, HOUR_US, 3 * HOUR_US, 8 * HOUR_US)
ODD_US = (0, 0, 0, 0, 0, 0, 1, 333_333, 30_000_000, 59_999_999)
# Nothing, the least that can be metered, around the tolerance of a rest, and what cars draw.
ENERGIES_MILLIWH = (0, 0, 1, 2, 99_999, 100_000, 100_001, 250_000, 1_000_001, 5_000_000, 7_333_333, 22_000_000)
POWERS_MILLIWATT = (None, None, 0, 3_700_000, 11_000_000, 22_000_000)
CURRENTS_MICROAMPERE = (None, 0, 16_000_000, 48_000_000)


def instant_us(zone: str, local: str) -> int:
    """Whole seconds of a local time, in microseconds."""
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


@st.composite
def starts(draw: st.DrawFn, zone: str) -> int:
    """Often a full hour, often in the evening, so that midnight follows, or early in a night of a change."""
    in_night = bool(NIGHTS[zone]) and draw(st.booleans())
    days, hours = (NIGHTS[zone], (0, 1)) if in_night else (DAYS, (0, 1, 8, 16, 20, 22, 23))
    minute, odd_us = draw(st.sampled_from((0, 0, 15, 30, 45, 59))), draw(st.sampled_from(ODD_US))
    return (
        instant_us(zone, f"{draw(st.sampled_from(days))}T{draw(st.sampled_from(hours)):02d}:{minute:02d}:00") + odd_us
    )


@st.composite
def samples(draw: st.DrawFn, at_us: int, register_milliwh: int) -> list[Sample]:
    """Registers that never decrease, at instants that may repeat; some stations tell no power."""
    powers, found = draw(st.sampled_from((POWERS_MILLIWATT, POWERS_MILLIWATT[:1]))), []
    for _ in range(draw(st.integers(0, 7))):
        at_us += draw(st.sampled_from(GAPS_US)) + draw(st.sampled_from(ODD_US))
        register_milliwh += draw(st.sampled_from(ENERGIES_MILLIWH))
        power, current = draw(st.sampled_from(powers)), draw(st.sampled_from(CURRENTS_MICROAMPERE))
        found.append(Sample(at_us, register_milliwh, power, current))
    return found


@st.composite
def state_changes(draw: st.DrawFn, start_us: int, end_us: int, sampled: list[Sample]) -> tuple[StateChange, ...]:
    """At readings and between them, before the start and after the end, several at one instant."""
    places = [start_us, end_us, *(sample.at_us for sample in sampled)]
    anywhere = st.integers(start_us, end_us)
    instants = st.one_of(st.sampled_from(places), anywhere, st.sampled_from((start_us - 1, end_us + 1)))
    marks = sorted(draw(st.lists(instants, max_size=5)))
    return tuple(StateChange(mark, draw(st.sampled_from(STATES))) for mark in marks)


@st.composite
def charged_sessions(draw: st.DrawFn) -> Session:
    """Up to some days long; one in many has no length at all."""
    zone = draw(st.sampled_from(sorted(NIGHTS)))
    start_us, register = draw(starts(zone)), draw(st.sampled_from(REGISTERS_MILLIWH))
    jump = draw(st.sampled_from((0, 0, 0, 1, 5_000_000)))
    sampled = draw(samples(start_us, register + jump))
    last_us, last_register = (sampled[-1].at_us, sampled[-1].register_milliwh) if sampled else (start_us, register)
    end_us = last_us + draw(st.sampled_from((0, *GAPS_US))) + draw(st.sampled_from(ODD_US))
    end_register = last_register + draw(st.sampled_from(ENERGIES_MILLIWH))
    outside = (Sample(start_us - 1, register, None, None), Sample(end_us + 1, end_register + 1, None, None))
    told = [*outside[:1], *sampled, *outside[1:]] if draw(st.booleans()) else sampled
    states = draw(state_changes(start_us, end_us, sampled))
    return Session(zone, start_us, register, end_us, end_register, tuple(told), states)


@st.composite
def reserved_sessions(draw: st.DrawFn) -> Session:
    """After a reservation that ends before, at or after the start."""
    session = draw(charged_sessions())
    from_us = session.start_us - draw(st.sampled_from(RESERVED_US)) - draw(st.sampled_from(ODD_US))
    until_us = max(from_us, session.start_us + draw(st.sampled_from((-7 * MINUTE_US, 0, HOUR_US))))
    return replace(session, reservation=Reservation(from_us, until_us, expired=False))


@st.composite
def expired_reservations(draw: st.DrawFn) -> Session:
    """No session but a start and an end at the reservation's end."""
    zone = draw(st.sampled_from(sorted(NIGHTS)))
    from_us = draw(starts(zone))
    until_us = from_us + draw(st.sampled_from(RESERVED_US)) + draw(st.sampled_from(ODD_US))
    return Session(zone, until_us, 0, until_us, 0, reservation=Reservation(from_us, until_us, expired=True))


def sessions() -> st.SearchStrategy[Session]:
    """Most without a reservation."""
    ways = (charged_sessions, reserved_sessions, charged_sessions, expired_reservations, charged_sessions)
    return st.sampled_from(ways).flatmap(lambda way: way())
