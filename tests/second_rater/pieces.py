"""Where a session must be cut so that no restriction of a tariff changes inside a piece."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from tests.second_rater.restrictions import MILLIONTHS, SECOND_US, Json, Moment
from tests.second_rater.stretches import Kind, Stretch
from tests.second_rater.wall_clock import changes, wall_at


@dataclass(frozen=True)
class Piece:
    """A stretch over which no restriction changes, and the moment that stands for all of it."""

    stretch: Stretch
    moment: Moment


@dataclass(frozen=True)
class Course:
    """A session's stretches in order, the place's zone, and how doubts are settled."""

    zone: str
    stretches: list[Stretch]
    unknown_matches: bool = False
    judged_at_start: bool = False

    @property
    def start(self) -> Fraction:
        """Of the session: after the reservation; one that expired has none before its end."""
        return next((each.start for each in self.stretches if each.kind is not Kind.RESERVED), self.end)

    @property
    def end(self) -> Fraction:
        return self.stretches[-1].end

    @property
    def is_expired_reservation(self) -> bool:
        return all(each.kind is Kind.RESERVED for each in self.stretches)


def pieces(tariff: Json, course: Course) -> list[Piece]:
    """In order of time; a jump of the register at one instant has pieces without length."""
    if course.judged_at_start:
        return [Piece(part, moment_at_start(part, course)) for part in course.stretches]
    limits = [element.get("restrictions") or {} for element in tariff["elements"]]
    clock = clock_changes(limits, course)
    cut = [part for stretch in course.stretches for part in cut_up(stretch, limits, clock)]
    return [Piece(part, moment_of(part, course)) for part in cut]


def clock_changes(limits: list[Json], course: Course) -> list[Fraction]:
    """Instants of the wall's clock and of the time since the start."""
    times = {limit[name] for limit in limits for name in ("start_time", "end_time") if limit.get(name)}
    durations = {limit[name] for limit in limits for name in ("min_duration", "max_duration") if limit.get(name)}
    on_the_wall = changes(course.zone, course.stretches[0].start, course.end, times)
    starts = {course.start, course.stretches[0].start}
    return [*on_the_wall, *(start + each * SECOND_US for start in starts for each in durations)]


def cut_up(stretch: Stretch, limits: list[Json], clock: list[Fraction]) -> Iterator[Stretch]:
    energies = {
        Fraction(limit[name]) * MILLIONTHS for limit in limits for name in ("min_kwh", "max_kwh") if name in limit
    }
    crossed = sorted(each for each in energies if stretch.energy < each < stretch.energy_end)
    if not stretch.length:
        marks = [stretch.energy, *crossed, stretch.energy_end]
        return (replace(stretch, energy=low, energy_end=high) for low, high in pairwise(marks))
    instants = {stretch.start + (each - stretch.energy) * stretch.length / stretch.volume for each in crossed}
    instants |= {each for each in clock if stretch.start < each < stretch.end}
    return (stretch.between(*ends) for ends in pairwise([stretch.start, *sorted(instants), stretch.end]))


def moment_of(part: Stretch, course: Course) -> Moment:
    """The middle of a piece stands for it: nothing changes inside."""
    middle = (part.start + part.end) / 2
    return moment_at(before_the_end(middle, course), (part.energy + part.energy_end) / 2, part, course)


def moment_at_start(part: Stretch, course: Course) -> Moment:
    return moment_at(before_the_end(part.start, course), part.energy, part, course)


def moment_at(instant: Fraction, energy: Fraction, part: Stretch, course: Course) -> Moment:
    """Reserved time counts from the reservation's beginning, all other time from the session's start."""
    return Moment(
        wall=wall_at(course.zone, instant),
        energy=energy,
        elapsed=instant - (course.stretches[0].start if part.kind is Kind.RESERVED else course.start),
        power=part.power,
        current=part.current,
        unknown_matches=course.unknown_matches,
    )


def before_the_end(instant: Fraction, course: Course) -> Fraction:
    """What is reached only at the last instant does not count: a jump there is judged by what held before it.

    Clocks switch at whole microseconds, so half of one before the end nothing has switched yet.
    """
    return course.end - Fraction(1, 2) if course.start < instant == course.end else instant
