"""Elements and price components that can never apply."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from ledger.tariff.lint.finding import Code, Finding, component_path, element_path
from ledger.tariff.lint.region import AT_THE_START, Axis, Region, do_meet, is_covered, regions_of
from ledger.tariff.model import Dimension, PriceComponent, ReservationType, Restrictions, Tariff, TariffElement

_NAMED_MAX: Final = 6  # as many as a line takes
# Only these are priced within a reservation (OCPI 2.2.1, mod_tariffs, ReservationRestrictionType).
_RESERVATION_DIMENSIONS: Final = frozenset({Dimension.FLAT, Dimension.TIME})


class Element(NamedTuple):
    """An element with its place and the regions in which it can match."""

    place: int
    components: tuple[PriceComponent, ...]
    restrictions: Restrictions
    regions: list[Region]
    dimensions: frozenset[Dimension]

    @property
    def reservation(self) -> ReservationType | None:
        """Which kind of reservation it is for; None: the session itself."""
        return self.restrictions.reservation


def elements_of(tariff: Tariff) -> list[Element]:
    """The elements of a tariff with their regions, and the dimensions that each can have a price of."""
    return [
        Element(
            place, element.components, element.restrictions, regions_of(element.restrictions), _dimensions_of(element)
        )
        for place, element in enumerate(tariff.elements)
    ]


def _dimensions_of(element: TariffElement) -> frozenset[Dimension]:
    dimensions = frozenset(component.dimension for component in element.components)
    return dimensions if element.restrictions.reservation is None else dimensions & _RESERVATION_DIMENSIONS


def never_matching(elements: list[Element]) -> Iterator[Finding]:
    """Restrictions that contradict each other, or that no session meets."""
    for element in elements:
        if not element.regions:
            yield Finding(*_contradiction(element))


def never_priced(elements: list[Element]) -> Iterator[Finding]:
    """Prices of energy and parking in a reservation, which has neither."""
    for element in elements:
        if element.reservation is not None:
            for number, component in enumerate(element.components):
                if component.dimension not in _RESERVATION_DIMENSIONS:
                    text = f"{component.dimension} has no price within a reservation, only FLAT and TIME have one"
                    yield Finding(component_path(element.place, number), Code.NEVER_PRICED, text)


def shadowed(elements: list[Element]) -> Iterator[Finding]:
    """Price components that never come first: whenever their element matches, an earlier one has that dimension."""
    for element in elements:
        if not element.regions:
            continue
        hidden = {number: text for number, text in _hidden(element, elements) if text}
        if len(hidden) == len(element.components):
            yield Finding(element_path(element.place), Code.SHADOWED, f"never applies: {'; '.join(hidden.values())}")
        else:
            for number, text in hidden.items():
                yield Finding(component_path(element.place, number), Code.SHADOWED, f"never applies: {text}")


def _hidden(element: Element, elements: list[Element]) -> Iterator[tuple[int, str | None]]:
    for number, component in enumerate(element.components):
        if component.dimension in element.dimensions:
            yield number, _shadow(element, component.dimension, elements) or _late_fee(element, component, elements)


def _shadow(element: Element, dimension: Dimension, elements: list[Element]) -> str | None:
    earlier = [other for other in _rivals(element, dimension, elements) if other.place < element.place]
    if not is_covered(element.regions, (region for other in earlier for region in other.regions)):
        return None
    return f"whenever it matches, the {dimension} of {_named(element, earlier)} before it does too"


def _late_fee(element: Element, component: PriceComponent, elements: list[Element]) -> str | None:
    """A fee is charged once: one that waits for energy or time comes too late where another is due at the start."""
    starts = [(region.intervals[Axis.ENERGY][0], region.intervals[Axis.DURATION][0]) for region in element.regions]
    is_late = all(energy for energy, _ in starts) or all(duration for _, duration in starts)
    if component.dimension is not Dimension.FLAT or not is_late:
        return None
    others = _rivals(element, Dimension.FLAT, elements)
    if not is_covered([AT_THE_START], (region for other in others for region in other.regions)):
        return None
    return "FLAT is charged once, and another element's is due at every session's start"


def _rivals(element: Element, dimension: Dimension, elements: list[Element]) -> list[Element]:
    return [
        other
        for other in elements
        if other is not element and other.reservation is element.reservation and dimension in other.dimensions
    ]


def _named(element: Element, earlier: list[Element]) -> str:
    """The one element that suffices, else all that have a part in it."""
    alone = [other for other in earlier if is_covered(element.regions, other.regions)]
    if alone:
        return f"element {alone[0].place + 1}"
    parts = [str(other.place + 1) for other in earlier if do_meet(element.regions, other.regions)]
    more = f" and {len(parts) - _NAMED_MAX} more" if len(parts) > _NAMED_MAX else ""
    return f"elements {', '.join(parts[:_NAMED_MAX])}{more}"


def _contradiction(element: Element) -> tuple[str, Code, str]:
    path, limit = f"{element_path(element.place)}.restrictions", element.restrictions
    for name, low, high in _bounds(limit):
        if low is not None and high is not None and low >= high:
            text = f"never matches: max_{name} is not above min_{name}"
            return f"{path}.max_{name}", Code.NEVER_MATCHES, text
        if high == 0:
            return f"{path}.max_{name}", Code.NEVER_MATCHES, "never matches: nothing is below zero"
    if limit.start_date and limit.end_date and limit.start_date >= limit.end_date:
        return f"{path}.end_date", Code.NEVER_MATCHES, "never matches: end_date (exclusive) is not after start_date"
    text = f"never matches: none of these days lies from {limit.start_date} until {limit.end_date} (exclusive)"
    return f"{path}.day_of_week", Code.NEVER_MATCHES, text


def _bounds(limit: Restrictions) -> Iterator[tuple[str, int | None, int | None]]:
    yield "kwh", limit.energy_milliwh_min, limit.energy_milliwh_max
    yield "current", limit.current_microampere_min, limit.current_microampere_max
    yield "power", limit.power_milliwatt_min, limit.power_milliwatt_max
    yield "duration", limit.duration_s_min, limit.duration_s_max
