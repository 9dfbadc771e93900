"""Which rules a case exercises: they matched, and without them the result would be another.

`RULES` is a table of names and tests. A rule that no case of a campaign exercises is a fault of the generator.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from tests.second_rater.evidence import TIMES, Evidence, without
from tests.second_rater.pieces import moment_at
from tests.second_rater.rater import SESSION, fees, priced_by
from tests.second_rater.restrictions import MILLIONTHS, SECOND_US
from tests.second_rater.strategies import Case
from tests.second_rater.stretches import UNKNOWN, Kind
from tests.second_rater.totals import category
from tests.second_rater.wall_clock import wall_at

CLOCK = ("start_time", "end_time")
CALENDAR = (*CLOCK, "start_date", "end_date", "day_of_week")
ENERGY_LIMITS = ("min_kwh", "max_kwh")
DURATION_LIMITS = ("min_duration", "max_duration")
POWER_LIMITS = ("min_power", "max_power")
CURRENT_LIMITS = ("min_current", "max_current")
RESERVED = ("RESERVATION_TIME", "RESERVATION_FLAT")
BOUNDS = ("min_price", "max_price")
RESTRICTIONS = (*CALENDAR, *ENERGY_LIMITS, *DURATION_LIMITS, *POWER_LIMITS, *CURRENT_LIMITS)
ZONES = ("Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")

Test = Callable[[Evidence], bool]


def exercised(case: Case) -> set[str]:
    """The names of all rules that the case exercises."""
    evidence = Evidence(case)
    return {name for name, test in RULES.items() if test(evidence)}


def clock_windows(seen: Evidence) -> list[tuple[str | None, str | None]]:
    """Time-of-day windows of elements that are paid for."""
    paid = {element for _, element in seen.used}
    found = [limits for place, limits in enumerate(seen.limits, 1) if place in paid]
    return [(limits.get("start_time"), limits.get("end_time")) for limits in found if set(CLOCK) & limits.keys()]


def has_window(seen: Evidence, wanted: Callable[[str | None, str | None], bool]) -> bool:
    return any(wanted(*window) for window in clock_windows(seen)) and seen.needs(*CLOCK)


def offset_change_s(seen: Evidence) -> int:
    start, end = (wall_at(seen.session.zone, at) for at in (seen.session.start_us, seen.session.end_us))
    return end.offset_s - start.offset_s


def has_switch(seen: Evidence, names: tuple[str, ...]) -> bool:
    """A price that switches where nothing was read: the stretches meet, no reading stands between them."""
    told = {stretch.end for stretch in seen.course.stretches}
    inside = any(piece.stretch.length and piece.stretch.end not in told for piece in seen.pieces)
    return inside and seen.needs(*names)


def energy_met(seen: Evidence) -> bool:
    limits = {Fraction(each[name]) * MILLIONTHS for each in seen.limits for name in ENERGY_LIMITS if name in each}
    reached = {stretch.energy_end for stretch in seen.course.stretches if stretch.volume}
    return bool(limits & reached) and seen.needs(*ENERGY_LIMITS)


def duration_met(seen: Evidence) -> bool:
    limits = {each[name] * SECOND_US for each in seen.limits for name in DURATION_LIMITS if name in each}
    reached = {stretch.end - seen.course.start for stretch in seen.course.stretches if stretch.length}
    return bool(limits & reached) and seen.needs(*DURATION_LIMITS)


def clock_met(seen: Evidence) -> bool:
    times = {each[name] for each in seen.limits for name in CLOCK if name in each}
    marks = [at for stretch in seen.course.stretches for at in (stretch.start, stretch.end)]
    exact = {wall_at(seen.session.zone, at).time for at in marks if at % (60 * SECOND_US) == 0}
    return bool(times & exact) and seen.needs(*CLOCK)


def is_free_somewhere(seen: Evidence) -> bool:
    """Energy that no element prices though one has a component for it."""
    offered = any(part["type"] == "ENERGY" for each in seen.tariff["elements"] for part in each["price_components"])
    flowing = [piece for piece in seen.pieces if piece.stretch.volume]
    return offered and any(priced_by(seen.tariff, "ENERGY", piece.moment, SESSION) is None for piece in flowing)


def fee_elements(seen: Evidence) -> list[int]:
    return [fee.element for fee in fees(seen.tariff, seen.pieces, SESSION)]


def fee_begins_later(seen: Evidence) -> bool:
    lasting = [piece for piece in seen.pieces if piece.stretch.length]
    return bool(lasting and fee_elements(seen)) and priced_by(seen.tariff, "FLAT", lasting[0].moment, SESSION) is None


def has_surplus(seen: Evidence, *dimensions: str) -> bool:
    return any(charge.surplus for charge in seen.charged(*dimensions))


def surplus_follows_switch(seen: Evidence) -> bool:
    for family in (("ENERGY",), TIMES):
        found = seen.charged(*family)
        last = [charge for charge in found if charge.surplus]
        if last and any(each.dimension == last[0].dimension and each.element != last[0].element for each in found):
            return True
    return False


def free_end_after_surplus(seen: Evidence) -> bool:
    """Time runs at the end that costs nothing, and what was paid before is rounded up."""
    last = next((piece for piece in reversed(seen.pieces) if piece.stretch.length), None)
    if last is None or not has_surplus(seen, *TIMES):
        return False
    dimension = {Kind.CHARGING: "TIME", Kind.PARKING: "PARKING_TIME"}.get(last.stretch.kind)
    return dimension is not None and priced_by(seen.tariff, dimension, last.moment, SESSION) is None


def is_charging_after_parking(seen: Evidence) -> bool:
    order = [charge.dimension for charge in seen.charged(*TIMES)]
    return bool(order) and order[-1] == "TIME" and seen.policy_matters("step_size_after_parking", "parking")


def has_equal_nets(seen: Evidence) -> bool:
    """The higher rate takes a bound."""
    nets: dict[object, Fraction] = {}
    for each in seen.amounts:
        nets[each.vat] = nets.get(each.vat, Fraction(0)) + each.amount
    best = [rate for rate, net in nets.items() if net == max(nets.values())]
    return len(best) > 1 and bool(seen.total.bound) and category(seen.tariff, seen.amounts).vat is not None


def one_side_moves(seen: Evidence) -> bool:
    for name in BOUNDS:
        given = seen.tariff.get(name) or {}
        if len(given) == 1 and any(each.startswith(name) for each in seen.total.bound):
            return seen.total.excl is not None and seen.total.incl is not None
    return False


def parks_in(seen: Evidence, state: str, kind: Kind) -> bool:
    """Time of a kind under a state that was told."""
    for stretch in seen.course.stretches:
        told = [change.charging_state for change in seen.session.states if change.at_us <= stretch.start]
        if stretch.length and stretch.kind is kind and told and told[-1] == state:
            return True
    return False


def has_missing_rate(seen: Evidence) -> bool:
    rates = {amount.vat for amount in seen.amounts}
    return None in rates and len(rates) > 1


def jump_is_paid(seen: Evidence) -> bool:
    jumps = [piece for piece in seen.pieces if not piece.stretch.length and piece.stretch.volume]
    return any(priced_by(seen.tariff, "ENERGY", piece.moment, SESSION) for piece in jumps)


def last_jump_is_judged_by_before(seen: Evidence) -> bool:
    """At the very end another element would have been next."""
    if seen.course.start == seen.course.end:
        return False
    jumps = [piece for piece in seen.pieces if piece.stretch.volume and piece.stretch.start == seen.course.end]
    at_end = [moment_at(each.stretch.start, each.stretch.energy, each.stretch, seen.course) for each in jumps]
    next_ones = [priced_by(seen.tariff, "ENERGY", moment, SESSION) for moment in at_end]
    return next_ones != [priced_by(seen.tariff, "ENERGY", piece.moment, SESSION) for piece in jumps]


def unknown_current_matters(seen: Evidence) -> bool:
    unknown = any(piece.moment.current == UNKNOWN for piece in seen.pieces)
    limited = any(set(CURRENT_LIMITS) & limits.keys() for limits in seen.limits)
    return unknown and limited and seen.policy_matters("power_unknown", "match")


def power_is_sampled(seen: Evidence) -> bool:
    return any(sample.power_milliwatt is not None for sample in seen.session.samples) and seen.needs(*POWER_LIMITS)


def power_is_derived(seen: Evidence) -> bool:
    return all(sample.power_milliwatt is None for sample in seen.session.samples) and seen.needs(*POWER_LIMITS)


def has_order(seen: Evidence) -> bool:
    """The first element that matches wins over a later one that matches too."""
    return len(seen.tariff["elements"]) > 1 and seen.would_differ(lambda elements: elements[::-1])


def repeats_instant(seen: Evidence) -> bool:
    return any(before.at_us == after.at_us for before, after in pairwise(seen.session.states))


def priced_without_reservations(seen: Evidence) -> bool:
    """Elements for reservations would price the session if they were for it."""
    return seen.would_differ(lambda elements: [without(element, ("reservation",)) for element in elements])


def reservation_ends_early(seen: Evidence) -> bool:
    """Only the reserved time is paid for, not what lies between it and the session."""
    reservation = seen.session.reservation
    return reservation is not None and reservation.until_us < seen.session.start_us and bool(seen.charged(*RESERVED))


def expiry_wins(seen: Evidence) -> bool:
    """RESERVATION has a component of the dimension too."""
    found = seen.charged(*RESERVED)
    ours = [charge for charge in found if seen.meant_for(charge) == "RESERVATION_EXPIRES"]
    return any(seen.offers("RESERVATION", charge.dimension) for charge in ours)


def rest_is_supplied(seen: Evidence) -> bool:
    """An expired reservation pays by RESERVATION where RESERVATION_EXPIRES has nothing."""
    if not seen.course.is_expired_reservation:
        return False
    return {seen.meant_for(charge) for charge in seen.charged(*RESERVED)} == {"RESERVATION", "RESERVATION_EXPIRES"}


def session_elements_stay_out(seen: Evidence) -> bool:
    """An expired reservation pays nothing of what a session would."""
    has_any = any(not limits.get("reservation") for limits in seen.limits)
    return seen.course.is_expired_reservation and has_any and not seen.pieces


def both_fees(seen: Evidence) -> bool:
    return bool(seen.charged("RESERVATION_FLAT")) and bool(seen.charged("FLAT"))


def clock_in_reservation(seen: Evidence) -> bool:
    """A restriction on local time matters to reserved time."""
    limited = [set(CALENDAR) & limits.keys() for limits in seen.limits if limits.get("reservation")]
    return bool(seen.charged(*RESERVED)) and any(limited) and seen.needs(*CALENDAR)


def policy(name: str, value: str) -> Test:
    return lambda seen: seen.policy_matters(name, value)


def at_one_instant(seen: Evidence) -> bool:
    return seen.course.start == seen.course.end and not seen.course.is_expired_reservation


def time_and_parking_round_together(seen: Evidence) -> bool:
    return has_surplus(seen, *TIMES) and len({charge.dimension for charge in seen.charged(*TIMES)}) > 1


def both_sides_bind(seen: Evidence) -> bool:
    return any({f"{name} excl", f"{name} incl"} <= seen.total.bound for name in BOUNDS)


def restriction(name: str) -> Test:
    return lambda seen: seen.needs(name)


def zone(name: str) -> Test:
    return lambda seen: seen.session.zone == name and seen.needs(*CALENDAR)


def dimension(name: str) -> Test:
    return lambda seen: bool(seen.charged(name))


def step_of(name: str) -> Test:
    return lambda seen: has_surplus(seen, name)


def binds(name: str) -> Test:
    return lambda seen: name in seen.total.bound


def tax_included(name: str | None) -> Test:
    return lambda seen: seen.tariff.get("tax_included") == name and bool(seen.charges)


def state(name: str, kind: Kind) -> Test:
    return lambda seen: parks_in(seen, name, kind)


OTHER_READINGS = (
    ("step_size_after_parking", "parking"),
    ("power_unknown", "match"),
    ("restriction_scope", "period_start"),
    ("price_bounds", "ignore"),
)
KINDS_OF_STATES = (
    ("SuspendedEV", Kind.PARKING),
    ("SuspendedEV", Kind.CHARGING),
    ("SuspendedEVSE", Kind.WAITING),
    ("EVConnected", Kind.PARKING),
    ("EVConnected", Kind.CHARGING),
    ("EVConnected", Kind.WAITING),
    ("Idle", Kind.PARKING),
    ("Idle", Kind.CHARGING),
    ("Idle", Kind.WAITING),
)

RULES: dict[str, Test] = {
    **{f"restriction {name}": restriction(name) for name in RESTRICTIONS},
    "restriction reservation, outside of one": priced_without_reservations,
    "window wraps midnight": lambda seen: has_window(seen, lambda start, end: bool(start and end and start > end)),
    "window ends at 00:00": lambda seen: has_window(seen, lambda start, end: end == "00:00" and start != "00:00"),
    "window has equal ends": lambda seen: any(start == end for start, end in clock_windows(seen)),
    "window has one side": lambda seen: has_window(seen, lambda start, end: start is None or end is None),
    "night into summer time": lambda seen: offset_change_s(seen) > 0 and seen.needs(*CLOCK),
    "night out of summer time": lambda seen: offset_change_s(seen) < 0 and seen.needs(*CLOCK),
    **{f"zone {name}": zone(name) for name in ZONES},
    "clock switches between readings": lambda seen: has_switch(seen, CALENDAR),
    "energy switches between readings": lambda seen: has_switch(seen, ENERGY_LIMITS),
    "duration switches between readings": lambda seen: has_switch(seen, DURATION_LIMITS),
    "clock bound met exactly": clock_met,
    "energy bound met exactly": energy_met,
    "duration bound met exactly": duration_met,
    "power sampled": power_is_sampled,
    "power derived": power_is_derived,
    "current unknown": unknown_current_matters,
    **{f"dimension {name}": dimension(name) for name in ("ENERGY", *TIMES, "FLAT", *RESERVED)},
    "reservation that expired, its own price": expiry_wins,
    "reservation that expired, the rest": rest_is_supplied,
    "reservation that expired, no session": session_elements_stay_out,
    "reservation that ends before the session": reservation_ends_early,
    "reservation and local time": clock_in_reservation,
    "fee of a reservation and of a session": both_fees,
    "order of elements": has_order,
    "dimensions from several elements": lambda seen: len({element for _, element in seen.used}) > 1,
    "no match costs nothing": is_free_somewhere,
    "fee once though several": lambda seen: len(set(fee_elements(seen))) > 1,
    "fee begins later": fee_begins_later,
    **{f"step of {name}": step_of(name) for name in ("ENERGY", *TIMES, "RESERVATION_TIME")},
    "step of TIME and PARKING_TIME together": time_and_parking_round_together,
    "step after a switch of element": surplus_follows_switch,
    "step before a free end": free_end_after_surplus,
    "step at price zero": lambda seen: any(each.surplus and not each.component["price"] for each in seen.charges),
    "step where charging follows parking": is_charging_after_parking,
    "step of zero": lambda seen: any(each.component["step_size"] == 0 for each in seen.charged("ENERGY", *TIMES)),
    **{f"{name} binds {which}": binds(f"{name} {which}") for name in BOUNDS for which in ("excl", "incl")},
    "bound with one side moves the other": one_side_moves,
    "bound with both sides binding": both_sides_bind,
    "bound among equal nets": has_equal_nets,
    "bound without a line": lambda seen: bool(seen.total.bound) and not seen.charges,
    "bound where no tax applies": lambda seen: bool(seen.total.bound) and seen.tariff.get("tax_included") == "N/A",
    **{f"tax_included {name}": tax_included(name) for name in ("YES", "NO", "N/A", None)},
    "rate missing beside a named one": has_missing_rate,
    "before tax unknown": lambda seen: seen.total.excl is None,
    "after tax unknown": lambda seen: seen.total.incl is None and seen.tariff.get("tax_included") != "N/A",
    **{f"{name} is {kind.name.lower()}": state(name, kind) for name, kind in KINDS_OF_STATES},
    **{f"policy {name} {value}": policy(name, value) for name, value in OTHER_READINGS},
    "policy rounding half_even_total": lambda seen: seen.rounding_matters(),
    "two states at one instant": repeats_instant,
    "session without length": at_one_instant,
    "session without energy": lambda seen: not seen.course.stretches[-1].energy_end and bool(seen.charges),
    "energy that jumps": jump_is_paid,
    "energy that jumps at the last instant": last_jump_is_judged_by_before,
    "stretch without energy": lambda seen: any(each.length and not each.volume for each in seen.course.stretches),
    "one milliwatt-hour": lambda seen: any(charge.volume == 1 for charge in seen.charged("ENERGY")),
}
