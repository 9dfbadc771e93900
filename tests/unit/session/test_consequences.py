"""What follows from a session's facts: a hold, a cost, the next revision, or nothing."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from ledger.account.events import Terms
from ledger.session.consequences import consequences
from ledger.session.events import Cost, SessionHeld, SessionRated, SessionReleased
from ledger.session.pricing import Pricing, Slots
from ledger.session.rating import rate_session
from ledger.session.state import Session, evolve
from ledger.store.fact import Fact
from ledger.tariff.policy import Policies
from ledger.tariff.pricer import NO_SLOTS
from ledger.values.time import to_us
from tests.building import component, end, fact_of, minute, reading, state
from tests.unit.session.build import BUSINESS, compiled, cost_in, given, held_codes, started

ENDED = fact_of(end("S"))
TARIFF = compiled()


def follow(session: Session, tariff: Any = TARIFF, slots: Slots = NO_SLOTS) -> list[Fact]:
    """The consequences, which become part of the session."""
    facts = []
    for fact in consequences(session, tariff, slots=slots).facts:
        evolve(session, fact)
        facts.append(fact)
    return facts


def follow_up(session: Session, *facts: Fact, tariff: Any = TARIFF) -> list[Fact]:
    for fact in facts:
        evolve(session, fact)
    return follow(session, tariff)


def test_a_session_that_runs_has_no_consequences() -> None:
    assert follow(given(started()), None) == []


def test_an_ended_session_is_rated_once() -> None:
    session = given(started(), ENDED)
    rated = cost_in(follow(session))
    assert (rated.revision, rated.energy_milliwh, rated.amount_minor, rated.holds) == (1, 10_000_000, 300, ())
    assert follow(session) == []


# --- revisions -------------------------------------------------------------------------------------------------------


def test_a_late_reading_that_changes_neither_energy_nor_cost_stays_quiet() -> None:
    session = given(started(), ENDED)
    follow(session)
    assert follow_up(session, fact_of(reading("S", 15, "1002"))) == []


def test_a_late_fact_that_changes_the_cost_makes_the_next_revision() -> None:
    tariff = compiled(component("ENERGY", "0.30"), component("PARKING_TIME", "6"))
    session = given(started(), fact_of(reading("S", 30, "1010")), ENDED)
    follow(session, tariff)
    rated = cost_in(follow_up(session, fact_of(state("S", 30, "SuspendedEV")), tariff=tariff))
    assert (rated.revision, rated.amount_minor) == (2, 600)


@pytest.mark.parametrize("outside", [reading("S", -1, "1"), state("S", 60, "SuspendedEV")])
def test_what_lies_outside_of_the_session_stays_quiet(outside: Any) -> None:
    session = given(started(), ENDED)
    follow(session)
    assert follow_up(session, fact_of(outside)) == []


def test_the_order_of_arrival_makes_no_difference() -> None:
    tariff = compiled(component("ENERGY", "0.30"), component("PARKING_TIME", "6", step_size=300))
    facts = [
        fact_of(event)
        for event in (
            reading("S", 10, "1004"),
            state("S", 20, "SuspendedEV"),
            reading("S", 20, "1010"),
            state("S", 40, "Charging"),
            reading("S", 41, "1010"),
        )
    ]
    in_order = cost_in(follow(given(started(), *facts, ENDED), tariff))
    session = given(started(), ENDED)
    follow(session, tariff)
    for fact in reversed(facts):
        follow_up(session, fact, tariff=tariff)
    assert session.rated is not None
    assert (session.rated.amount_minor, session.rated.lines) == (in_order.amount_minor, in_order.lines)
    assert session.rated.revision > 1


# --- holds -----------------------------------------------------------------------------------------------------------


def test_without_a_tariff_the_session_is_held_at_once_and_never_rated() -> None:
    session = given(started(pin=None))
    assert held_codes(follow(session, None)) == ["NO_TARIFF"]
    assert follow_up(session, ENDED, tariff=None) == []


@pytest.mark.parametrize("terms", [None, Terms(account_version=1, kind="CONSUMER", billing="PREPAID")])
def test_ad_hoc_and_prepaid_are_held_and_rated(terms: Terms | None) -> None:
    facts = follow(given(started(terms=terms), ENDED))
    assert [type(fact) for fact in facts] == [SessionHeld, SessionRated]
    assert (held_codes(facts), cost_in(facts).holds) == (["NOT_YET_PAYABLE"], ("NOT_YET_PAYABLE",))


@pytest.mark.parametrize("billing", ["PER_SESSION", "MONTHLY"])
def test_who_pays_later_is_not_held(billing: Any) -> None:
    terms = Terms(account_version=1, kind="CONSUMER", billing=billing)
    assert held_codes(follow(given(started(terms=terms), ENDED))) == []


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ([end("S", 60, "999.999")], ["END_BELOW_START"]),
        ([end("S", -1, "1010")], ["END_BEFORE_START"]),
        ([end("S", -1, "999")], ["END_BEFORE_START", "END_BELOW_START"]),
        ([reading("S", 15, "1005"), reading("S", 20, "1004.999"), end("S")], ["METER_WENT_BACKWARDS"]),
        ([reading("S", 15, "1010.001"), end("S")], ["METER_WENT_BACKWARDS"]),
        ([reading("S", 0, "999.999"), end("S")], ["METER_WENT_BACKWARDS"]),
        ([reading("S", 60, "1010.001"), end("S")], ["METER_WENT_BACKWARDS"]),
        ([reading("S", 15, "1000"), reading("S", 20, "1000"), end("S")], []),
        ([reading("S", 60, "1010"), reading("S", 0, "1000"), end("S")], []),
    ],
)
def test_registers_and_instants_that_cannot_be_hold_the_session(facts: Sequence[Any], codes: list[str]) -> None:
    after = follow(given(started(), *map(fact_of, facts)))
    assert held_codes(after) == codes
    assert any(isinstance(fact, SessionRated) for fact in after) is not bool(codes)


def test_a_hold_names_the_message_it_rests_on() -> None:
    session = given(started(), fact_of(reading("S", 15, "1005")), fact_of(reading("S", 20, "1004")), ENDED)
    (held,) = follow(session)
    assert isinstance(held, SessionHeld)
    assert [reason.because for reason in held.reasons] == ["/test metered@20"]


def test_a_late_fall_of_the_register_holds_a_rated_session() -> None:
    session = given(started(), fact_of(reading("S", 15, "1005")), ENDED)
    follow(session)
    facts = follow_up(session, fact_of(reading("S", 20, "1004")))
    assert [type(fact) for fact in facts] == [SessionHeld]
    assert follow(session) == []


def test_a_used_component_without_a_rate_holds() -> None:
    facts = follow(given(started(), ENDED), compiled(component("ENERGY", "0.30", vat=None)))
    assert held_codes(facts) == ["VAT_UNKNOWN"]
    assert (cost_in(facts).vat_unknown, cost_in(facts).holds) == (("ENERGY",), ("VAT_UNKNOWN",))


def test_a_component_without_a_rate_that_is_not_used_does_not_hold() -> None:
    parking = component("PARKING_TIME", "6", vat=None)
    assert held_codes(follow(given(started(), ENDED), compiled(component("ENERGY", "0.30"), parking))) == []


def test_a_tariff_to_which_no_tax_applies_holds_too() -> None:
    tariff = compiled(component("ENERGY", "0.30", vat=None), tax_included="N/A")
    assert held_codes(follow(given(started(), ENDED), tariff)) == ["VAT_UNKNOWN"]


def test_no_energy_at_all_is_a_cost_of_zero_and_no_hold() -> None:
    facts = follow(given(started(), fact_of(end("S", 60, "1000"))))
    assert (cost_in(facts).amount_minor, cost_in(facts).energy_milliwh, held_codes(facts)) == (0, 0, [])


def test_a_session_of_no_time_is_rated() -> None:
    facts = follow(given(started(), fact_of(end("S", 0, "1000.1"))))
    assert (cost_in(facts).amount_minor, held_codes(facts)) == (3, [])


# --- reservations and groups -----------------------------------------------------------------------------------------

RESERVED = {"from": "2026-11-02T07:00:00Z", "until": "2026-11-02T08:30:00Z", "expired": False}
RESERVABLE = [
    {"price_components": [component("TIME", "6", step_size=60)], "restrictions": {"reservation": "RESERVATION"}},
    {"price_components": [component("FLAT", "4")], "restrictions": {"reservation": "RESERVATION_EXPIRES"}},
    {"price_components": [component("ENERGY", "0.30"), component("FLAT", "1")]},
]
MEMBERS = {"discounts": [{"dimension": "ENERGY", "percent": 10, "groups": ["GOLD"]}]}


def priced(rated: SessionRated) -> dict[str, str | None]:
    return {line.dimension: line.excl_vat for line in rated.lines}


def test_a_reservation_is_billed_from_its_beginning_to_the_session_s_start() -> None:
    """An hour of it, though it would have lasted half an hour longer."""
    facts = follow(given(started(reservation=RESERVED), ENDED), compiled(elements=RESERVABLE))
    rated = cost_in(facts)
    assert (priced(rated), rated.amount_minor) == ({"RESERVATION_TIME": "6", "ENERGY": "3", "FLAT": "1"}, 1000)
    assert (rated.totals["RESERVATION"].excl_minor, rated.totals["TIME"].excl_minor) == (600, 0)
    assert (rated.started_at, rated.energy_milliwh, held_codes(facts)) == (minute(0), 10_000_000, [])


def test_a_reservation_that_ended_before_the_session_is_billed_to_its_own_end() -> None:
    ended_early = {**RESERVED, "until": "2026-11-02T07:30:00Z"}
    rated = cost_in(follow(given(started(reservation=ended_early), ENDED), compiled(elements=RESERVABLE)))
    assert priced(rated)["RESERVATION_TIME"] == "3"


def test_a_reservation_that_expired_is_billed_alone_and_its_zero_energy_is_not_suspicious() -> None:
    expired = {"from": "2026-11-02T07:00:00Z", "until": "2026-11-02T08:00:00Z", "expired": True}
    facts = follow(given(started(reservation=expired), fact_of(end("S", 0, "1000"))), compiled(elements=RESERVABLE))
    rated = cost_in(facts)
    assert priced(rated) == {"RESERVATION_TIME": "6", "RESERVATION_FLAT": "4"}
    assert (rated.energy_milliwh, rated.totals["RESERVATION"].excl_minor, rated.amount_minor) == (0, 1000, 1000)
    assert (held_codes(facts), rated.holds) == ([], ())


def test_a_reservation_under_a_tariff_that_has_no_price_for_it_costs_nothing() -> None:
    rated = cost_in(follow(given(started(reservation=RESERVED), ENDED)))
    assert (rated.amount_minor, rated.totals["RESERVATION"]) == (300, Cost(excl_minor=0, incl_minor=0))


def test_without_a_reservation_there_is_no_total_of_one() -> None:
    assert "RESERVATION" not in cost_in(follow(given(started(), ENDED))).totals


@pytest.mark.parametrize("terms", [None, Terms(account_version=1, kind="CONSUMER", billing="PREPAID")])
def test_a_reservation_of_who_pays_ahead_is_held_and_rated(terms: Terms | None) -> None:
    facts = follow(given(started(reservation=RESERVED, terms=terms), ENDED), compiled(elements=RESERVABLE))
    assert (held_codes(facts), cost_in(facts).holds) == (["NOT_YET_PAYABLE"], ("NOT_YET_PAYABLE",))


def test_offsets_from_utc_begin_with_the_reservation() -> None:
    begins = -(8 * 24 * 60) - 6 * 60  # 2026-10-25T02:00Z, an hour after the clock went back
    window = {"from": "2026-10-25T00:30:00Z", "until": "2026-10-25T02:00:00Z", "expired": False}
    rated = cost_in(follow(given(started(begins, reservation=window), fact_of(end("S", begins + 60)))))
    assert rated.utc_offsets == ("+02:00", "2026-10-25T01:00:00Z +01:00")


def test_a_member_pays_the_price_of_the_group_and_the_cost_says_so() -> None:
    member = cost_in(follow(given(started(groups=("GOLD",)), ENDED), compiled(ev_extensions=MEMBERS, groups=("GOLD",))))
    other = cost_in(follow(given(started(), ENDED), compiled(ev_extensions=MEMBERS)))
    assert (member.amount_minor, member.lines[0].unit_price, member.groups) == (270, "0.2700", ("GOLD",))
    assert (other.amount_minor, other.lines[0].unit_price, other.groups) == (300, "0.30", ())


def test_the_readings_of_ocpi_that_were_chosen_are_kept_with_the_cost() -> None:
    session, policies = given(started(), ENDED), Policies(rounding="half_even_total")
    tariff = compiled(component("ENERGY", "0.0125"))
    chosen, usual = rate_session(session, Pricing(tariff, policies)), rate_session(session, Pricing(tariff))
    assert (chosen.policies, usual.policies) == (policies.as_dict(), Policies().as_dict())
    assert (chosen.cost.excl_minor, usual.cost.excl_minor) == (12, 13)


# --- spot prices -----------------------------------------------------------------------------------------------------

SPOT = {**component("ENERGY", "0"), "spot": {"series": "NL-DA"}}


def slots(*values: str) -> Slots:
    """The price of each half hour of the session."""
    return {
        "NL-DA": [
            (to_us(minute(30 * place)), to_us(minute(30 * place + 30)), Decimal(value))
            for place, value in enumerate(values)
        ]
    }


def test_a_missing_price_holds_the_session_and_says_from_when() -> None:
    session = given(started(), ENDED)
    found = consequences(session, compiled(SPOT), slots=slots("0.1"))
    assert held_codes(found.facts) == ["PRICE_MISSING"]
    assert [type(fact) for fact in found.facts] == [SessionHeld]
    assert found.missing is not None
    assert (found.missing.series, found.missing.instant_us) == ("NL-DA", to_us(minute(30)))


def test_a_price_that_is_still_missing_holds_no_second_time() -> None:
    session = given(started(), ENDED)
    follow(session, compiled(SPOT))
    assert follow(session, compiled(SPOT), slots("0.1")) == []


def test_the_price_that_comes_releases_the_session_and_rates_it() -> None:
    session = given(started(), ENDED)
    follow(session, compiled(SPOT))
    facts = follow(session, compiled(SPOT), slots("0.1", "-0.02"))
    assert [type(fact) for fact in facts] == [SessionReleased, SessionRated]
    assert (cost_in(facts).amount_minor, cost_in(facts).holds, session.held) == (40, (), set())


def test_other_holds_stay_when_the_price_comes() -> None:
    session = given(started(terms=None), ENDED)
    follow(session, compiled(SPOT))
    rated = cost_in(follow(session, compiled(SPOT), slots("0.1", "0.1")))
    assert rated.holds == ("NOT_YET_PAYABLE",)


def test_a_register_that_falls_keeps_the_cost_back_though_the_price_is_there() -> None:
    session = given(started(), ENDED)
    follow(session, compiled(SPOT))
    evolve(session, fact_of(reading("S", 15, "1005")))
    evolve(session, fact_of(reading("S", 20, "1004")))
    facts = follow(session, compiled(SPOT), slots("0.1", "0.1"))
    assert (held_codes(facts), [type(fact) for fact in facts]) == (["METER_WENT_BACKWARDS"], [SessionHeld])


# --- which side of tax counts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "tax_included", "authority", "amount_minor"),
    [
        ("BUSINESS", "NO", "NET", 300),
        ("RESELLER", "NO", "NET", 300),
        ("CONSUMER", "NO", "GROSS", 357),
        ("BUSINESS", "YES", "GROSS", 300),
        ("CONSUMER", "YES", "GROSS", 300),
    ],
)
def test_gross_counts_where_prices_include_tax_or_a_consumer_pays(
    kind: Any, tax_included: str, authority: str, amount_minor: int
) -> None:
    terms = Terms(account_version=1, kind=kind, billing="MONTHLY")
    rated = cost_in(follow(given(started(terms=terms), ENDED), compiled(tax_included=tax_included)))
    assert (rated.authority, rated.amount_minor) == (authority, amount_minor)


def test_who_pays_ad_hoc_is_a_consumer() -> None:
    assert cost_in(follow(given(started(terms=None), ENDED))).authority == "GROSS"


@pytest.mark.parametrize(("currency", "amount_minor"), [("EUR", 123), ("JPY", 1), ("BHD", 1235)])
def test_the_amount_is_rounded_to_the_minor_unit_of_the_currency(currency: str, amount_minor: int) -> None:
    tariff = compiled(component("ENERGY", "0.12345"), currency=currency)
    rated = cost_in(follow(given(started(terms=BUSINESS), ENDED), tariff))
    assert (rated.amount_minor, rated.exact_excl) == (amount_minor, "1.2345")


def test_lines_of_one_price_and_rate_are_one_line() -> None:
    samples = [fact_of(reading("S", minutes, f"{1000 + minutes}")) for minutes in range(1, 10)]
    rated = cost_in(follow(given(started(), *samples, ENDED)))
    assert [(line.dimension, line.quantity, line.unit_price) for line in rated.lines] == [("ENERGY", "10.000", "0.30")]


def test_a_bound_on_the_price_is_a_line_of_its_own() -> None:
    rated = cost_in(follow(given(started(), ENDED), compiled(min_price={"excl_vat": 5})))
    assert [(line.dimension, line.excl_vat, line.vat_percent) for line in rated.lines] == [
        ("ENERGY", "3", "19"),
        ("MIN_PRICE", "2", "19"),
    ]


def test_offsets_from_utc_are_kept_with_the_cost() -> None:
    """A night in which the clock goes back: what the local times were judged by."""
    begins = -(8 * 24 * 60) - 8 * 60 - 30  # 2026-10-24T23:30Z
    rated = cost_in(follow(given(started(begins), fact_of(end("S", begins + 180)))))
    assert rated.utc_offsets == ("+02:00", "2026-10-25T01:00:00Z +01:00")
