"""Charging periods cut at the instants and energies at which a price can switch."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from ledger.tariff.charging_period import ChargingPeriod
from ledger.values.exact import Exact, proportion

# A point of a session's curve: instant in microseconds, energy so far in milliwatt-hours.
Point = tuple[Exact, Exact]


def spans(
    periods: Iterable[ChargingPeriod], instants_us: Sequence[Exact], energies_milliwh: Sequence[Exact]
) -> Iterator[ChargingPeriod]:
    """The periods, each cut where one of the sorted instants or energies lies strictly inside of it.

    Energy is shared in proportion to time, instants in proportion to energy; both without rounding
    (RESTRICTION_SCOPE: a price that switches inside a period splits it).
    """
    for period in periods:
        points = _points_inside(period, instants_us, energies_milliwh)
        if points:
            yield from cut_at(period, sorted(set(points)))
        else:
            yield period


def strictly_between(values: Sequence[Exact], lower: Exact, upper: Exact) -> Sequence[Exact]:
    """The part of a sorted sequence above the lower and below the upper value."""
    first = bisect_right(values, lower)
    # Most often there is nothing, and the next value says so.
    if first == len(values) or values[first] >= upper:
        return ()
    return values[first : bisect_left(values, upper)]


def _points_inside(
    period: ChargingPeriod, instants_us: Sequence[Exact], energies_milliwh: Sequence[Exact]
) -> list[Point]:
    points: list[Point] = []
    if instants_us:
        inside = strictly_between(instants_us, period.start_us, period.end_us)
        points += [point_at(period, instant_us) for instant_us in inside]
    if energies_milliwh:
        inside = strictly_between(energies_milliwh, period.start_energy_milliwh, period.end_energy_milliwh)
        points += [(_instant_of(period, energy), energy) for energy in inside]
    return points


def point_at(period: ChargingPeriod, instant_us: Exact) -> Point:
    """The point of a period at an instant inside of it."""
    passed_us = instant_us - period.start_us
    energy = proportion(period.energy_milliwh, passed_us, period.duration_us)
    return instant_us, period.start_energy_milliwh + energy


def _instant_of(period: ChargingPeriod, energy_milliwh: Exact) -> Exact:
    delivered = energy_milliwh - period.start_energy_milliwh
    return period.start_us + proportion(period.duration_us, delivered, period.energy_milliwh)


def cut_at(period: ChargingPeriod, points: list[Point]) -> Iterator[ChargingPeriod]:
    """The parts of a period between its start, points inside of it in their order, and its end."""
    ends = [*points, (period.end_us, period.end_energy_milliwh)]
    start: Point = (period.start_us, period.start_energy_milliwh)
    for end in ends:
        yield part_of(period, start, end)
        start = end


def part_of(period: ChargingPeriod, start: Point, end: Point) -> ChargingPeriod:
    """The period between two of its points."""
    return ChargingPeriod(
        start[0],
        end[0],
        period.kind,
        start[1],
        end[1],
        period.power_milliwatt_min,
        period.power_milliwatt_max,
        period.current_microampere_min,
        period.current_microampere_max,
        _correction_of(period, start, end) if period.time_correction_us else 0,
    )


def _correction_of(period: ChargingPeriod, start: Point, end: Point) -> Exact:
    """The part's share by time, where no time passes by energy."""
    if period.duration_us:
        return proportion(period.time_correction_us, end[0] - start[0], period.duration_us)
    return proportion(period.time_correction_us, end[1] - start[1], period.energy_milliwh)
