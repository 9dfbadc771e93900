"""From readings to charging periods.

Energy between two readings is linear in time; the parts of an interval add up to its registers' difference,
because every part is the difference of the one curve at two points.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.readings import TOLERANCE_MILLIWH, Curve, Readings, Reservation
from ledger.tariff.running import cut_instants
from ledger.tariff.spans import Point, strictly_between
from ledger.values.exact import Exact

# Until a station says otherwise a session charges.
_ASSUMED_STATE: Final = "Charging"
# The vehicle is connected; whether it asks for power depends on whether it has charged before.
_CONNECTED_STATES: Final = frozenset({"EVConnected", "Idle"})
_PARKING_STATE: Final = "SuspendedEV"


class _Known(NamedTuple):
    """The least and the greatest power and current of a stretch, None where nothing is known of them."""

    power_milliwatt_min: Exact | None = None
    power_milliwatt_max: Exact | None = None
    current_microampere_min: Exact | None = None
    current_microampere_max: Exact | None = None


_NOTHING_KNOWN: Final = _Known()


class _Stretch(NamedTuple):
    """A part of the session of one kind between two points of its curve."""

    start: Point
    end: Point
    kind: Kind
    known: _Known = _NOTHING_KNOWN


class _State(NamedTuple):
    """A reported state from one point to the next; `has_charged`: a station said so before."""

    start: Point
    end: Point
    name: str
    has_charged: bool


def charging_periods(readings: Readings, compiled: CompiledTariff | None = None) -> list[ChargingPeriod]:
    """The charging periods of a session and its reservation, one for each interval between readings and states.

    With the tariff they are as few as give the same cost: intervals that no restriction of it can tell apart
    are merged. ValueError when a register decreases or the end is before the start.
    """
    curve = Curve(readings)
    stretches = _stretches(curve, readings)
    if compiled is None or compiled.series:
        session = [_period(interval) for stretch in stretches for interval in _intervals(curve, stretch)]
    else:
        cuts = _cuts(curve, compiled)
        merged = _alike(curve, stretches, compiled) if compiled.needs_each_interval else _merged(stretches)
        session = [_period(part) for stretch in merged for part in _parts(stretch, cuts)]
    return session if readings.reservation is None else _with_reservation(readings, readings.reservation, session)


def _with_reservation(
    readings: Readings, reservation: Reservation, session: list[ChargingPeriod]
) -> list[ChargingPeriod]:
    """The reservation's own period before the session's; alone where it expired and no session followed."""
    is_empty = readings.start_us == readings.end_us and not session[-1].end_energy_milliwh
    is_expired = reservation.is_expired and is_empty
    end_us = min(reservation.until_us, readings.start_us)
    if end_us < reservation.from_us and not is_expired:
        return session
    reserved = ChargingPeriod(reservation.from_us, max(reservation.from_us, end_us), Kind.RESERVATION, 0, 0)
    return [reserved] if is_expired else [reserved, *session]


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
    # A bound at the very total is reached before the end where the register stood still after it.
    for energy in strictly_between(compiled.energy.bounds, 0, curve.energies_milliwh[-1] + 1):
        cuts.append((curve.instant_of(int(energy)), energy))
    return sorted(cuts)


def _parts(stretch: _Stretch, cuts: list[Point]) -> Iterator[_Stretch]:
    start = stretch.start
    for cut in cuts:
        if start < cut < stretch.end:
            yield stretch._replace(start=start, end=cut)
            start = cut
    yield stretch if start is stretch.start else stretch._replace(start=start)


def _period(stretch: _Stretch) -> ChargingPeriod:
    start, end, kind, known = stretch
    return ChargingPeriod(start[0], end[0], kind, start[1], end[1], *known)


def _intervals(curve: Curve, stretch: _Stretch) -> Iterator[_Stretch]:
    """The intervals between readings, each with its power and current."""
    for start, end in pairwise(_points(curve, stretch.start, stretch.end)):
        power, current = curve.known(_interval_of(curve, end))
        yield _Stretch(start, end, stretch.kind, _Known(power, power, current, current))


def _alike(curve: Curve, stretches: list[_Stretch], compiled: CompiledTariff) -> Iterator[_Stretch]:
    """Intervals merged as long as their kind, and the places of power and current between bounds, are the same."""
    last: _Stretch | None = None
    last_places: list[int | None] = []
    for stretch in stretches:
        for interval in _intervals(curve, stretch):
            places = compiled.instant_places(interval.known[0], interval.known[2])
            if last is not None and last.kind is interval.kind and last_places == places:
                last = _Stretch(last.start, interval.end, last.kind, _both(last.known, interval.known))
                continue
            if last is not None:
                yield last
            last, last_places = interval, places
    if last is not None:
        yield last


def _both(known: _Known, more: _Known) -> _Known:
    """Nothing is known of two stretches that is not known of each."""
    return _Known(
        _of_both(min, known[0], more[0]),
        _of_both(max, known[1], more[1]),
        _of_both(min, known[2], more[2]),
        _of_both(max, known[3], more[3]),
    )


def _of_both(choose: Callable[[Exact, Exact], Exact], one: Exact | None, other: Exact | None) -> Exact | None:
    return None if one is None or other is None else choose(one, other)


def _interval_of(curve: Curve, end: Point) -> int:
    """The column of the reading that closes the interval in which a point lies."""
    place = bisect_left(curve.instants_us, end[0])
    while place + 1 < len(curve.instants_us) and curve.energies_milliwh[place] < end[1]:
        place += 1
    return max(place, 1)
