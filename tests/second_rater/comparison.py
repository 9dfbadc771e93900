"""Both raters on one case, and where they differ."""

from fractions import Fraction
from typing import Any

from ledger.tariff.compiled import compile_tariff
from ledger.tariff.model import Dimension
from ledger.tariff.parse import parse_tariff
from ledger.tariff.periods import charging_periods
from ledger.tariff.pricer import price
from ledger.tariff.readings import Readings
from ledger.tariff.report import Report
from tests.second_rater.rater import rate
from tests.second_rater.session import Session
from tests.second_rater.totals import Total

Json = dict[str, Any]


def readings_of(session: Session) -> Readings:
    """The session as the first rater takes it."""
    start, end = (session.start_us, session.start_register_milliwh), (session.end_us, session.end_register_milliwh)
    return Readings(*start, *end, session.samples, session.states)


def priced(tariff: Json, session: Session, *, merged: bool = True) -> Report:
    """The first rater's result."""
    compiled = compile_tariff(parse_tariff(tariff), session.zone)
    return price(compiled, charging_periods(readings_of(session), compiled if merged else None))


def differences(tariff: Json, session: Session) -> dict[str, tuple[Fraction | None, Fraction | None]]:
    """What the two do not agree on: the first rater's figure and the second's."""
    first, second = figures_of(priced(tariff, session), tariff), figures(rate(tariff, session))
    return {name: (first[name], second[name]) for name in second if first[name] != second[name]}


def figures_of(report: Report, tariff: Json) -> dict[str, Fraction | None]:
    """Totals, and dimensions on the side that the tariff's prices give."""
    found = {"excl": report.excl, "incl": report.incl}
    for dimension in Dimension:
        cost = report.cost_of(dimension)
        found[dimension.name] = cost.incl if tariff.get("tax_included") == "YES" else cost.excl
    return found


def figures(total: Total) -> dict[str, Fraction | None]:
    by_dimension = {each.name: total.dimensions.get(each.name, Fraction(0)) for each in Dimension}
    return {"excl": total.excl, "incl": total.incl, **by_dimension}
