"""What the rules find in a session that has ended: one walk over its readings for each, in sample order."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import groupby, islice, pairwise
from typing import Any, Final

from ledger.session.events import SessionEnded, SessionStarted, Verdict
from ledger.session.plausibility.course import Course
from ledger.session.plausibility.rules import (
    ENERGY_AFTER_END,
    ENERGY_BELOW_POWER,
    ENERGY_WHILE_PARKED,
    IMPLAUSIBLE_JUMP,
    METER_FROZEN,
    SAMPLE_AFTER_END,
    SEQ_GAP,
    Rules,
)
from ledger.session.state import Session, message_name
from ledger.tariff.charging_state import CHARGING_STATE, constant_kind
from ledger.tariff.readings import TOLERANCE_MILLIWH, Curve, Readings
from ledger.values.energy import from_milliwh
from ledger.values.money import fraction_to_text
from ledger.values.time import US_PER_HOUR, US_PER_S

# A meter gone mad gives as many findings as readings; the first ones say all that a person needs.
FINDINGS_MAX: Final = 10

# Kilowatt-hours labelled as watt-hours differ by 1000; sampled powers are never wrong by 100.
POWER_RATIO: Final = 100

PERCENT: Final = 100


def judge(
    session: Session, started: SessionStarted, ended: SessionEnded, readings: Readings, rules: Rules
) -> list[Verdict]:
    """All that is remarkable, in the order of the rules. `readings`: those of the session, as it is priced."""
    verdicts = list(_gaps(session, started, ended, rules))
    if readings.end_us >= readings.start_us:
        course = Course(session, started, ended, readings)
        for find in FINDERS:
            verdicts.extend(islice(find(course, rules), FINDINGS_MAX))
    return verdicts


def _verdict(rules: Rules, code: str, readings: tuple[str, ...], found: str) -> Verdict:
    return Verdict(code=code, because=readings[-1], policy=rules.policy_of(code), readings=readings, found=found)


def _jumps(course: Course, rules: Rules) -> Iterator[Verdict]:
    """More energy between two samples than the connector can deliver in the time, and one register step."""
    power_milliw = course.started.power_milliw_max or rules.power_milliw_max(course.started.power_type)
    # Both sides of energy > power x time x margin + step, multiplied out so that integers stay exact.
    scale, limit = US_PER_HOUR * PERCENT, power_milliw * rules.power_margin_percent
    step, rises, passed = rules.register_step_milliwh, course.rises_milliwh, course.passed_us
    if (max(rises) - step) * scale <= min(passed) * limit:
        return
    for place, (rise, passed_us) in enumerate(zip(rises, passed, strict=True)):
        if (rise - step) * scale > passed_us * limit:
            most = from_milliwh(passed_us * limit // scale + step)
            found = f"{from_milliwh(rise)} kWh in {_seconds(passed_us)} s, {most} kWh at most"
            yield _verdict(rules, IMPLAUSIBLE_JUMP, (course.name(place), course.name(place + 1)), found)


def _below_power(course: Course, rules: Rules) -> Iterator[Verdict]:
    """Registers that rise by a small part of what the sampled powers tell: most likely another unit than labelled."""
    powers = [sample[2] for sample in course.readings.samples]
    most, rise = max(filter(None, powers), default=0), course.registers_milliwh[-2] - course.registers_milliwh[0]
    if not most or (None not in powers and rise * POWER_RATIO * US_PER_HOUR >= most * sum(course.passed_us)):
        return
    places = [place for place, power in enumerate(powers) if power is not None]
    measured = sum(course.rises_milliwh[place] for place in places)
    told = sum((powers[place] or 0) * course.passed_us[place] for place in places) // US_PER_HOUR
    if told > rules.register_step_milliwh and 0 <= measured * POWER_RATIO < told:
        found = f"{from_milliwh(measured)} kWh where the sampled powers tell of {from_milliwh(told)} kWh"
        yield _verdict(rules, ENERGY_BELOW_POWER, (course.name(places[0]), course.name(places[-1] + 1)), found)


def _frozen(course: Course, rules: Rules) -> Iterator[Verdict]:
    """A register that stands still for long while the station says that it charges."""
    least_us = rules.frozen_s * US_PER_S
    if 0 not in course.rises_milliwh or course.readings.end_us - course.readings.start_us < least_us:
        return
    spans = [(since, until) for name, since, until in course.stated if name == CHARGING_STATE]
    spans = [span for span in _joined(spans) if span[1] - span[0] >= least_us]
    if not spans:
        return
    ends = [until for _, until in spans]
    for first, last in _standstills(course.registers_milliwh):
        since_us, until_us = course.instants_us[first], course.instants_us[last]
        if until_us - since_us < least_us:
            continue
        for span in spans[bisect_right(ends, since_us) :]:
            if span[0] >= until_us:
                break
            stood_us = min(until_us, span[1]) - max(since_us, span[0])
            if stood_us >= least_us:
                found = f"no energy in {_seconds(stood_us)} s of charging"
                yield _verdict(rules, METER_FROZEN, (course.name(first), course.name(last)), found)


def _joined(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans that follow each other without a break are one."""
    start: int | None = None
    for place, (since, until) in enumerate(spans):
        start = since if start is None else start
        if place + 1 == len(spans) or spans[place + 1][0] > until:
            yield start, until
            start = None


def _standstills(registers: list[int]) -> Iterator[tuple[int, int]]:
    """The first and the last place of each run of equal registers."""
    place = 0
    for _, run in groupby(registers):
        length = len(list(run))
        if length > 1:
            yield place, place + length - 1
        place += length


def _parked(course: Course, rules: Rules) -> Iterator[Verdict]:
    """Energy in a state without power: the pricer takes that interval for charging, and the note says so."""
    quiet = [span for span in course.stated if constant_kind(span[0]) is None]
    instants, registers = course.instants_us, course.registers_milliwh
    if not quiet or min(course.rises_milliwh) < 0:
        return
    curve = Curve(course.readings)
    for state, since_us, until_us in quiet:
        first, last = bisect_right(instants, since_us), bisect_left(instants, until_us)
        if registers[min(last, len(registers) - 1)] - registers[max(first - 1, 0)] <= TOLERANCE_MILLIWH:
            continue
        inside = [register - registers[0] for register in registers[first:last]]
        energies = [curve.energy_at(since_us), *inside, curve.energy_at(until_us)]
        most = max(after - before for before, after in pairwise(energies))
        if most > TOLERANCE_MILLIWH:
            readings = (course.name(max(first - 1, 0)), course.name(min(last, len(instants) - 1)))
            yield _verdict(rules, ENERGY_WHILE_PARKED, readings, f"{from_milliwh(int(most))} kWh while {state}")


def _after_end(course: Course, rules: Rules) -> Iterator[Verdict]:
    """Samples after the end are no part of the session; a meter may creep, but not run."""
    for reading in course.after_end():
        crept = reading.register_milliwh - course.ended.register_milliwh
        code = SAMPLE_AFTER_END if abs(crept) <= rules.tolerance_milliwh else ENERGY_AFTER_END
        yield _verdict(rules, code, (message_name(course.ended), message_name(reading)), f"{from_milliwh(crept)} kWh")


def _gaps(session: Session, started: SessionStarted, ended: SessionEnded, rules: Rules) -> Iterator[Verdict]:
    """Numbers of the station's own counting that never came, from the first to the end's."""
    stated: set[Any] = {reading.seq_no for reading in session.readings}
    stated.update([started.seq_no, ended.seq_no, *[state.seq_no for state in session.states]])
    stated.discard(None)
    if not stated or ((ended.seq_no or max(stated)) == max(stated) and max(stated) - min(stated) < len(stated)):
        return
    numbers = sorted(stated)
    known = numbers if ended.seq_no is None else numbers[: bisect_right(numbers, ended.seq_no)]
    missing = [(before + 1, after - 1) for before, after in pairwise(known) if after > before + 1]
    if missing:
        more = " and more" if len(missing) > FINDINGS_MAX else ""
        shown = ", ".join(_span(*gap) for gap in missing[:FINDINGS_MAX])
        yield _verdict(rules, SEQ_GAP, (message_name(ended),), f"seq_no {shown}{more} did not come")


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


FINDERS: Final[tuple[Callable[[Course, Rules], Iterator[Verdict]], ...]] = (
    _jumps,
    _below_power,
    _frozen,
    _parked,
    _after_end,
)


def _seconds(duration_us: int) -> str:
    return fraction_to_text(Fraction(duration_us, US_PER_S))
