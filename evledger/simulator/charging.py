"""What a vehicle draws from a connector between plugging in and leaving, as a station samples it.

Energy is integer milliwatt-hours, power integer watts, instants integer seconds since 1970.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Final, Literal, NamedTuple

State = Literal["Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected"]

_MILLIWH_PER_WATTSECOND_TIMES_3600: Final = 1_000
_FULL_PERMILLE: Final = 1_000
# Power by charge level, as (level, power) in permille of battery and of the most that vehicle and
# connector agree on: an AC charger holds it to the last, a DC charger falls off from the middle.
_AC_TAPER: Final = ((0, 1_000), (950, 1_000), (1_000, 250))
_DC_TAPER: Final = ((0, 1_000), (500, 1_000), (800, 500), (1_000, 120))
# No two intervals of a real charge have quite the same power.
_LEAST_POWER_PERMILLE: Final = 960
_ESTIMATE_STEP_S: Final = 60


class Vehicle(NamedTuple):
    battery_wh: int
    ac_power_w_max: int
    dc_power_w_max: int


VEHICLES: Final = (
    Vehicle(24_000, 3_700, 46_000),
    Vehicle(40_000, 7_400, 50_000),
    Vehicle(52_000, 22_000, 100_000),
    Vehicle(60_000, 11_000, 120_000),
    Vehicle(77_000, 11_000, 170_000),
    Vehicle(95_000, 11_000, 250_000),
    Vehicle(105_000, 22_000, 300_000),
)


class Stay(NamedTuple):
    """When a vehicle stands at a connector and when it may charge; a pause is the station's doing."""

    begin_s: int
    end_s: int
    charging_from_s: int
    interval_s: int
    pause_s: tuple[int, int] | None = None


class Point(NamedTuple):
    """What the station reports at one instant: a sample, and the new state if it has changed.

    `energy_milliwh` counts from the session's start; `level_permille` is the state of charge.
    """

    at_s: int
    energy_milliwh: int
    power_w: int
    level_permille: int
    state: State | None = None


@dataclass(slots=True)
class Charge:
    """A battery filling up. `level_milliwh` and `energy_milliwh` move together from their first values."""

    power_w_max: int
    capacity_milliwh: int
    level_milliwh: int
    target_milliwh: int
    is_dc: bool
    rng: Random
    energy_milliwh: int = 0
    power_w: int = field(default=0)
    is_on: bool = False

    @property
    def level_permille(self) -> int:
        return self.level_milliwh * _FULL_PERMILLE // self.capacity_milliwh

    @property
    def missing_milliwh(self) -> int:
        return self.target_milliwh - self.level_milliwh

    def run(self, seconds: int) -> int:
        """Charge for so long or until the target is reached; the seconds that it took."""
        self.power_w = self._next_power_w() if self.is_on else 0
        if not self.is_on:
            return seconds
        needed_s = -(-self.missing_milliwh * 3_600 // (self.power_w * _MILLIWH_PER_WATTSECOND_TIMES_3600))
        taken_s = min(seconds, needed_s)
        self._add(min(self.missing_milliwh, energy_of(self.power_w, taken_s)))
        return taken_s

    def point(self, at_s: int, state: State | None = None) -> Point:
        return Point(at_s, self.energy_milliwh, self.power_w, self.level_permille, state)

    def _next_power_w(self) -> int:
        taper = power_permille(self.level_permille, self.is_dc)
        return self.power_w_max * taper * self.rng.randint(_LEAST_POWER_PERMILLE, 1_000) // 1_000_000

    def _add(self, energy_milliwh: int) -> None:
        self.energy_milliwh += energy_milliwh
        self.level_milliwh += energy_milliwh


def energy_of(power_w: int, seconds: int) -> int:
    """Milliwatt-hours, rounded down."""
    return power_w * seconds * _MILLIWH_PER_WATTSECOND_TIMES_3600 // 3_600


def power_permille(level_permille: int, is_dc: bool) -> int:
    """Share of the greatest power that a battery takes at this level."""
    taper = _DC_TAPER if is_dc else _AC_TAPER
    for (low, at_low), (high, at_high) in pairwise(taper):
        if level_permille <= high:
            return at_low + (at_high - at_low) * (level_permille - low) // (high - low)
    return taper[-1][1]


def course(stay: Stay, charge: Charge) -> Iterator[Point]:
    """All points of a stay in time order, the last one at its end; a change of state brings a sample."""
    now_s = stay.begin_s
    for at_s, state in _marks(stay):
        yield from _full_before(at_s, now_s, charge)
        now_s = at_s
        yield charge.point(at_s, _switched(charge, state))


def _full_before(at_s: int, now_s: int, charge: Charge) -> Iterator[Point]:
    """Run to `at_s`; if the vehicle stops asking for power on the way, a point says so."""
    was_on = charge.is_on
    taken_s = charge.run(at_s - now_s)
    if was_on and not charge.missing_milliwh and now_s + taken_s < at_s:
        charge.is_on = False
        yield charge.point(now_s + taken_s, "SuspendedEV")
        charge.power_w = 0


def _switched(charge: Charge, state: State | None) -> State | None:
    """The new state, if there is one: a full vehicle stays suspended whatever the station does."""
    if state is None or not charge.missing_milliwh:
        return None
    charge.is_on = state == "Charging"
    return state


def _marks(stay: Stay) -> list[tuple[int, State | None]]:
    """Instants at which something happens by itself: samples, the first charging, the pause, the end."""
    marks: dict[int, State | None] = dict.fromkeys(range(stay.begin_s + stay.interval_s, stay.end_s, stay.interval_s))
    marks[stay.charging_from_s] = "Charging"
    if stay.pause_s is not None:
        marks[stay.pause_s[0]] = "SuspendedEVSE"
        marks[stay.pause_s[1]] = "Charging"
    marks[stay.end_s] = None
    return sorted(marks.items())


def seconds_to_target(charge: Charge) -> int:
    """About how long the charge takes, by minutes at the power of each level."""
    level, seconds = charge.level_milliwh, 0
    while level < charge.target_milliwh:
        permille = power_permille(level * _FULL_PERMILLE // charge.capacity_milliwh, charge.is_dc)
        level += energy_of(charge.power_w_max * permille // 1_000, _ESTIMATE_STEP_S)
        seconds += _ESTIMATE_STEP_S
    return seconds
