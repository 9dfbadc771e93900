"""The cap of a day: what is above it is taken away, session by session, in the order of their ends."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.invoice.day_cap import CapKey, DayTotals, totals_after, totals_before
from ledger.invoice.decide import issue_invoice
from ledger.invoice.events import BothSides, DayCap, InvoicedSession, InvoiceIssued, InvoiceLine
from ledger.posting import journal_entry
from ledger.session.events import Cost, RatedLine, SessionRated
from tests.unit.invoice.build import billed, gross_line, issue, line, payer, session

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
KEY = CapKey("default", "ACC", "T", "2026-11-02", "EUR")


def capped(session_id: str, amount: str, hour: int = 10, limit: Any = None, **changes: Any) -> SessionRated:
    """A session of one line at 19 % that ends at an hour of the day; the cap is 10.00 before tax."""
    one = gross_line(amount) if changes.get("authority") == "GROSS" else line(amount)
    return capped_lines(session_id, [one], hour, limit, **changes)


def capped_lines(session_id: str, lines: list[RatedLine], hour: int = 10, limit: Any = None, **changes: Any) -> Any:
    """The same with lines of its own."""
    fields = {"ended_at": MIDNIGHT + timedelta(hours=hour), "day_cap": limit or before_tax(1000)} | changes
    return session(session_id, *lines, **fields)


def before_tax(minor: int) -> Cost:
    return Cost(excl_minor=minor)


def after_tax(minor: int) -> Cost:
    return Cost(incl_minor=minor)


def invoice(*sessions: SessionRated, before: DayTotals | None = None, **account: Any) -> InvoiceIssued:
    fields = {"time_zone": "UTC", **account}
    return issue_invoice(issue(day_totals=before or {}), payer(**fields), billed(*sessions))


def both(excl: int, incl: int) -> BothSides:
    return BothSides(excl_minor=excl, incl_minor=incl)


def caps(fact: InvoiceIssued) -> dict[str, DayCap]:
    return {item.session_id: item.day_cap for item in fact.sessions if item.day_cap is not None}


def credits_of(fact: InvoiceIssued) -> dict[str, int]:
    return {session_id: cap.credit_minor for session_id, cap in caps(fact).items()}


def cap_lines(fact: InvoiceIssued) -> list[InvoiceLine]:
    return [item for item in fact.lines if item.dimension == "DAY_CAP"]


# --- how much --------------------------------------------------------------------------------------------------------


def test_below_and_at_the_cap_nothing_is_taken_away() -> None:
    fact = invoice(capped("S1", "4.00", 8), capped("S2", "6.00", 9))
    assert (credits_of(fact), cap_lines(fact)) == ({"S1": 0, "S2": 0}, [])


def test_what_is_above_the_cap_is_taken_away() -> None:
    fact = invoice(capped("S1", "4.00", 8), capped("S2", "6.01", 9), capped("S3", "2.00", 10))
    assert credits_of(fact) == {"S1": 0, "S2": 1, "S3": 200}
    assert (fact.totals.net_minor, fact.totals.vat_minor) == (1000, 190)


def test_one_session_may_be_above_the_cap_by_itself() -> None:
    assert credits_of(invoice(capped("S1", "12.50"))) == {"S1": 250}


def test_sessions_count_in_the_order_of_their_ends_not_of_the_document() -> None:
    fact = invoice(capped("S1", "6.00", 20), capped("S2", "6.00", 8))
    assert credits_of(fact) == {"S1": 200, "S2": 0}


def test_of_two_that_end_at_once_the_smaller_id_counts_first() -> None:
    fact = invoice(capped("S2", "6.00", 8), capped("S1", "6.00", 8))
    assert credits_of(fact) == {"S1": 0, "S2": 200}


def test_what_was_billed_before_leaves_less_room() -> None:
    fact = invoice(capped("S1", "6.00"), before={KEY: both(700, 833)})
    assert caps(fact)["S1"] == DayCap(
        day="2026-11-02", side="NET", cap_minor=1000, before=both(700, 833), over_minor=300, credit_minor=300,
        billed=both(300, 357),
    )  # fmt: skip


def test_where_more_than_the_cap_was_billed_before_the_session_costs_nothing() -> None:
    """An earlier version of the tariff had a higher cap: what was billed under it stays."""
    assert credits_of(invoice(capped("S1", "6.00"), before={KEY: both(1200, 1428)})) == {"S1": 600}


def test_a_session_below_zero_makes_room_and_gets_no_credit() -> None:
    fact = invoice(capped("S1", "9.00", 8), capped("S2", "-2.00", 9), capped("S3", "5.00", 10))
    assert credits_of(fact) == {"S1": 0, "S2": 0, "S3": 200}
    assert fact.totals.net_minor == 1000


@pytest.mark.parametrize("other", [{"ended_at": MIDNIGHT + timedelta(days=1)}, {"day_cap": None}])
def test_other_days_and_sessions_without_a_cap_count_for_nothing(other: dict[str, Any]) -> None:
    fact = invoice(capped("S1", "9.00", 8), capped("S2", "9.00", 9, **other))
    assert sum(credits_of(fact).values()) == 0


def test_the_day_is_that_of_the_end_in_the_zone_of_the_account() -> None:
    late, later = capped("S1", "9.00", 4), capped("S2", "9.00", 6)
    assert set(credits_of(invoice(late, later)).values()) == {0, 800}
    abroad = invoice(late, later, time_zone="America/New_York")
    assert [(cap.day, cap.credit_minor) for cap in caps(abroad).values()] == [("2026-11-01", 0), ("2026-11-02", 0)]


# --- which side of tax -----------------------------------------------------------------------------------------------


def test_the_cap_of_the_authoritative_side_binds() -> None:
    """Net counts: 10.00 before tax bind, although 11.00 after tax would leave less."""
    both_named = Cost(excl_minor=1000, incl_minor=1100)
    assert credits_of(invoice(capped("S1", "12.00", limit=both_named))) == {"S1": 200}
    gross = capped("S1", "12.00", limit=both_named, authority="GROSS")
    assert credits_of(invoice(gross, kind="CONSUMER")) == {"S1": 100}


def test_a_cap_after_tax_takes_net_in_the_session_s_own_proportion() -> None:
    """12.00 and 14.28: 2.38 above 11.90 are 2.00 before tax."""
    fact = invoice(capped("S1", "12.00", limit=after_tax(1190)))
    cap = caps(fact)["S1"]
    assert (cap.side, cap.over_minor, cap.credit_minor, cap.billed) == ("GROSS", 238, 200, both(1000, 1190))
    assert [item.description for item in cap_lines(fact)] == ["Cap of the day 2026-11-02: 11.90 after tax"]


def test_the_proportion_is_rounded_in_favour_of_the_payer() -> None:
    """0.05 above is 0.042 before tax: 0.05 are taken, for the cap is never exceeded."""
    assert credits_of(invoice(capped("S1", "12.00", limit=after_tax(1423)))) == {"S1": 5}


def test_a_cap_before_tax_binds_where_gross_counts() -> None:
    fact = invoice(capped("S1", "14.28", limit=before_tax(1000), authority="GROSS"), kind="CONSUMER")
    assert (credits_of(fact), fact.totals.gross_minor) == ({"S1": 238}, 1190)
    assert cap_lines(fact)[0].description == "Cap of the day 2026-11-02: 10.00 before tax"


def test_under_reverse_charge_the_cap_after_tax_is_that_of_the_taxed_price() -> None:
    dealer = {"kind": "RESELLER", "country": "DE", "vat_id": "DE136695976"}
    fact = invoice(capped("S1", "12.00", limit=after_tax(1190)), **dealer)
    (item,) = cap_lines(fact)
    assert (item.net_minor, item.category, fact.totals.gross_minor) == (-200, "AE", 1000)


# --- the lines -------------------------------------------------------------------------------------------------------


def test_the_credit_is_a_line_in_the_category_with_the_greatest_net() -> None:
    lines = [line("4.00", "9", "TIME"), line("7.00"), line("1.00", "9", "FLAT")]
    fact = invoice(capped_lines("S1", lines))
    (item,) = cap_lines(fact)
    assert (item.vat_percent, item.net_minor, item.quantity, item.unit, item.unit_price) == (
        "19", -200, "1", "SESSION", "-2.00",
    )  # fmt: skip
    assert item.description == "Cap of the day 2026-11-02: 10.00"


def test_of_equal_nets_the_higher_rate_gives_first() -> None:
    lines = [line("6.00", "9", "TIME"), line("6.00")]
    assert [item.vat_percent for item in cap_lines(invoice(capped_lines("S1", lines)))] == ["19"]


def test_no_category_gives_more_than_it_has() -> None:
    """Everything is above the cap: each rate gives back its own, so no tax is below zero."""
    lines = [line("4.00", "9", "TIME"), line("7.00")]
    fact = invoice(capped_lines("S1", lines), before={KEY: both(1000, 1190)})
    assert [(item.vat_percent, item.net_minor) for item in cap_lines(fact)] == [("19", -700), ("9", -400)]
    assert {(total.net_minor, total.vat_minor) for total in fact.totals.by_vat} == {(0, 0)}


def test_where_gross_counts_nets_beside_a_credit_are_those_of_the_rate() -> None:
    """Of 11.90 only 0.01 is left: shares of its net of 0.01 would say a net of 11.90."""
    fact = invoice(capped("S1", "11.90", limit=after_tax(1), authority="GROSS"), kind="CONSUMER")
    assert [(item.gross_minor, item.net_minor) for item in fact.lines] == [(1190, 1000), (-1189, -999)]
    assert (fact.totals.net_minor, fact.totals.gross_minor) == (1, 1)


def test_a_document_without_capped_sessions_is_as_it_was() -> None:
    fact = invoice(session("S", line("12.00")))
    assert "day_cap" not in fact.policies
    assert fact.sessions[0].day_cap is None


def test_the_policy_is_stored_where_there_is_a_cap() -> None:
    assert invoice(capped("S1", "1.00")).policies["day_cap"] == "order_of_ends"


def test_revenue_and_tax_are_posted_less_the_credit() -> None:
    entry = journal_entry(invoice(capped("S1", "12.00")))
    assert [(posting.account, posting.debit_minor, posting.credit_minor) for posting in entry.postings] == [
        ("receivable", 1190, 0),
        ("revenue", 0, 1000),
        ("vat_payable", 0, 190),
    ]


# --- whatever the sessions -------------------------------------------------------------------------------------------

amounts = st.integers(-300, 3_000).filter(bool).map(lambda minor: str(Fraction(minor, 100)))
sessions = st.lists(st.tuples(amounts, st.integers(0, 23), st.sampled_from(["0", "9", "19"])), min_size=1, max_size=8)
limits = st.builds(Cost, excl_minor=st.integers(0, 4_000)) | st.builds(Cost, incl_minor=st.integers(0, 4_000))


def made(found: list[tuple[str, int, str]], limit: Cost, authority: str) -> list[SessionRated]:
    make = gross_line if authority == "GROSS" else line
    return [
        capped_lines(f"S{n}", [make(amount, vat), make("0.01", "7", "FLAT")], hour, limit, authority=authority)
        for n, (amount, hour, vat) in enumerate(found)
    ]


def by_ends(fact: InvoiceIssued) -> list[InvoicedSession]:
    return sorted(fact.sessions, key=lambda item: (item.ended_at, item.session_id))


@given(sessions, limits, st.sampled_from(["NET", "GROSS"]))
def test_the_day_never_costs_more_than_its_cap(found: list[tuple[str, int, str]], limit: Cost, authority: str) -> None:
    fact = invoice(*made(found, limit, authority))
    for item in by_ends(fact):
        cap = item.day_cap
        assert cap is not None
        assert 0 <= cap.credit_minor <= max(item.amount_minor, 0)
        assert cap.over_minor >= 0
        assert cap.before.plus(cap.billed).on(cap.side) <= max(cap.cap_minor, cap.before.on(cap.side))
        assert cap.billed.on(fact.authority) == item.amount_minor - cap.credit_minor


@given(sessions, limits, st.sampled_from(["NET", "GROSS"]))
def test_what_a_capped_document_says_adds_up(found: list[tuple[str, int, str]], limit: Cost, authority: str) -> None:
    fact = invoice(*made(found, limit, authority))
    totals = fact.totals
    billed_minor = sum(item.amount_minor - caps(fact)[item.session_id].credit_minor for item in fact.sessions)
    assert billed_minor == (totals.net_minor if authority == "NET" else totals.gross_minor)
    assert sum(item.net_minor for item in fact.lines) == sum(item.net_minor for item in fact.sessions)
    assert totals.gross_minor == sum(item.net_minor for item in fact.lines) + totals.vat_minor
    journal_entry(fact)


@given(sessions, limits, st.sampled_from(["NET", "GROSS"]), st.randoms())
def test_the_order_in_which_sessions_stand_on_a_document_changes_no_credit(
    found: list[tuple[str, int, str]], limit: Cost, authority: str, shuffler: Any
) -> None:
    rated = made(found, limit, authority)
    shuffled = shuffler.sample(rated, len(rated))
    assert caps(invoice(*rated)) == caps(invoice(*shuffled))


@given(sessions, limits, st.sampled_from(["NET", "GROSS"]), st.integers(0, 8))
def test_a_document_for_all_and_two_documents_in_the_order_of_the_ends_take_the_same(
    found: list[tuple[str, int, str]], limit: Cost, authority: str, cut: int
) -> None:
    rated = sorted(made(found, limit, authority), key=lambda item: (item.ended_at, item.session_id))
    first = [invoice(*rated[:cut])] if rated[:cut] else []
    before = totals_after(first[0]) if first else {}
    second = [invoice(*rated[cut:], before=before)] if rated[cut:] else []
    parts = {session_id: cap for fact in first + second for session_id, cap in caps(fact).items()}
    assert parts == caps(invoice(*rated))


@given(sessions, limits, st.sampled_from(["NET", "GROSS"]), st.integers(0, 3_000))
def test_a_document_comes_out_again_from_what_it_says_itself(
    found: list[tuple[str, int, str]], limit: Cost, authority: str, before: int
) -> None:
    rated = made(found, limit, authority)
    fact = invoice(*rated, before={KEY: both(before, before)})
    assert totals_before(fact) == {KEY: both(before, before)}
    assert invoice(*rated, before=totals_before(fact)) == fact


def test_amounts_of_other_currencies_have_their_own_units() -> None:
    fact = invoice(capped("S1", "1200", limit=before_tax(1000), currency="JPY"))
    assert [item.unit_price for item in cap_lines(fact)] == ["-200"]
