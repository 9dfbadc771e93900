"""What is paid for: each piece judged afresh by reading all elements of the tariff."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from tests.second_rater.pieces import Course, Piece, pieces
from tests.second_rater.restrictions import SECOND_US, Json, Moment, matches
from tests.second_rater.session import Session
from tests.second_rater.stretches import HOUR_US, Kind, Stretch, stretches
from tests.second_rater.totals import Amount, Total, total_of

WATT_HOUR_MILLIWH = 1_000
KWH_MILLIWH = 1_000_000
POLICIES = {
    "step_size_after_parking": "last_relevant",
    "power_unknown": "no_match",
    "restriction_scope": "split",
    "price_bounds": "apply",
}
# Which elements are asked, those of the first kind before those of the second.
Turns = tuple[str | None, ...]
SESSION: Turns = (None,)
RESERVED: Turns = ("RESERVATION",)
EXPIRED: Turns = ("RESERVATION_EXPIRES", "RESERVATION")


@dataclass
class Charge:
    """What one price component is paid for: milliwatt-hours, microseconds, or 1 for a fee."""

    dimension: str
    element: int
    component: Json
    volume: Fraction
    is_reserved: bool = False
    surplus: Fraction = Fraction(0)

    @property
    def amount(self) -> Amount:
        """Quantity times price, whether that includes tax or not."""
        units = {"ENERGY": KWH_MILLIWH, "FLAT": 1}.get(self.dimension, HOUR_US)
        price = Fraction(self.component["price"])
        return Amount(self.name, price * (self.volume + self.surplus) / units, self.component.get("vat"))

    @property
    def name(self) -> str:
        return f"RESERVATION_{self.dimension}" if self.is_reserved else self.dimension


def rate(tariff: Json, session: Session, policies: Mapping[str, str] = POLICIES) -> Total:
    """The exact cost of a session under an OCPI Tariff object whose numbers are int or Decimal."""
    return rate_course(tariff, Course(session.zone, stretches(session)), policies)


def rate_course(tariff: Json, course: Course, policies: Mapping[str, str] = POLICIES) -> Total:
    """The same for stretches that somebody else has cut, such as the periods of a CDR."""
    amounts = [charge.amount for charge in charges(tariff, course, policies)]
    return total_of(tariff, amounts, with_bounds=policies["price_bounds"] == "apply")


def charges(tariff: Json, course: Course, policies: Mapping[str, str] = POLICIES) -> list[Charge]:
    """One for each stretch that a component prices, in order, and the surplus of the steps on the last ones."""
    walked = pieces(tariff, settled(course, policies))
    reserved = [piece for piece in walked if piece.stretch.kind is Kind.RESERVED]
    charged = [piece for piece in walked if piece.stretch.kind is not Kind.RESERVED]
    turns = EXPIRED if course.is_expired_reservation else RESERVED
    found = [charge for piece in reserved for charge in paid_for(tariff, piece, turns)]
    round_up(found)
    session = [charge for piece in charged for charge in paid_for(tariff, piece, SESSION)]
    round_up([charge for charge in session if charge.dimension == "ENERGY"])
    times = [charge for charge in session if charge.dimension in ("TIME", "PARKING_TIME")]
    parked = [charge for charge in times if charge.dimension == "PARKING_TIME"]
    round_up(parked if parked and policies["step_size_after_parking"] == "parking" else times)
    return [*found, *fees(tariff, reserved, turns)[:1], *session, *fees(tariff, charged, SESSION)[:1]]


def settled(course: Course, policies: Mapping[str, str]) -> Course:
    """The course with its doubts settled by policies."""
    at_start = policies["restriction_scope"] == "period_start"
    return replace(course, unknown_matches=policies["power_unknown"] == "match", judged_at_start=at_start)


def paid_for(tariff: Json, piece: Piece, turns: Turns) -> Iterator[Charge]:
    for dimension, volume in volumes(piece.stretch):
        found = priced_by(tariff, dimension, piece.moment, turns)
        if found and volume:
            yield Charge(dimension, *found, volume, turns is not SESSION)


def volumes(stretch: Stretch) -> Iterator[tuple[str, Fraction]]:
    if stretch.kind is not Kind.RESERVED:
        yield "ENERGY", stretch.volume
    if stretch.kind in (Kind.CHARGING, Kind.RESERVED):
        yield "TIME", stretch.length
    if stretch.kind is Kind.PARKING:
        yield "PARKING_TIME", stretch.length


def fees(tariff: Json, walked: list[Piece], turns: Turns) -> list[Charge]:
    """All that become active while time passes or energy flows, in order; only the first is charged."""
    active = [piece for piece in walked if piece.stretch.length or piece.stretch.volume] or walked[:1]
    found = [priced_by(tariff, "FLAT", piece.moment, turns) for piece in active]
    return [Charge("FLAT", *each, Fraction(1), turns is not SESSION) for each in found if each]


def round_up(relevant: list[Charge]) -> None:
    """The total of the last one's dimension, up to a multiple of its step; the surplus at its price."""
    if not relevant:
        return
    last = relevant[-1]
    step = max(1, last.component["step_size"]) * (WATT_HOUR_MILLIWH if last.dimension == "ENERGY" else SECOND_US)
    total = sum(charge.volume for charge in relevant if charge.dimension == last.dimension)
    last.surplus = -(-total // step) * step - total


def priced_by(tariff: Json, dimension: str, moment: Moment, turns: Turns) -> tuple[int, Json] | None:
    """Number and component of the first element that has one of the dimension and whose restrictions hold."""
    for meant_for in turns:
        for number, element in enumerate(tariff["elements"], 1):
            limits = element.get("restrictions") or {}
            if limits.get("reservation") == meant_for and matches(limits, moment):
                for component in element["price_components"]:
                    if component["type"] == dimension:
                        return number, component
    return None
