"""Hypothesis strategies for cases: a session, and a whole OCPI Tariff object whose limits it meets.

Limits are drawn from what the session reaches, so that boundaries are hit exactly and restrictions matter.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.second_rater.restrictions import DAYS as DAYS_OF_WEEK
from tests.second_rater.session import Session
from tests.second_rater.session_strategies import sessions
from tests.second_rater.wall_clock import wall_at

Json = dict[str, Any]
SETS = (("ENERGY",), ("ENERGY", "TIME"), ("TIME",), ("TIME", "PARKING_TIME"), ("ENERGY", "TIME", "PARKING_TIME"))
PRICES = tuple(Decimal(text) for text in ("0", "0.0001", "0.25", "0.3333", "1", "2.4", "6.5", "100"))
RATES = (None, Decimal(0), Decimal(7), Decimal("19"), Decimal("20.5"))
STEPS = (0, 1, 1, 7, 60, 300, 500, 900, 1000, 3600)
AMOUNTS = tuple(Decimal(text) for text in ("0", "0.01", "0.5", "2", "5.55", "12", "30", "120"))
SECOND_US = 1_000_000
# What is used unless said, and the other reading.
POLICIES = {
    "step_size_after_parking": ("last_relevant", "parking"),
    "power_unknown": ("no_match", "match"),
    "restriction_scope": ("split", "period_start"),
    "price_bounds": ("apply", "ignore"),
    "rounding": ("half_up_total", "half_even_total"),
}


class Case(NamedTuple):
    """What two raters are given."""

    tariff: Json
    session: Session
    policies: dict[str, str]


@st.composite
def components(draw: st.DrawFn, dimension: str, rate: Decimal | None, prices: tuple[Decimal, ...]) -> Json:
    """Usually the tariff's one rate, sometimes another or none."""
    content = {"type": dimension, "price": draw(st.sampled_from(prices))}
    vat = draw(st.sampled_from((rate, rate, *RATES)))
    return content | ({} if vat is None else {"vat": vat}) | {"step_size": draw(st.sampled_from(STEPS))}


def known_instants(session: Session) -> list[int]:
    """Instants at which something was told."""
    told = [sample.at_us for sample in session.samples] + [change.at_us for change in session.states]
    reserved = session.reservation[:2] if session.reservation else ()
    return [
        session.start_us,
        session.end_us,
        *reserved,
        *(at for at in told if session.start_us <= at <= session.end_us),
    ]


def times_of_day(session: Session) -> st.SearchStrategy[str]:
    """Those of the session, those of the hours in which clocks are changed, any."""
    own = sorted({wall_at(session.zone, instant).time for instant in known_instants(session)})
    hours = ("00:00", "00:00", "00:00", "01:30", "01:45", "02:00", "02:15", "02:30", "03:00", "06:00", "22:00")
    anything = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
    ends = st.sampled_from([wall_at(session.zone, instant).time for instant in (session.end_us, session.start_us)])
    return st.one_of(ends, st.sampled_from(own), st.sampled_from(hours), anything)


def days(session: Session) -> st.SearchStrategy[date]:
    first = wall_at(session.zone, min(known_instants(session))).day
    return st.sampled_from((-1, 0, 1, 1, 2)).map(lambda more: first + timedelta(days=more))


def energies_kwh(session: Session) -> st.SearchStrategy[Decimal]:
    """Registers met exactly, else in between."""
    reached = sorted({each.register_milliwh - session.start_register_milliwh for each in session.samples} - {-1})
    total = session.end_register_milliwh - session.start_register_milliwh
    milliwh = st.one_of(
        st.sampled_from([total, *reached]), st.integers(0, total + 1), st.sampled_from((0, 1, 1_000_000))
    )
    return milliwh.filter(lambda each: each >= 0).map(lambda each: Decimal(each).scaleb(-6))


def durations_s(session: Session) -> st.SearchStrategy[int]:
    reached = sorted({abs(each - session.start_us) // SECOND_US for each in known_instants(session)})
    longest = (session.end_us - session.start_us) // SECOND_US
    return st.one_of(
        st.just(longest), st.sampled_from(reached), st.integers(0, longest + 1), st.sampled_from((0, 1, 900, 3600))
    )


@st.composite
def windows(draw: st.DrawFn, names: tuple[str, ...], limits: st.SearchStrategy[Any], *, wraps: bool = False) -> Json:
    """One side, the other, or both; a window that does not wrap is empty unless its sides are in order."""
    chosen = draw(st.sampled_from((names, names, names[:1], names[1:])))
    drawn = [draw(limits) for _ in chosen]
    return dict(zip(chosen, drawn if wraps else sorted(drawn), strict=True))


def restrictions(session: Session) -> st.SearchStrategy[Json]:
    """Mostly one kind, none or two: with more, hardly any would ever match."""
    week = st.lists(st.sampled_from(DAYS_OF_WEEK), min_size=1, max_size=4, unique=True)
    around = [DAYS_OF_WEEK[(wall_at(session.zone, session.start_us).day.weekday() + more) % 7] for more in (0, 1)]
    clock = windows(("start_time", "end_time"), times_of_day(session), wraps=True)
    reservation = st.fixed_dictionaries({"reservation": st.sampled_from(("RESERVATION", "RESERVATION_EXPIRES"))})
    kinds = st.one_of(
        clock,
        clock,
        windows(("start_date", "end_date"), days(session).map(date.isoformat)),
        windows(("min_kwh", "max_kwh"), energies_kwh(session)),
        windows(("min_power", "max_power"), st.sampled_from((0, 1, Decimal("3.7"), 11, 22, 50))),
        windows(("min_current", "max_current"), st.sampled_from((0, 6, 16, Decimal("32.5"), 48))),
        windows(("min_duration", "max_duration"), durations_s(session)),
        st.fixed_dictionaries({"day_of_week": st.one_of(st.sampled_from([[day] for day in around]), week)}),
        reservation,
    )
    several = st.builds(lambda *both: {**both[0], **both[1]}, kinds, kinds)
    found = st.one_of(kinds, kinds, kinds, st.just({}), several)
    reserved = st.builds(lambda limits, meant: {**limits, **meant}, st.one_of(st.just({}), clock, kinds), reservation)
    if session.reservation is None:
        return found
    return st.one_of(reserved, reserved, found) if session.reservation.expired else st.one_of(found, reserved)


@st.composite
def elements(draw: st.DrawFn, session: Session, rate: Decimal | None, prices: tuple[Decimal, ...]) -> Json:
    """Any dimensions, but mostly those that run."""
    chosen = (*draw(st.sampled_from(SETS)), *draw(st.sampled_from(((), (), ("FLAT",)))))
    limits = draw(restrictions(session))
    parts = [draw(components(dimension, rate, prices)) for dimension in chosen]
    return {"price_components": parts, **({"restrictions": limits} if limits else {})}


@st.composite
def bounds(draw: st.DrawFn, names: tuple[str, str]) -> Json:
    """Before tax, after it, or both; what one implies for the other need not be what the rates say."""
    return draw(windows(names, st.sampled_from(AMOUNTS)))


@st.composite
def tariffs(draw: st.DrawFn, session: Session) -> Json:
    """In the form of OCPI 2.2.1 or 2.3.0."""
    rate, prices = draw(st.sampled_from(RATES)), draw(st.sampled_from((PRICES, PRICES, PRICES, PRICES[:1])))
    listed = draw(st.lists(elements(session, rate, prices), min_size=1, max_size=5))
    content: Json = {"currency": draw(st.sampled_from(("EUR", "EUR", "JPY", "BHD"))), "elements": listed}
    names = ("excl_vat", "incl_vat")
    if draw(st.booleans()):
        names = ("before_taxes", "after_taxes")
        content["tax_included"] = draw(st.sampled_from(("NO", "YES", "YES", "N/A")))
    for name in ("min_price", "max_price"):
        if draw(st.integers(0, 3)) == 0:
            content[name] = draw(bounds(names))
    return content


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A session, a tariff for it, and most often the policies as they are by default."""
    session = draw(sessions())
    readings = {name: st.sampled_from((default, default, other)) for name, (default, other) in POLICIES.items()}
    return Case(draw(tariffs(session)), session, draw(st.fixed_dictionaries(readings)))
