"""The charging periods of an OCPI CDR as stretches."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from tests.second_rater.pieces import Course
from tests.second_rater.restrictions import MILLIONTHS, Json
from tests.second_rater.stretches import Kind, Span, Stretch

KINDS = {"RESERVATION_TIME": Kind.RESERVED, "TIME": Kind.CHARGING, "PARKING_TIME": Kind.PARKING}


def course_of(cdr: Json, zone: str) -> Course:
    """Times from the instants, energy and the range of power and current as given."""
    periods = cdr["charging_periods"]
    marks = [_instant(period["start_date_time"]) for period in periods] + [_instant(cdr["end_date_time"])]
    energy, found = Fraction(0), []
    for (start, end), period in zip(pairwise(marks), periods, strict=True):
        given = {each["type"]: Fraction(Decimal(str(each["volume"]))) for each in period["dimensions"]}
        kind = next((kind for name, kind in KINDS.items() if name in given), Kind.WAITING)
        energy_end = energy + given.get("ENERGY", 0) * MILLIONTHS
        found.append(Stretch(start, end, energy, energy_end, kind, _span("POWER", given), _span("CURRENT", given)))
        energy = energy_end
    return Course(zone, found)


def _span(name: str, given: dict[str, Fraction]) -> Span:
    least, greatest = given.get(f"MIN_{name}"), given.get(f"MAX_{name}")
    return Span(None if least is None else least * MILLIONTHS, None if greatest is None else greatest * MILLIONTHS)


def _instant(text: str) -> Fraction:
    whole, _, rest = text.removesuffix("Z").partition(".")
    return (
        int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * MILLIONTHS + Fraction(f"0.{rest or 0}") * MILLIONTHS
    )
