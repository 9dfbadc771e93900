"""Both raters on one case, and where they differ."""

from fractions import Fraction
from typing import Any

from ledger.tariff import charging_period
from ledger.tariff.charging_period import ChargingPeriod
from ledger.tariff.compiled import compile_tariff
from ledger.tariff.model import Dimension
from ledger.tariff.parse import parse_tariff
from ledger.tariff.periods import charging_periods
from ledger.tariff.policy import policies_of
from ledger.tariff.pricer import price
from ledger.tariff.readings import Readings, Reservation
from ledger.tariff.report import Report
from tests.second_rater.pieces import Course
from tests.second_rater.rater import rate_course
from tests.second_rater.session import Session
from tests.second_rater.strategies import Case
from tests.second_rater.stretches import Kind, Stretch, stretches
from tests.second_rater.totals import Total, minor

Json = dict[str, Any]
Figures = dict[str, Fraction | int | None]
KINDS = {
    Kind.CHARGING: charging_period.Kind.CHARGING,
    Kind.PARKING: charging_period.Kind.PARKING,
    Kind.WAITING: charging_period.Kind.NEITHER,
    Kind.RESERVED: charging_period.Kind.RESERVATION,
}


def readings_of(session: Session) -> Readings:
    """The session as the first rater takes it."""
    start, end = (session.start_us, session.start_register_milliwh), (session.end_us, session.end_register_milliwh)
    reservation = Reservation(*session.reservation) if session.reservation else None
    return Readings(*start, *end, session.samples, session.states, reservation)


def priced(case: Case) -> Report:
    """The first rater's result from readings; a price that switches between them splits what lies between."""
    compiled = compile_tariff(parse_tariff(case.tariff), case.session.zone)
    return price(compiled, charging_periods(readings_of(case.session), compiled), policies_of(split(case.policies)))


def priced_by_periods(case: Case) -> Report:
    """The first rater's result from the stretches that the second one has made, as from a partner's CDR."""
    compiled = compile_tariff(parse_tariff(case.tariff), case.session.zone)
    periods = [period_of(stretch) for stretch in stretches(case.session)]
    return price(compiled, periods, policies_of(case.policies))


def period_of(stretch: Stretch) -> ChargingPeriod:
    times, energies = (stretch.start, stretch.end), (stretch.energy, stretch.energy_end)
    return ChargingPeriod(*times, KINDS[stretch.kind], *energies, *stretch.power, *stretch.current)


def split(policies: dict[str, str]) -> dict[str, str]:
    return {**policies, "restriction_scope": "split"}


def differences(case: Case) -> dict[str, tuple[object, object]]:
    """What the two do not agree on: the first rater's figure and the second's."""
    course = Course(case.session.zone, stretches(case.session))
    ways = {
        "readings": (priced(case), split(case.policies)),
        "periods": (priced_by_periods(case), case.policies),
    }
    found: dict[str, tuple[object, object]] = {}
    for way, (report, policies) in ways.items():
        first = figures_of(report, case.tariff)
        second = figures(rate_course(case.tariff, course, policies), case.tariff, policies)
        found |= {f"{name} from {way}": (first[name], second[name]) for name in second if first[name] != second[name]}
    return found


def figures_of(report: Report, tariff: Json) -> Figures:
    """Totals, and dimensions on the side that the tariff's prices give."""
    found: Figures = {"excl": report.excl, "incl": report.incl}
    found |= {"excl_minor": report.excl_minor, "incl_minor": report.incl_minor}
    for dimension in Dimension:
        cost = report.cost_of(dimension)
        found[dimension.name] = cost.incl if tariff.get("tax_included") == "YES" else cost.excl
    return found


def figures(total: Total, tariff: Json, policies: dict[str, str]) -> Figures:
    """The same of the second rater."""
    rounded = {f"{side}_minor": minor(getattr(total, side), tariff, policies["rounding"]) for side in ("excl", "incl")}
    by_dimension = {each.name: total.dimensions.get(each.name, Fraction(0)) for each in Dimension}
    return {"excl": total.excl, "incl": total.incl, **rounded, **by_dimension}
