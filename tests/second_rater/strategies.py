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
DIMENSIONS = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")
PRICES = tuple(Decimal(text) for text in ("0", "0.0001", "0.25", "0.3333", "1", "2.4", "6.5", "100"))
RATES = (None, Decimal(0), Decimal(7), Decimal("19"), Decimal("20.5"))
STEPS = (0, 1, 1, 7, 60, 300, 500, 900, 1000, 3600)
AMOUNTS = tuple(Decimal(text) for text in ("0", "0.01", "0.5", "2", "5.55", "12", "30", "120"))
SECOND_US = 1_000_000


class Case(NamedTuple):
    """What two raters are given."""

    tariff: Json
    session: Session


@st.composite
def components(draw: st.DrawFn, rate: Decimal | None) -> Json:
    """Usually the tariff's one rate, sometimes another or none."""
    content = {"type": draw(st.sampled_from(DIMENSIONS)), "price": draw(st.sampled_from(PRICES))}
    vat = draw(st.one_of(st.just(rate), st.sampled_from(RATES)))
    return content | ({} if vat is None else {"vat": vat}) | {"step_size": draw(st.sampled_from(STEPS))}


def known_instants(session: Session) -> list[int]:
    """Instants at which something was told."""
    told = [sample.at_us for sample in session.samples] + [change.at_us for change in session.states]
    return [session.start_us, session.end_us, *(at for at in told if session.start_us <= at <= session.end_us)]


def times_of_day(session: Session) -> st.SearchStrategy[str]:
    """Those of the session, those of the hours in which clocks are changed, any."""
    own = sorted({wall_at(session.zone, instant).time for instant in known_instants(session)})
    hours = st.sampled_from(("00:00", "01:30", "01:45", "02:00", "02:15", "02:30", "03:00", "06:00", "17:00", "22:00"))
    return st.one_of(
        st.sampled_from(own), hours, st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
    )


def days(session: Session) -> st.SearchStrategy[date]:
    first = wall_at(session.zone, session.start_us).day
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
    reached = sorted({(each - session.start_us) // SECOND_US for each in known_instants(session)})
    longest = (session.end_us - session.start_us) // SECOND_US
    return st.one_of(st.sampled_from(reached), st.integers(0, longest + 1), st.sampled_from((0, 1, 900, 3600)))


@st.composite
def windows(draw: st.DrawFn, names: tuple[str, str], limits: st.SearchStrategy[Any]) -> Json:
    """One side, the other, or both in any order."""
    chosen = draw(st.sampled_from((names, names, names[:1], names[1:])))
    return {name: draw(limits) for name in chosen}


def restrictions(session: Session) -> st.SearchStrategy[Json]:
    """None, one kind or two: with more, hardly any would ever match."""
    week = st.lists(st.sampled_from(DAYS_OF_WEEK), min_size=1, max_size=4, unique=True)
    around = [DAYS_OF_WEEK[(wall_at(session.zone, session.start_us).day.weekday() + more) % 7] for more in (0, 1)]
    kinds = st.one_of(
        windows(("start_time", "end_time"), times_of_day(session)),
        windows(("start_date", "end_date"), days(session).map(date.isoformat)),
        windows(("min_kwh", "max_kwh"), energies_kwh(session)),
        windows(("min_power", "max_power"), st.sampled_from((0, 1, Decimal("3.7"), 11, 22, 50))),
        windows(("min_current", "max_current"), st.sampled_from((0, 6, 16, Decimal("32.5"), 48))),
        windows(("min_duration", "max_duration"), durations_s(session)),
        st.fixed_dictionaries({"day_of_week": st.one_of(st.sampled_from([[day] for day in around]), week)}),
        st.fixed_dictionaries({"reservation": st.sampled_from(("RESERVATION", "RESERVATION_EXPIRES"))}),
    )
    return st.lists(kinds, max_size=2).map(
        lambda found: {name: value for each in found for name, value in each.items()}
    )


@st.composite
def elements(draw: st.DrawFn, session: Session, rate: Decimal | None) -> Json:
    parts = draw(st.lists(components(rate), min_size=1, max_size=4, unique_by=lambda part: part["type"]))
    limits = draw(restrictions(session))
    return {"price_components": parts, **({"restrictions": limits} if limits else {})}


@st.composite
def bounds(draw: st.DrawFn, names: tuple[str, str]) -> Json:
    """Before tax, after it, or both; what one implies for the other need not be what the rates say."""
    return draw(windows(names, st.sampled_from(AMOUNTS)))


@st.composite
def tariffs(draw: st.DrawFn, session: Session) -> Json:
    """In the form of OCPI 2.2.1 or 2.3.0."""
    rate = draw(st.sampled_from(RATES))
    content: Json = {"currency": "EUR", "elements": draw(st.lists(elements(session, rate), min_size=1, max_size=5))}
    names = ("excl_vat", "incl_vat")
    if draw(st.booleans()):
        names = ("before_taxes", "after_taxes")
        content["tax_included"] = draw(st.sampled_from(("NO", "NO", "YES", "YES", "N/A")))
    for name in ("min_price", "max_price"):
        if draw(st.integers(0, 3)) == 0:
            content[name] = draw(bounds(names))
    return content


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A session and a tariff for it."""
    session = draw(sessions())
    return Case(draw(tariffs(session)), session)
