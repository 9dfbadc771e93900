"""Which price component applies: for each dimension the first matching element that has one."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from ledger.tariff.axis import bits
from ledger.tariff.model import Dimension, Discount, ReservationType, Tariff
from ledger.tariff.rate import Rate, rate_of

# Conjunctions of one tariff met so far; a tariff meets a handful, a hostile one must not fill the memory.
_CACHED_RATES: Final = 4_096

# What components charge for in a session, and in a reservation, where only time and a fee are priced.
_IN_SESSION: Final = {
    dimension: dimension for dimension in (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME, Dimension.FLAT)
}
_IN_RESERVATION: Final = {
    Dimension.TIME: Dimension.RESERVATION_TIME,
    Dimension.FLAT: Dimension.RESERVATION_FLAT,
}


class Rates(NamedTuple):
    """The component that applies in each dimension, None where nothing is charged; `time` also of a reservation."""

    energy: Rate | None
    time: Rate | None
    parking_time: Rate | None
    flat: Rate | None


class Selection:
    """The elements that a part of a session chooses from, in the order in which they are asked."""

    def __init__(self, elements: Sequence[tuple[int, dict[Dimension, Rate]]], count: int) -> None:
        self._elements = elements
        self._mask = bits([any(place == chosen for chosen, _ in elements) for place in range(count)])
        self._rates: dict[int, Rates] = {}

    def rates(self, mask: int) -> Rates:
        """The components for a set of matching elements, a bit for each."""
        mask &= self._mask
        return self._rates.get(mask) or self._find_rates(mask)

    def all_rates(self) -> list[Rate]:
        """Every component, in the order in which the elements are asked."""
        return [rate for _, rates in self._elements for rate in rates.values()]

    def _find_rates(self, mask: int) -> Rates:
        if len(self._rates) >= _CACHED_RATES:
            self._rates.clear()
        rates = Rates(
            self._first(mask, Dimension.ENERGY),
            self._first(mask, Dimension.TIME) or self._first(mask, Dimension.RESERVATION_TIME),
            self._first(mask, Dimension.PARKING_TIME),
            self._first(mask, Dimension.FLAT) or self._first(mask, Dimension.RESERVATION_FLAT),
        )
        self._rates[mask] = rates
        return rates

    def _first(self, mask: int, dimension: Dimension) -> Rate | None:
        return next(
            (rates[dimension] for place, rates in self._elements if mask >> place & 1 and dimension in rates), None
        )


def session_selection(tariff: Tariff, groups: Collection[str]) -> Selection:
    """Elements without a reservation restriction, in list order."""
    return _selection(tariff, groups, (None,), _IN_SESSION)


def reservation_selection(tariff: Tariff, groups: Collection[str]) -> Selection:
    """Elements for a reservation that was used."""
    return _selection(tariff, groups, (ReservationType.RESERVATION,), _IN_RESERVATION)


def expired_selection(tariff: Tariff, groups: Collection[str]) -> Selection:
    """RESERVATION_EXPIRES wins per dimension, RESERVATION supplies the rest (OCPI ReservationRestrictionType)."""
    types = (ReservationType.RESERVATION_EXPIRES, ReservationType.RESERVATION)
    return _selection(tariff, groups, types, _IN_RESERVATION)


def _selection(
    tariff: Tariff,
    groups: Collection[str],
    types: Sequence[ReservationType | None],
    charged_as: dict[Dimension, Dimension],
) -> Selection:
    discounts = _discounts(tariff, groups)
    chosen = [
        (place, _rates_of(tariff, place, charged_as, discounts))
        for type_ in types
        for place, element in enumerate(tariff.elements)
        if element.restrictions.reservation is type_
    ]
    return Selection(chosen, len(tariff.elements))


def _rates_of(
    tariff: Tariff, place: int, charged_as: dict[Dimension, Dimension], discounts: dict[Dimension, Discount]
) -> dict[Dimension, Rate]:
    return {
        charged_as[part.dimension]: rate_of(
            tariff, place, part, charged_as[part.dimension], discounts.get(charged_as[part.dimension])
        )
        for part in tariff.elements[place].components
        if part.dimension in charged_as
    }


def _discounts(tariff: Tariff, groups: Collection[str]) -> dict[Dimension, Discount]:
    """The greatest discount of each dimension for a member of the groups; at a tie the first."""
    found: dict[Dimension, Discount] = {}
    for discount in tariff.extensions.discounts:
        best = found.get(discount.dimension)
        if is_for(discount.groups, groups) and (best is None or discount.percent > best.percent):
            found[discount.dimension] = discount
    return found


def is_for(wanted: Collection[str] | None, groups: Collection[str]) -> bool:
    """Whether something for some groups, or for everybody (None), is for a member of these groups."""
    return wanted is None or any(group in wanted for group in groups)
