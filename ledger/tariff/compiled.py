"""A tariff made ready for many sessions: restrictions as bit masks, prices as integer ratios.

Every restriction but those on local time compares one quantity with a lower or an upper bound. Between two
bounds the set of elements that it lets through does not change, so it is one integer with a bit per element;
the elements that match are the conjunction of these integers, and which of their components apply is looked
up once per conjunction.
"""

from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec

from ledger.tariff.because import because_of
from ledger.tariff.calendar import Calendar
from ledger.tariff.charging_period import ChargingPeriod
from ledger.tariff.model import Dimension, PriceComponent, Restrictions, Tariff, TaxIncluded
from ledger.values.energy import MILLIWH_PER_KWH, MILLIWH_PER_WH
from ledger.values.exact import Exact
from ledger.values.time import US_PER_HOUR, US_PER_S
from ledger.values.zones import time_zone as zone_of

# Volumes: milliwatt-hours, microseconds, or times. How many of them the price is for.
VOLUME_PER_UNIT: Final = {
    Dimension.ENERGY: MILLIWH_PER_KWH,
    Dimension.TIME: US_PER_HOUR,
    Dimension.PARKING_TIME: US_PER_HOUR,
    Dimension.FLAT: 1,
}
_VOLUME_PER_STEP: Final = {
    Dimension.ENERGY: MILLIWH_PER_WH,
    Dimension.TIME: US_PER_S,
    Dimension.PARKING_TIME: US_PER_S,
    Dimension.FLAT: 1,
}
_STEP_UNITS: Final = {
    Dimension.ENERGY: "Wh",
    Dimension.TIME: "s",
    Dimension.PARKING_TIME: "s",
    Dimension.FLAT: "",
}
_DIMENSIONS: Final = (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME, Dimension.FLAT)
# Conjunctions of one tariff met so far; a tariff meets a handful, a hostile one must not fill the memory.
_CACHED_RATES: Final = 4_096


class Rate(msgspec.Struct, frozen=True):
    """A price component with its place in the tariff and its price per volume as integers."""

    dimension: Dimension
    element: int
    price: Decimal
    vat_percent: Decimal | None
    step_volume: int
    price_numerator: int
    price_denominator: int
    tax_factor: tuple[int, int] | None
    because: str
    because_step: str


class Rates(NamedTuple):
    """The component that applies in each dimension, None where nothing is charged."""

    energy: Rate | None
    time: Rate | None
    parking_time: Rate | None
    flat: Rate | None


class Axis:
    """One compared quantity: between two neighbouring bounds, a bit for each element that is let through."""

    def __init__(self, limits: list[tuple[Exact | None, Exact | None]]) -> None:
        self.bounds = sorted({bound for pair in limits for bound in pair if bound is not None})
        self._masks = [_mask(limits, value) for value in [None, *self.bounds]]
        self._unlimited = _bits([limit == (None, None) for limit in limits])

    def mask(self, value: Exact | None) -> int:
        """Elements let through at a value; an unknown value is let through by no bound (POWER_UNKNOWN)."""
        if value is None:
            return self._unlimited
        return self._masks[bisect_right(self.bounds, value)]


def _mask(limits: list[tuple[Exact | None, Exact | None]], value: Exact | None) -> int:
    """Elements let through at a value, None being below every bound: lower bounds hold from themselves on."""
    if value is None:
        return _bits([lower is None for lower, _ in limits])
    return _bits([(lower or 0) <= value and (upper is None or value < upper) for lower, upper in limits])


def _bits(flags: list[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


class CompiledTariff:
    """A tariff in a time zone, ready to price sessions. Keep it by the tariff's hash and the zone's name."""

    def __init__(self, tariff: Tariff, time_zone: str) -> None:
        self.tariff = tariff
        self.time_zone = time_zone
        elements = tuple(element.restrictions for element in tariff.elements)
        self.calendar = Calendar(elements, zone_of(time_zone))
        self._sessions = _bits([element.reservation is None for element in elements])
        self.energy = _axis(elements, lambda limit: (limit.energy_milliwh_min, limit.energy_milliwh_max))
        self.duration = _axis(elements, lambda limit: _us(limit.duration_s_min, limit.duration_s_max))
        self._instant_axes = (
            _axis(elements, lambda limit: (limit.power_milliwatt_min, None)),
            _axis(elements, lambda limit: (None, limit.power_milliwatt_max)),
            _axis(elements, lambda limit: (limit.current_microampere_min, None)),
            _axis(elements, lambda limit: (None, limit.current_microampere_max)),
        )
        self.needs_each_interval = any(axis.bounds for axis in self._instant_axes)
        self._components = [
            {component.dimension: _rate(tariff, place, component) for component in element.components}
            for place, element in enumerate(tariff.elements)
        ]
        self._rates: dict[int, Rates] = {}

    def rates(self, cell_mask: int, duration_us: Exact, period: ChargingPeriod) -> Rates:
        """What applies at the start of a period: the first matching element with a component, per dimension."""
        mask = cell_mask & self._sessions
        if self.duration.bounds:
            mask &= self.duration.mask(duration_us)
        if self.energy.bounds:
            mask &= self.energy.mask(period.start_energy_milliwh)
        if self.needs_each_interval:
            mask &= self._instant_mask(period)
        return self._rates.get(mask) or self._find_rates(mask)

    def first_vat_percent(self) -> Decimal | None:
        """The rate of the first component that names one."""
        rates = (rate for components in self._components for rate in components.values())
        return next((rate.vat_percent for rate in rates if rate.vat_percent is not None), None)

    def _instant_mask(self, period: ChargingPeriod) -> int:
        power_min, power_max, current_min, current_max = self._instant_axes
        return (
            power_min.mask(period.power_milliwatt_min)
            & power_max.mask(period.power_milliwatt_max)
            & current_min.mask(period.current_microampere_min)
            & current_max.mask(period.current_microampere_max)
        )

    def _find_rates(self, mask: int) -> Rates:
        if len(self._rates) >= _CACHED_RATES:
            self._rates.clear()
        rates = Rates(*(self._first(mask, dimension) for dimension in _DIMENSIONS))
        self._rates[mask] = rates
        return rates

    def _first(self, mask: int, dimension: Dimension) -> Rate | None:
        for place, components in enumerate(self._components):
            if mask >> place & 1 and dimension in components:
                return components[dimension]
        return None


def compile_tariff(tariff: Tariff, time_zone: str) -> CompiledTariff:
    """The tariff ready for sessions at a place in this IANA zone. UnknownTimeZoneError for a wrong name."""
    return CompiledTariff(tariff, time_zone)


def _axis(elements: tuple[Restrictions, ...], limits: Callable[[Restrictions], tuple[int | None, int | None]]) -> Axis:
    return Axis([limits(element) for element in elements])


def _us(lower_s: int | None, upper_s: int | None) -> tuple[int | None, int | None]:
    return (
        None if lower_s is None else lower_s * US_PER_S,
        None if upper_s is None else upper_s * US_PER_S,
    )


def _rate(tariff: Tariff, place: int, component: PriceComponent) -> Rate:
    dimension = component.dimension
    price = Fraction(component.price) / VOLUME_PER_UNIT[dimension]
    # Where no tax applies a rate means nothing, even if it is written.
    has_tax = tariff.tax_included is not TaxIncluded.NOT_APPLICABLE
    vat_percent = component.vat_percent if has_tax else None
    return Rate(
        dimension=dimension,
        element=place + 1,
        price=component.price,
        vat_percent=vat_percent,
        step_volume=component.step_size * _VOLUME_PER_STEP[dimension],
        price_numerator=price.numerator,
        price_denominator=price.denominator,
        tax_factor=None if vat_percent is None else tax_factor(vat_percent).as_integer_ratio(),
        because=because_of(place + 1, tariff.elements[place].restrictions),
        because_step=f"; rounded up to a multiple of {component.step_size} {_STEP_UNITS[dimension]}",
    )


def tax_factor(vat_percent: Decimal | None) -> Fraction:
    """What an amount before tax is multiplied with to have it after tax; 1 where no rate is known."""
    return 1 + Fraction(vat_percent or 0) / 100
