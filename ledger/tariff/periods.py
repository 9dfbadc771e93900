"""From readings to charging periods.

Energy between two readings is linear in time; the parts of an interval add up to its registers' difference,
because every part is the difference of the one curve at two points.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.readings import TOLERANCE_MILLIWH, Curve, Readings
from ledger.tariff.running import cut_instants
from ledger.tariff.spans import Point, strictly_between

# Until a station says otherwise a session charges.
_ASSUMED_STATE: Final = "Charging"
# The vehicle is connected; whether it asks for power depends on whether it has charged before.
_CONNECTED_STATES: Final = frozenset({"EVConnected", "Idle"})
_PARKING_STATE: Final = "SuspendedEV"


class _Stretch(NamedTuple):
    """A part of the session of one kind between two points of its curve."""

    start: Point
    end: Point
    kind: Kind


class _State(NamedTuple):
    """A reported state from one point to the next; `has_charged`: a station said so before."""

    start: Point
    end: Point
    name: str
    has_charged: bool


def charging_periods(readings: Readings, compiled: CompiledTariff | None = None) -> list[ChargingPeriod]:
    """The charging periods of a session, one for each interval between readings and states at least.

    With the tariff they are as few as give the same cost: intervals that no restriction of it can tell apart
    are merged. ValueError when a register decreases or the end is before the start.
    """
    curve = Curve(readings)
    stretches = _stretches(curve, readings)
    if compiled is None or compiled.needs_each_interval:
        return [period for stretch in stretches for period in _intervals(curve, stretch)]
    cuts = _cuts(curve, compiled)
    return [_period(part) for stretch in _merged(stretches) for part in _parts(stretch, cuts)]


def _stretches(curve: Curve, readings: Readings) -> list[_Stretch]:
    return [stretch for state in _states(curve, readings) for stretch in _kinds(curve, state)]


def _states(curve: Curve, readings: Readings) -> Iterator[_State]:
    """The session cut at its state changes; at one instant the last change counts."""
    start: Point = (readings.start_us, 0)
    name, has_charged = _ASSUMED_STATE, False
    for instant_us, next_name in readings.state_changes:
        if instant_us >= readings.end_us:
            break
        if instant_us > start[0]:
            point: Point = (instant_us, curve.energy_at(instant_us))
            yield _State(start, point, name, has_charged)
            start = point
        name, has_charged = next_name, has_charged or next_name == "Charging"
    yield _State(start, (readings.end_us, curve.energies_milliwh[-1]), name, has_charged)


def _kinds(curve: Curve, state: _State) -> Iterator[_Stretch]:
    """The stretches of one state; more than one only where energy flows that the state does not tell of."""
    if state.name == "Charging":
        yield _Stretch(state.start, state.end, Kind.CHARGING)
    elif state.name != _PARKING_STATE and state.name not in _CONNECTED_STATES:
        yield _Stretch(state.start, state.end, Kind.NEITHER)
    elif _is_quiet(state):
        yield _Stretch(state.start, state.end, _kind_of(state, state.start, state.end))
    else:
        for start, end in pairwise(_points(curve, state.start, state.end)):
            yield _Stretch(start, end, _kind_of(state, start, end))


def _is_quiet(state: _State) -> bool:
    """Whether no interval inside can differ from the others in kind."""
    if state.end[1] - state.start[1] > TOLERANCE_MILLIWH:
        return False
    return state.end[1] <= TOLERANCE_MILLIWH or state.start[1] > TOLERANCE_MILLIWH or state.has_charged


def _kind_of(state: _State, start: Point, end: Point) -> Kind:
    """Parking, unless more than the tolerance flows; connected is parking only once it has charged."""
    if end[1] - start[1] > TOLERANCE_MILLIWH:
        return Kind.CHARGING
    if state.name == _PARKING_STATE or state.has_charged or start[1] > TOLERANCE_MILLIWH:
        return Kind.PARKING
    return Kind.NEITHER


def _points(curve: Curve, start: Point, end: Point) -> list[Point]:
    """The start, the readings strictly between, and the end.

    Readings at the very start or end belong to this stretch as far as they lie on its part of the curve.
    """
    first = bisect_left(curve.instants_us, start[0])
    last = bisect_right(curve.instants_us, end[0])
    points: list[Point] = [start]
    for place in range(first, last):
        point: Point = (curve.instants_us[place], curve.energies_milliwh[place])
        if points[-1] < point < end:
            points.append(point)
    return [*points, end]


def _merged(stretches: list[_Stretch]) -> list[_Stretch]:
    merged = stretches[:1]
    for stretch in stretches[1:]:
        if stretch.kind is merged[-1].kind:
            merged[-1] = _Stretch(merged[-1].start, stretch.end, stretch.kind)
        else:
            merged.append(stretch)
    return merged


def _cuts(curve: Curve, compiled: CompiledTariff) -> list[Point]:
    """Points of the curve at which a price can switch."""
    start_us, end_us = curve.instants_us[0], curve.instants_us[-1]
    instants = cut_instants(compiled, compiled.calendar.cells(start_us, end_us), start_us)
    inside = strictly_between(instants, start_us, end_us)
    cuts: list[Point] = [(instant, curve.energy_at(int(instant))) for instant in inside]
    for energy in strictly_between(compiled.energy.bounds, 0, curve.energies_milliwh[-1]):
        cuts.append((curve.instant_of(int(energy)), energy))
    return sorted(cuts)


def _parts(stretch: _Stretch, cuts: list[Point]) -> Iterator[_Stretch]:
    start = stretch.start
    for cut in cuts:
        if start < cut < stretch.end:
            yield _Stretch(start, cut, stretch.kind)
            start = cut
    yield _Stretch(start, stretch.end, stretch.kind)


def _period(stretch: _Stretch) -> ChargingPeriod:
    return ChargingPeriod(stretch.start[0], stretch.end[0], stretch.kind, stretch.start[1], stretch.end[1])


def _intervals(curve: Curve, stretch: _Stretch) -> Iterator[ChargingPeriod]:
    """The intervals between readings, each with its power and current."""
    for start, end in pairwise(_points(curve, stretch.start, stretch.end)):
        interval = _interval_of(curve, end)
        power = curve.power_milliwatt(interval)
        current = curve.current_microampere(interval)
        yield ChargingPeriod(start[0], end[0], stretch.kind, start[1], end[1], power, power, current, current)


def _interval_of(curve: Curve, end: Point) -> int:
    """The column of the reading that closes the interval in which a point lies."""
    place = bisect_left(curve.instants_us, end[0])
    while place + 1 < len(curve.instants_us) and curve.energies_milliwh[place] < end[1]:
        place += 1
    return max(place, 1)
