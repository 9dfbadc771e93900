"""Two raters that share nothing agree to the last fraction: the pricer, and the one in `tests/second_rater`."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings

from ledger.tariff.compiled import compile_tariff
from ledger.tariff.live import Live
from ledger.tariff.parse import parse_tariff
from ledger.tariff.periods import charging_periods
from ledger.tariff.policy import policies_of
from ledger.tariff.pricer import price
from ledger.values.canonical import read_json_decimals
from tests.second_rater import campaign
from tests.second_rater.cdr import course_of
from tests.second_rater.comparison import differences, priced, readings_of, split
from tests.second_rater.exercised import RULES, exercised
from tests.second_rater.rater import rate, rate_course
from tests.second_rater.session import Reservation, Sample, Session, StateChange
from tests.second_rater.strategies import POLICIES, Case, cases
from tests.second_rater.totals import Total

# No time limit an example: a machine under load is no wrong price.
ordinary = settings(max_examples=300, deadline=None)
few = settings(max_examples=100, deadline=None)
GOLDEN = sorted(path.parent for path in (Path(__file__).parent.parent / "golden" / "tariffs").glob("*/cdr.json"))
MINUTE_US = 60_000_000
# 2026-06-05 08:00 in Amsterdam.
MORNING_US = 1_780_639_200_000_000
UNLESS_SAID = {name: default for name, (default, _) in POLICIES.items()}


@ordinary
@given(cases())
def test_two_raters_agree(case: Case) -> None:
    assert differences(case) == {}


@few
@given(cases())
def test_lines_add_up_to_what_the_second_rater_says(case: Case) -> None:
    report = priced(case)
    total = rate(case.tariff, case.session, split(case.policies))
    for side in ("excl", "incl"):
        amounts = [getattr(line, side) for line in report.lines]
        if getattr(total, side) is not None:
            assert sum(amounts, Fraction(0)) == getattr(total, side)


@few
@given(cases())
def test_the_price_does_not_depend_on_how_readings_are_merged(case: Case) -> None:
    compiled, readings = compile_tariff(parse_tariff(case.tariff), case.session.zone), readings_of(case.session)
    policies = policies_of(split(case.policies))
    merged, each = (charging_periods(readings, compiled), charging_periods(readings))
    assert price(compiled, merged, policies) == price(compiled, each, policies)


@few
@given(cases())
def test_the_live_cost_at_every_reading_is_that_of_a_session_that_ends_there(case: Case) -> None:
    session = case.session
    assume(not (session.reservation and session.reservation.expired))
    live, so_far = begun(case)
    for told in in_order(session):
        so_far = tell(live, so_far, told, session)
        total = rate(case.tariff, so_far, split(case.policies))
        assert (live.cost().excl, live.cost().incl) == (total.excl, total.incl)


Told = Sample | StateChange


def in_order(session: Session) -> list[Told]:
    """What is told of a session until its end, and its end as the last sample."""
    told: list[Told] = [*session.samples, *session.states]
    before_end = [each for each in told if each.at_us <= session.end_us]
    end = Sample(session.end_us, session.end_register_milliwh, None, None)
    return [*sorted(before_end, key=lambda each: each.at_us), end]


def begun(case: Case) -> tuple[Live, Session]:
    """A session that has only started."""
    session = case.session
    so_far = replace(until(session, session.start_us, session.start_register_milliwh), samples=(), states=())
    compiled = compile_tariff(parse_tariff(case.tariff), session.zone)
    return Live(compiled, readings_of(so_far), policies_of(split(case.policies))), so_far


def tell(live: Live, so_far: Session, told: Told, session: Session) -> Session:
    """The session as far as it is known, and the same to the live cost."""
    if isinstance(told, StateChange):
        live.add_state_change(*told)
        return replace(so_far, states=(*so_far.states, told))
    if told.at_us < session.start_us:
        return so_far
    live.add_reading(*told)
    return replace(until(so_far, told.at_us, told.register_milliwh), samples=(*so_far.samples, told))


def until(session: Session, end_us: int, register_milliwh: int) -> Session:
    return replace(session, end_us=end_us, end_register_milliwh=register_milliwh)


@pytest.mark.parametrize("example", GOLDEN, ids=lambda path: path.name)
def test_the_second_rater_agrees_with_the_worked_examples(example: Path) -> None:
    expected, cdr = (read_json_decimals((example / name).read_bytes()) for name in ("expected.json", "cdr.json"))
    for tariff in sorted(example.glob("tariff*.json")):
        total = rate_course(read_json_decimals(tariff.read_bytes()), course_of(cdr, expected["time_zone"]))
        assert printed(total) == {side: rounded(amount) for side, amount in expected["exact"].items()}


def printed(total: Total) -> dict[str, Fraction | None]:
    return {"excl_vat": rounded(total.excl), "incl_vat": rounded(total.incl)}


def rounded(amount: Any) -> Fraction | None:
    """To 12 decimals, as exact figures are printed."""
    return None if amount is None else round(Fraction(amount), 12)


def tariff_of(dimension: str, unit_price: str, **restrictions: Any) -> dict[str, Any]:
    component = {"type": dimension, "price": Decimal(unit_price), "step_size": 1}
    return {"currency": "EUR", "elements": [{"price_components": [component], "restrictions": restrictions}]}


def test_energy_that_stands_still_at_a_bound_has_reached_it() -> None:
    reached = Sample(MORNING_US + 60 * MINUTE_US, 10_000_000, None, None)
    session = Session("Europe/Amsterdam", MORNING_US, 0, MORNING_US + 120 * MINUTE_US, 10_000_000, (reached,))
    case = Case(tariff_of("TIME", "3", min_kwh=10), session, UNLESS_SAID)
    assert priced(case).excl == rate(case.tariff, session).excl == 3


def test_of_two_bounds_the_stricter_holds_where_no_tax_applies() -> None:
    session = Session("Europe/Amsterdam", MORNING_US, 0, MORNING_US + 60 * MINUTE_US, 1_000_000)
    bounds = {"tax_included": "N/A", "min_price": {"before_taxes": Decimal("2"), "after_taxes": Decimal("3")}}
    case = Case(tariff_of("ENERGY", "1") | bounds, session, UNLESS_SAID)
    assert priced(case).excl == rate(case.tariff, session).excl == 3


def test_energy_that_jumps_after_a_reservation_is_judged_at_the_start() -> None:
    reservation = Reservation(MORNING_US - 60 * MINUTE_US, MORNING_US, expired=False)
    session = Session("Europe/Amsterdam", MORNING_US, 0, MORNING_US, 1_000_000, reservation=reservation)
    case = Case(tariff_of("ENERGY", "1", start_time="08:00"), session, UNLESS_SAID)
    assert priced(case).excl == rate(case.tariff, session).excl == 1


def test_a_reservation_s_duration_counts_from_its_beginning() -> None:
    reservation = Reservation(MORNING_US - 60 * MINUTE_US, MORNING_US, expired=False)
    session = Session("Europe/Amsterdam", MORNING_US, 0, MORNING_US, 0, reservation=reservation)
    case = Case(tariff_of("TIME", "4", min_duration=900, reservation="RESERVATION"), session, UNLESS_SAID)
    assert priced(case).excl == rate(case.tariff, session).excl == 3


def test_a_case_says_which_rules_it_exercised() -> None:
    session = Session("Europe/Amsterdam", MORNING_US, 0, MORNING_US + 60 * MINUTE_US, 1_000_000)
    found = exercised(Case(tariff_of("ENERGY", "1", start_time="08:30"), session, UNLESS_SAID))
    assert {"restriction start_time", "clock switches between readings", "dimension ENERGY"} <= found
    assert not {"restriction end_time", "dimension TIME", "energy that jumps"} & found


def test_a_campaign_fails_where_a_rule_was_never_exercised(capsys: pytest.CaptureFixture[str]) -> None:
    assert campaign.main(["--examples", "3"]) == 1
    printed_lines = capsys.readouterr().out.splitlines()
    assert printed_lines[len(RULES)].split() == ["3", "cases,", "no", "difference"]
    assert "never exercised: night into summer time" in printed_lines


def test_a_campaign_ends_when_its_time_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert campaign.main(["--seconds", "0"]) == 1
    assert "       0  cases, no difference" in capsys.readouterr().out


def test_a_campaign_fails_where_the_raters_differ(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(campaign, "differences", lambda _: {"excl": (1, 2)})
    assert campaign.main(["--examples", "3"]) == 1
    assert "the raters differ (first, second): {'excl': (1, 2)}" in capsys.readouterr().out
