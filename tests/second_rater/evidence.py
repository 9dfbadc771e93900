"""What the second rater did with one case, for the rules about how cases exercise it."""

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from typing import Any

from tests.second_rater.pieces import Course, Piece, pieces
from tests.second_rater.rater import POLICIES, Charge, charges, rate_course
from tests.second_rater.restrictions import Json
from tests.second_rater.strategies import Case
from tests.second_rater.stretches import Kind, stretches
from tests.second_rater.totals import Amount, Total, minor

TIMES = ("TIME", "PARKING_TIME")


class Evidence:
    """A case, everything that follows from it, and what would follow from another tariff."""

    def __init__(self, case: Case) -> None:
        self.tariff, self.session, self.policies = case
        self.course = Course(self.session.zone, stretches(self.session))

    @cached_property
    def pieces(self) -> list[Piece]:
        """Those of the session; a reservation before it is left out."""
        return [piece for piece in pieces(self.tariff, self.course) if piece.stretch.kind is not Kind.RESERVED]

    @cached_property
    def charges(self) -> list[Charge]:
        return charges(self.tariff, self.course)

    @cached_property
    def total(self) -> Total:
        return rate_course(self.tariff, self.course)

    @property
    def amounts(self) -> list[Amount]:
        return [charge.amount for charge in self.charges]

    @property
    def limits(self) -> list[Json]:
        """The restrictions of each element, empty where it has none."""
        return [element.get("restrictions") or {} for element in self.tariff["elements"]]

    @property
    def used(self) -> set[tuple[str, int]]:
        """Dimension and element of all components that are paid for."""
        return {(charge.dimension, charge.element) for charge in self.charges}

    def charged(self, *names: str) -> list[Charge]:
        return [charge for charge in self.charges if charge.name in names]

    def kinds(self) -> set[Kind]:
        return {stretch.kind for stretch in self.course.stretches if stretch.length}

    def would_differ(self, change: Callable[[list[Any]], list[Any]]) -> bool:
        """Whether other elements would be paid for, or the same ones for more or less."""
        other = {**self.tariff, "elements": change(self.tariff["elements"])}
        return volumes_of(charges(other, self.course)) != volumes_of(self.charges)

    def needs(self, *names: str) -> bool:
        """Whether restrictions of these names are on an element that is paid for, and matter to what is paid."""
        carriers = {place for place, limits in enumerate(self.limits, 1) if any(name in limits for name in names)}
        if not carriers & {element for _, element in self.used}:
            return False
        return self.would_differ(lambda elements: [without(element, names) for element in elements])

    def policy_matters(self, name: str, value: str) -> bool:
        other = rate_course(self.tariff, self.course, {**POLICIES, name: value})
        return (other.excl, other.incl) != (self.total.excl, self.total.incl)

    def rounding_matters(self) -> bool:
        """Whether a total lies half-way between two minor units, the lower one even."""
        sums = (self.total.excl, self.total.incl)
        ways = [[minor(each, self.tariff, way) for each in sums] for way in ("half_up_total", "half_even_total")]
        return ways[0] != ways[1]

    def offers(self, reservation: str, dimension: str) -> bool:
        """Whether some element for such a reservation has a component of the dimension."""
        meant = [
            each
            for each, limits in zip(self.tariff["elements"], self.limits, strict=True)
            if limits.get("reservation") == reservation
        ]
        return any(part["type"] == dimension for each in meant for part in each["price_components"])

    def meant_for(self, charge: Charge) -> str | None:
        """The reservation restriction of the element that a charge comes from."""
        return self.limits[charge.element - 1].get("reservation")


def without(element: Json, names: tuple[str, ...]) -> Json:
    """The element with fewer restrictions."""
    limits = {name: value for name, value in (element.get("restrictions") or {}).items() if name not in names}
    return {**element, "restrictions": limits}


def volumes_of(found: list[Charge]) -> dict[tuple[str, Any], Fraction]:
    """Billed volumes by component: elements of equal content are the same, wherever they stand."""
    volumes: dict[tuple[str, Any], Fraction] = {}
    for charge in found:
        key = (charge.name, tuple(sorted(charge.component.items())))
        volumes[key] = volumes.get(key, Fraction(0)) + charge.volume + charge.surplus
    return volumes
