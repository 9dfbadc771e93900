"""A tariff made ready for many sessions: restrictions as bit masks, prices as integer ratios.

Every restriction but those on local time compares one quantity with a lower or an upper bound. Between two
bounds the set of elements that it lets through does not change, so it is one integer with a bit per element;
the elements that match are the conjunction of these integers, and which of their components apply is looked
up once per conjunction.
"""

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from functools import cached_property
from operator import attrgetter

from ledger.tariff.axis import Axis, Limits
from ledger.tariff.calendar import Calendar
from ledger.tariff.charging_period import ChargingPeriod
from ledger.tariff.model import MarkUp, Restrictions, Tariff, TaxIncluded
from ledger.tariff.selection import (
    Selection,
    expired_selection,
    is_for,
    reservation_selection,
    session_selection,
)
from ledger.values.exact import Exact
from ledger.values.time import US_PER_S
from ledger.values.zones import time_zone as zone_of

# A quantity of a period with its bounds, and whether readings know it as power (0) or current (1).
_InstantAxis = tuple[Callable[[ChargingPeriod], Exact | None], Axis, int]


class CompiledTariff:
    """A tariff in a time zone for members of some groups, ready to price sessions.

    Keep it by the tariff's hash, the zone's name and the groups. `series`: names of the spot price series
    that it follows.
    """

    def __init__(self, tariff: Tariff, time_zone: str, groups: Collection[str] = ()) -> None:
        self.tariff = tariff
        self.time_zone = time_zone
        self.groups = frozenset(groups)
        elements = tuple(element.restrictions for element in tariff.elements)
        self.calendar = Calendar(elements, zone_of(time_zone))
        self.energy = _axis(elements, lambda limit: (limit.energy_milliwh_min, limit.energy_milliwh_max))
        self.duration = _axis(elements, lambda limit: _us(limit.duration_s_min, limit.duration_s_max))
        self.instant_axes = _instant_axes(elements)
        self.session = session_selection(tariff, self.groups)
        rates = self.session.all_rates()
        self.series = tuple(sorted({rate.spot.series for rate in rates if rate.spot is not None}))
        self.has_whole_lines = _has_whole_lines(tariff)
        self.graces_us = sorted({rate.grace_us for rate in rates if rate.grace_us})

    @cached_property
    def reservation(self) -> Selection:
        """What applies in a reservation that was used."""
        return reservation_selection(self.tariff, self.groups)

    @cached_property
    def expired(self) -> Selection:
        """What applies in a reservation that was not used."""
        return expired_selection(self.tariff, self.groups)

    @cached_property
    def mark_up(self) -> MarkUp | None:
        """What is put on top for members of these groups."""
        mark_up = self.tariff.extensions.mark_up
        return mark_up if mark_up is not None and is_for(mark_up.groups, self.groups) else None

    @cached_property
    def first_vat_percent(self) -> Decimal | None:
        """The rate of the first component that names one."""
        if self.tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
            return None
        rates = (part.vat_percent for element in self.tariff.elements for part in element.components)
        return next((rate for rate in rates if rate is not None), None)

    def places(
        self, powers_milliwatt: Sequence[Exact | None], currents_microampere: Sequence[Exact | None]
    ) -> Sequence[object]:
        """Where power and current of intervals lie between bounds: at equal places no restriction tells them apart."""
        known = (powers_milliwatt, currents_microampere)
        columns = [axis.places(known[column]) for _, axis, column in self.instant_axes]
        return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def compile_tariff(tariff: Tariff, time_zone: str, groups: Collection[str] = ()) -> CompiledTariff:
    """The tariff ready for sessions at a place in this IANA zone, of a member of these groups.

    UnknownTimeZoneError for a wrong name.
    """
    return CompiledTariff(tariff, time_zone, groups)


def _has_whole_lines(tariff: Tariff) -> bool:
    """Whether bounds, a mark-up or a cap can add a line on the whole session."""
    extensions = tariff.extensions
    limits = (tariff.price_min, tariff.price_max, extensions.session_cap, extensions.mark_up)
    return any(limit is not None for limit in limits)


def _instant_axes(elements: tuple[Restrictions, ...]) -> list[_InstantAxis]:
    """Those that any element restricts: `min_x` is tested against MIN_X, `max_x` against MAX_X."""
    axes: list[_InstantAxis] = [
        (attrgetter("power_milliwatt_min"), _axis(elements, lambda limit: (limit.power_milliwatt_min, None)), 0),
        (attrgetter("power_milliwatt_max"), _axis(elements, lambda limit: (None, limit.power_milliwatt_max)), 0),
        (
            attrgetter("current_microampere_min"),
            _axis(elements, lambda limit: (limit.current_microampere_min, None)),
            1,
        ),
        (
            attrgetter("current_microampere_max"),
            _axis(elements, lambda limit: (None, limit.current_microampere_max)),
            1,
        ),
    ]
    return [axis for axis in axes if axis[1].bounds]


def _axis(elements: tuple[Restrictions, ...], limits: Callable[[Restrictions], Limits]) -> Axis:
    return Axis([limits(element) for element in elements])


def _us(lower_s: int | None, upper_s: int | None) -> Limits:
    return (
        None if lower_s is None else lower_s * US_PER_S,
        None if upper_s is None else upper_s * US_PER_S,
    )
