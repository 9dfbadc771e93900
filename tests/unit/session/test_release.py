"""The life of a hold: given a held session, when a person decides, then facts or a refusal."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.session.consequences import consequences
from ledger.session.decide import TwoEndsError, end_session
from ledger.session.events import HoldReason, RegisterSubstituted, SessionRated, SessionReleased, SessionWaived
from ledger.session.release import (
    Order,
    Role,
    Substitute,
    refuse_above,
    refuse_unbillable,
    release_session,
    waive_session,
)
from ledger.session.state import Session, evolve
from ledger.store.fact import Fact
from ledger.values.refusal import RefusedError, RepeatedError
from tests.building import Event, end, fact_of, minute, reading
from tests.unit.session.build import compiled, cost_in, given, held_codes, started

TARIFF = compiled()
JUMP = [reading("S", 1, "910.031"), end("S", 2, "910.114")]


def order(role: Role = "operator") -> Order:
    return Order("anna", role, minute(600), "display read on site")


def then(session: Session, facts: Any, *, is_released: bool = False) -> list[Fact]:
    """The facts, with all that follows, as part of the session."""
    found = []
    for fact in facts:
        evolve(session, fact)
        found.append(fact)
    for fact in consequences(session, TARIFF, is_released=is_released).facts:
        evolve(session, fact)
        found.append(fact)
    return found


def held(*events: Event, kwh: str = "0", **data: Any) -> Session:
    """A session of 11 kW with its holds; by default a start of 0 before a real register."""
    session = given(started(kwh=kwh, max_power_kw="11", **data))
    then(session, map(fact_of, events or JUMP))
    return session


def release(session: Session, *substitutes: Substitute, role: Role = "operator") -> list[Fact]:
    return then(session, release_session(session, order(role), substitutes), is_released=True)


def kinds(facts: Sequence[Fact]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def test_a_released_session_is_rated_again_as_one_that_may_be_billed() -> None:
    session = held()
    assert session.rated is not None
    assert session.rated.holds == ("IMPLAUSIBLE_JUMP",)
    facts = release(session)
    assert kinds(facts) == ["SessionReleased", "SessionRated"]
    assert (cost_in(facts).revision, cost_in(facts).holds, cost_in(facts).amount_minor) == (2, (), 27303)


def test_a_release_names_who_why_and_the_pairs_that_it_settles() -> None:
    session = held()
    (released, _) = release(session)
    assert isinstance(released, SessionReleased)
    assert released.reasons == (HoldReason(code="IMPLAUSIBLE_JUMP", because="/test metered@1"),)
    assert (released.actor, released.because, released.occurred_at) == ("anna", "display read on site", minute(600))
    assert session.held == set()


def test_only_a_new_pair_holds_again() -> None:
    session = held()
    release(session)
    assert held_codes(then(session, [fact_of(reading("S", -1, "0"))])) == []
    assert held_codes(then(session, [fact_of(reading("S", 3, "950"))])) == ["ENERGY_AFTER_END"]


def test_a_substituted_register_counts_and_the_reported_one_stays() -> None:
    session = held()
    facts = release(session, Substitute("started@0", 910_031_000))
    assert kinds(facts) == ["RegisterSubstituted", "SessionReleased", "SessionRated"]
    assert isinstance(facts[0], RegisterSubstituted)
    assert (facts[0].reported_milliwh, facts[0].register_milliwh) == (0, 910_031_000)
    assert (cost_in(facts).energy_milliwh, cost_in(facts).amount_minor) == (83_000, 2)
    assert cost_in(facts).substituted == ("/test started@0",)


def test_a_reading_and_an_end_can_be_substituted_too() -> None:
    session = held(reading("S", 10, "1002"), reading("S", 20, "902"), end("S", 30, "900"), kwh="1000")
    assert session.rated is None
    by = [Substitute("/test metered@20", 1_004_000_000), Substitute("/test ended@30", 1_005_000_000)]
    facts = release(session, *by)
    assert (cost_in(facts).energy_milliwh, cost_in(facts).revision, held_codes(facts)) == (5_000_000, 1, [])


def test_a_substitute_that_makes_another_interval_implausible_holds_anew() -> None:
    session = held()
    facts = release(session, Substitute("metered@1", 100_000))
    assert kinds(facts) == ["RegisterSubstituted", "SessionReleased", "SessionHeld", "SessionRated"]
    assert (session.held, cost_in(facts).holds) == (
        {HoldReason(code="IMPLAUSIBLE_JUMP", because="/test ended@2")},
        ("IMPLAUSIBLE_JUMP",),
    )


@pytest.mark.parametrize(("name", "problem"), [("nothing", "names no reading"), ("metered@1", "names 2 readings")])
def test_a_substitute_must_name_one_reading(name: str, problem: str) -> None:
    twice = [reading("S", 1, "910.031"), reading("S", 1, "910.031", context="Sample.Clock").under(source="/other")]
    session = held(*twice, end("S", 2, "910.114"))
    with pytest.raises(RefusedError, match=problem):
        list(release_session(session, order(), [Substitute(name, 1)]))


def test_registers_that_run_backwards_cannot_be_released_as_they_are() -> None:
    session = held(reading("S", 10, "1002"), reading("S", 20, "1001"), end("S", 30, "1005"), kwh="1000")
    release(session)
    with pytest.raises(RefusedError, match="METER_WENT_BACKWARDS cannot be released"):
        refuse_unbillable(session)


@pytest.mark.parametrize("session", [given(started()), given(started(), fact_of(end("S")))])
def test_what_is_not_held_cannot_be_released_or_waived(session: Session) -> None:
    with pytest.raises(RefusedError, match=r"has not ended|is not held"):
        list(release_session(session, order(), []))
    with pytest.raises(RefusedError, match=r"has not ended|is not held"):
        list(waive_session(session, order()))
    with pytest.raises(RefusedError, match="no such session"):
        list(waive_session(Session(), order()))


def test_a_waived_session_stays_as_it_is_whatever_comes() -> None:
    session = held()
    assert kinds(then(session, waive_session(session, order()))) == ["SessionWaived"]
    assert then(session, [fact_of(reading("S", 60, "2000"))])[1:] == []
    with pytest.raises(RefusedError, match="waived already"):
        list(waive_session(session, order()))


def test_finance_may_release_what_was_waived_and_nobody_else() -> None:
    session = held()
    then(session, waive_session(session, order()))
    with pytest.raises(RefusedError, match="only the role finance"):
        list(release_session(session, order(), []))
    facts = release(session, role="finance")
    assert (cost_in(facts).holds, session.is_waived) == ((), False)


def test_an_operator_decides_up_to_an_amount() -> None:
    session = held()
    rated: SessionRated | None = session.rated
    refuse_above(rated, order(), Decimal("273.03"))
    refuse_above(rated, order("finance"), Decimal(0))
    refuse_above(None, order(), Decimal(0))
    with pytest.raises(RefusedError, match=r"273\.03 EUR is above 273\.02: only the role finance"):
        refuse_above(rated, order(), Decimal("273.02"))


# --- holds that end by themselves ------------------------------------------------------------------------------------


def test_a_gap_that_closes_releases_its_session() -> None:
    session = held(reading("S", 10, "1001", seq_no=1), end("S", 60, "1010", seq_no=3), kwh="1000", seq_no=0)
    assert session.held == {HoldReason(code="SEQ_GAP", because="/test ended@60")}
    facts = then(session, [fact_of(reading("S", 20, "1003", seq_no=2))])
    assert kinds(facts) == ["MeterRecorded", "SessionReleased", "SessionRated"]
    assert (cost_in(facts).holds, cost_in(facts).revision, session.held) == ((), 2, set())


def test_while_another_reason_is_left_no_cost_is_said_again() -> None:
    session = held(end("S", 60, "1050", seq_no=2), kwh="1000", seq_no=0)
    facts = then(session, [fact_of(reading("S", 30, "1001", seq_no=1))])
    released = next(fact for fact in facts if isinstance(fact, SessionReleased))
    assert (released.reasons[0].code, released.actor) == ("SEQ_GAP", None)
    assert released.still_held == ("IMPLAUSIBLE_JUMP",)
    assert session.held == {HoldReason(code="IMPLAUSIBLE_JUMP", because="/test ended@60")}


def test_what_went_by_itself_can_hold_again() -> None:
    session = held()
    reason = HoldReason(code="METER_FROZEN", because="/test ended@2")
    gone = SessionReleased(
        tenant="default", session_id="S", occurred_at=minute(3), reasons=(reason,), because="it is no longer so"
    )
    evolve(session, gone)
    assert reason not in session.settled


# --- a second end, an estimated one ----------------------------------------------------------------------------------


def test_a_second_end_with_other_data_is_refused_and_names_the_hold() -> None:
    session = held(end("S"), kwh="1000")
    with pytest.raises(TwoEndsError) as refused:
        end_session(session, fact_of(end("S", 61, "1011")))
    assert refused.value.reason == HoldReason(code="TWO_ENDS", because="/test ended@61")


def test_an_end_that_repeats_what_was_reported_is_a_repeat_also_after_a_substitution() -> None:
    session = held(end("S", 30, "900"), kwh="1000")
    release(session, Substitute("ended@30", 1_005_000_000))
    with pytest.raises(RepeatedError):
        end_session(session, fact_of(end("S", 30, "900").under(id="again")))


def test_the_real_end_takes_the_place_of_an_estimated_one_and_releases_it() -> None:
    estimated = replace(fact_of(end("S", 30, "1005")), estimated=True)
    session = given(started(max_power_kw="11"))
    assert held_codes(then(session, [estimated])) == ["END_ESTIMATED"]
    real = end_session(session, fact_of(end("S", 60, "1010")))
    facts = then(session, [real])
    assert kinds(facts) == ["SessionEnded", "SessionReleased", "SessionRated"]
    assert (cost_in(facts).energy_milliwh, cost_in(facts).holds, cost_in(facts).revision) == (10_000_000, (), 2)


def test_waiving_names_the_pairs_that_held() -> None:
    session = held()
    (waived,) = waive_session(session, order())
    assert isinstance(waived, SessionWaived)
    assert waived.reasons == (HoldReason(code="IMPLAUSIBLE_JUMP", because="/test metered@1"),)
