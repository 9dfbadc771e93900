"""From readings to charging periods.

Energy between two readings is linear in time; the parts of an interval add up to its registers' difference,
because every part is the difference of the one curve at two points.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from ledger.tariff.charging_period import ChargingPeriod, Kind
from ledger.tariff.charging_state import ASSUMED_STATE, CHARGING_STATE, constant_kind, kind_of_interval
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.readings import TOLERANCE_MILLIWH, Curve, Readings
from ledger.tariff.running import cut_instants
from ledger.tariff.spans import Point, strictly_between
from ledger.values.exact import Exact


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
        each = range(len(curve.instants_us))
        session = [_period(interval) for stretch in stretches for interval in _intervals(curve, stretch, each)]
    else:
        cuts = _cuts(curve, compiled)
        merged = _alike(curve, _merged(stretches), compiled)
        session = [_period(part) for stretch in merged for part in _parts(stretch, cuts)]
    return session if readings.reservation is None else _with_reservation(readings, session)


def _with_reservation(readings: Readings, session: list[ChargingPeriod]) -> list[ChargingPeriod]:
    """The reservation's own period before the session's; alone where it expired and no session followed."""
    is_empty = readings.start_us == readings.end_us and not session[-1].end_energy_milliwh
    reserved = reserved_period(readings, is_empty=is_empty)
    if reserved is None:
        return session
    return [reserved] if _is_expired(readings, is_empty) else [reserved, *session]


def reserved_period(readings: Readings, *, is_empty: bool) -> ChargingPeriod | None:
    """From the reservation's beginning to the session's start or its own end, whichever is first.

    `is_empty`: no session followed. A reservation that begins after the session is none of this session.
    """
    reservation = readings.reservation
    if reservation is None:
        return None
    end_us = min(reservation.until_us, readings.start_us)
    if end_us < reservation.from_us and not _is_expired(readings, is_empty):
        return None
    return ChargingPeriod(reservation.from_us, max(reservation.from_us, end_us), Kind.RESERVATION, 0, 0)


def _is_expired(readings: Readings, is_empty: bool) -> bool:
    return readings.reservation is not None and readings.reservation.is_expired and is_empty


def _stretches(curve: Curve, readings: Readings) -> list[_Stretch]:
    return [stretch for state in _states(curve, readings) for stretch in _kinds(curve, state)]


def _states(curve: Curve, readings: Readings) -> Iterator[_State]:
    """The session cut at its state changes; at one instant the last change counts."""
    start: Point = (readings.start_us, 0)
    name, has_charged = ASSUMED_STATE, False
    for instant_us, next_name in readings.state_changes:
        if instant_us >= readings.end_us:
            break
        if instant_us > start[0]:
            point: Point = (instant_us, curve.energy_at(instant_us))
            yield _State(start, point, name, has_charged)
            start = point
        name, has_charged = next_name, has_charged or next_name == CHARGING_STATE
    yield _State(start, (readings.end_us, curve.energies_milliwh[-1]), name, has_charged)


def _kinds(curve: Curve, state: _State) -> Iterator[_Stretch]:
    """The stretches of one state; more than one only where energy flows that the state does not tell of."""
    kind = constant_kind(state.name)
    if kind is not None:
        yield _Stretch(state.start, state.end, kind)
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
    return kind_of_interval(state.name, state.has_charged, start[1], end[1])


def _points(curve: Curve, start: Point, end: Point) -> list[Point]:
    """The start, the readings strictly between, and the end.

    Readings at the very start or end belong to this stretch as far as they lie on its part of the curve.
    """
    first = bisect_left(curve.instants_us, start[0])
    last = bisect_right(curve.instants_us, end[0])
    points: list[Point] = [start]
    for place in range(first, last):
        point: Point = curve.point(place)
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


def _alike(curve: Curve, stretches: list[_Stretch], compiled: CompiledTariff) -> Iterable[_Stretch]:
    """Cut where power or current comes to lie between other bounds."""
    if not compiled.instant_axes:
        return stretches
    places = compiled.places(curve.powers_milliwatt, curve.currents_microampere)
    switches = [place for place in range(1, len(places)) if places[place] != places[place - 1]]
    return (interval for stretch in stretches for interval in _intervals(curve, stretch, switches))


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


def _intervals(curve: Curve, stretch: _Stretch, columns: Sequence[int]) -> Iterator[_Stretch]:
    """The stretch cut at some of the curve's columns, each part with its power and current.

    Of samples at one instant with one register the first counts: between them nothing passes.
    """
    first, last = _first_interval(curve, stretch.start), _last_interval(curve, stretch.end)
    start, from_ = stretch.start, min(first, last)
    for column in columns[bisect_left(columns, from_) : bisect_left(columns, last)]:
        end: Point = curve.point(column)
        if start < end:
            yield _Stretch(start, end, stretch.kind, _known(curve, from_, column))
        start, from_ = end, column + 1
    yield _Stretch(start, stretch.end, stretch.kind, _known(curve, from_, last))


def _first_interval(curve: Curve, start: Point) -> int:
    """The column that ends the first interval beyond a point."""
    place = bisect_left(curve.instants_us, start[0])
    while place < len(curve.instants_us) and curve.point(place) <= start:
        place += 1
    return max(place, 1)


def _last_interval(curve: Curve, end: Point) -> int:
    """The column of the reading that closes the interval in which a point lies."""
    place = bisect_left(curve.instants_us, end[0])
    while place + 1 < len(curve.instants_us) and curve.energies_milliwh[place] < end[1]:
        place += 1
    return max(place, 1)


def _known(curve: Curve, first: int, last: int) -> _Known:
    """The range of power and of current over the intervals that end at these columns."""
    powers, currents = curve.powers_milliwatt[first - 1 : last], curve.currents_microampere[first - 1 : last]
    return _Known(*_range(powers), *_range(currents))


def _range(values: list[Exact | None]) -> tuple[Exact | None, Exact | None]:
    """Nothing is known of several intervals that is not known of each."""
    if len(values) == 1 or values[0] is None:
        return values[0], values[0]
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if len(known) == len(values) else (None, None)
