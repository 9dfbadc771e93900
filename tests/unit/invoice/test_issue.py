"""From exact costs to the cents of a document."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.invoice.amounts import billable
from ledger.invoice.decide import issue_invoice
from ledger.invoice.document import canonical_document, document_sha256
from ledger.invoice.events import InvoiceIssued
from ledger.session.events import RatedLine, SessionRated
from ledger.values.canonical import read_json_decimals
from ledger.values.money import round_half_up
from tests.unit.invoice.build import billed, gross_line, issue, line, payer, session


def invoice(*sessions: SessionRated, **account: Any) -> InvoiceIssued:
    return issue_invoice(issue(), payer(**account), billed(*sessions))


def totals(fact: InvoiceIssued) -> tuple[int, int, int]:
    return fact.totals.net_minor, fact.totals.vat_minor, fact.totals.gross_minor


def by_vat(fact: InvoiceIssued) -> list[tuple[str, str, int, int]]:
    return [(total.category, total.vat_percent, total.net_minor, total.vat_minor) for total in fact.totals.by_vat]


# --- VAT -------------------------------------------------------------------------------------------------------------


def test_vat_is_computed_once_on_the_sum_of_its_category() -> None:
    """At 19 %: line by line 3 x 0.19 + 2 x 0.18 = 0.93; on the sum of 4.94 it is 0.94."""
    nets = ["1.00", "1.00", "1.00", "0.97", "0.97"]
    assert totals(invoice(*[session(f"S{n}", line(net)) for n, net in enumerate(nets)])) == (494, 94, 588)
    assert sum(round_half_up(Fraction(net) * 19) for net in nets) == 93


def test_each_rate_is_a_category_of_its_own() -> None:
    fact = invoice(session("S", line("1.00", "19"), line("1.00", "7", "PARKING_TIME"), line("1.00", "0", "FLAT")))
    assert by_vat(fact) == [("S", "19", 100, 19), ("S", "7", 100, 7), ("Z", "0", 100, 0)]
    assert totals(fact) == (300, 26, 326)


def test_rates_written_otherwise_are_the_same_rate() -> None:
    fact = invoice(session("S1", line("0.99", "19.0")), session("S2", line("0.99", "19")))
    assert by_vat(fact) == [("S", "19.0", 198, 38)]


def test_half_a_cent_of_vat_is_rounded_up() -> None:
    assert totals(invoice(session("S", line("0.50", "21")))) == (50, 11, 61)
    assert totals(invoice(session("S", line("0.50", "19")))) == (50, 10, 60)


def test_where_gross_counts_vat_is_taken_out_of_the_gross_sum() -> None:
    """Three times 0.10 gross: taken out of each it would be 3 x 0.02 = 0.06; out of 0.30 it is 0.05."""
    fact = invoice(*[session(f"S{n}", gross_line("0.10"), authority="GROSS") for n in range(3)])
    assert totals(fact) == (25, 5, 30)
    assert sorted(item.net_minor for item in fact.lines) == [8, 8, 9]
    assert [item.gross_minor for item in fact.lines] == [10, 10, 10]


def test_where_net_counts_lines_say_no_gross() -> None:
    assert [item.gross_minor for item in invoice(session("S", line("1"))).lines] == [None]


# --- shares ----------------------------------------------------------------------------------------------------------


def test_the_session_is_rounded_once_and_its_lines_share_the_amount() -> None:
    """3 x 0.333… is 1.00: each line alone would be 0.33."""
    third = line("1/3")
    fact = invoice(session("S", third, third, third))
    assert [item.net_minor for item in fact.lines] == [34, 33, 33]
    assert fact.sessions[0].amount_minor == fact.sessions[0].net_minor == 100


def test_the_invoice_adds_up_rounded_sessions() -> None:
    """Two sessions of 0.005: each is 0.01, so the invoice is 0.02, not 0.01."""
    assert totals(invoice(session("S1", line("0.005", "0")), session("S2", line("0.005", "0")))) == (2, 0, 2)


def test_a_maximum_price_is_a_line_that_takes_away() -> None:
    fact = invoice(session("S", line("7.337"), line("-2.337", dimension="MAX_PRICE")))
    assert [(item.description, item.net_minor) for item in fact.lines] == [("Energy", 734), ("Maximum price", -234)]
    assert totals(fact) == (500, 95, 595)


def test_a_minimum_price_is_a_line_that_adds() -> None:
    fact = invoice(session("S", gross_line("1.234"), gross_line("3.766", dimension="MIN_PRICE"), authority="GROSS"))
    assert [(item.description, item.gross_minor) for item in fact.lines] == [("Energy", 123), ("Minimum price", 377)]
    assert totals(fact)[2] == 500


@pytest.mark.parametrize(("currency", "net", "vat"), [("EUR", 124, 24), ("JPY", 1, 0), ("BHD", 1235, 235)])
def test_amounts_are_whole_minor_units_of_the_currency(currency: str, net: int, vat: int) -> None:
    fact = invoice(session("S", line("1.2351" if currency == "EUR" else "1.2346"), currency=currency))
    assert totals(fact) == (net, vat, net + vat)


@pytest.mark.parametrize(("currency", "gross"), [("EUR", "1.48"), ("JPY", "1"), ("BHD", "1.470")])
def test_the_document_writes_all_decimals_of_the_currency(currency: str, gross: str) -> None:
    fact = invoice(session("S", line("1.2351" if currency == "EUR" else "1.2346"), currency=currency))
    assert read_json_decimals(canonical_document(fact))["totals"]["gross"] == gross


lines = st.builds(
    line,
    st.integers(0, 10_000_000).map(lambda tenths: f"{tenths}/70000"),
    st.sampled_from(["0", "5.5", "7", "19", "21"]),
    st.sampled_from(["ENERGY", "TIME", "FLAT"]),
)


@given(
    st.lists(st.lists(lines, min_size=1, max_size=4), min_size=1, max_size=6),
    st.sampled_from(["NET", "GROSS"]),
    st.sampled_from(["EUR", "JPY", "BHD"]),
)
def test_everything_on_a_document_adds_up(contents: list[list[RatedLine]], authority: Any, currency: str) -> None:
    sessions = [
        session(f"S{n}", *content, authority=authority, currency=currency) for n, content in enumerate(contents)
    ]
    fact = invoice(*sessions)
    net, vat, gross = totals(fact)
    assert (gross, sum(t.net_minor for t in fact.totals.by_vat), sum(t.vat_minor for t in fact.totals.by_vat)) == (
        net + vat, net, vat,
    )  # fmt: skip
    assert sum(item.net_minor for item in fact.lines) == sum(s.net_minor for s in fact.sessions) == net
    for total in fact.totals.by_vat:
        group = (total.category, total.vat_percent)
        assert sum(i.net_minor for i in fact.lines if (i.category, i.vat_percent) == group) == total.net_minor
    assert sum(rated.amount_minor for rated in sessions) == (net if authority == "NET" else gross)


# --- reverse charge --------------------------------------------------------------------------------------------------

DEALER: dict[str, Any] = {"kind": "RESELLER", "country": "DE", "vat_id": "DE136695976"}


def test_a_dealer_of_another_country_owes_the_vat_himself() -> None:
    fact = invoice(session("S", line("1.00"), line("1.00", "7", "TIME")), **DEALER)
    assert by_vat(fact) == [("AE", "0", 200, 0)]
    assert (totals(fact), fact.buyer_vat_id) == ((200, 0, 200), "DE136695976")


def test_under_reverse_charge_net_counts_also_where_prices_include_tax() -> None:
    rated = session("S", gross_line("1.19"), authority="GROSS")
    assert billable(rated, payer(**DEALER)) == ("NET", 100, True)
    assert totals(invoice(rated, **DEALER)) == (100, 0, 100)


@pytest.mark.parametrize(
    "account",
    [{**DEALER, "kind": "BUSINESS"}, {**DEALER, "country": "NL"}, {**DEALER, "vat_id": None}],
)
def test_everybody_else_pays_the_vat_of_the_country_of_the_station(account: dict[str, Any]) -> None:
    assert by_vat(invoice(session("S", line("1.00")), **account)) == [("S", "19", 100, 19)]


# --- what is on the document -----------------------------------------------------------------------------------------


def test_the_invoice_says_number_days_and_buyer() -> None:
    fact = invoice(session("S", line("1.00")), payment_terms_days=30, cost_centre="CC-1", language="de")
    assert (fact.number, fact.series, fact.number_in_series) == ("ABC-NL-2026-000017", "ABC-NL-2026", 17)
    assert (fact.issued_on, fact.due_on, fact.period) == ("2026-12-01", "2026-12-31", "2026-11")
    assert (fact.personal.name, fact.account_version, fact.cost_centre, fact.language) == ("Fleet AG", 3, "CC-1", "de")
    assert fact.sessions_position == 99


def test_the_day_of_issue_is_that_of_the_sellers_zone() -> None:
    fact = issue_invoice(issue(seller_zone="Pacific/Kiritimati"), payer(), billed(session("S", line("1"))))
    assert fact.issued_on == "2026-12-02"


def test_lines_are_numbered_through_and_name_their_session_and_tariff() -> None:
    fact = invoice(session("S1", line("1"), line("2", dimension="TIME")), session("S2", line("3")))
    assert [(item.line, item.session_id, item.description) for item in fact.lines] == [
        (1, "S1", "Energy"),
        (2, "S1", "Charging time"),
        (3, "S2", "Energy"),
    ]
    assert {(item.tariff_id, item.tariff_version) for item in fact.lines} == {("T", 1)}
    assert [s.rated_position for s in fact.sessions] == [1, 2]


def test_the_hash_is_that_of_the_document() -> None:
    fact = invoice(session("S", line("1")))
    assert fact.document_sha256 == document_sha256(fact)
    assert fact.document_sha256 != document_sha256(invoice(session("S", line("2"))))


def test_the_same_sessions_give_the_same_bytes() -> None:
    first, second = (invoice(session("S", line("1/3"), line("2/3"))) for _ in range(2))
    assert (first, canonical_document(first)) == (second, canonical_document(second))


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{"currency": "CHF"}, {"seller": "XYZ-BE"}, {"authority": "GROSS"}, {"tenant": "other"}]
)
def test_what_does_not_belong_together_is_on_no_invoice(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="an invoice has one seller, currency and authoritative side, not 2"):
        invoice(session("S1", line("1")), session("S2", line("1"), **changes))


def test_an_invoice_over_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="not 0"):
        invoice()


def test_a_line_without_a_rate_is_on_no_invoice() -> None:
    with pytest.raises(ValueError, match="line ENERGY has no VAT rate"):
        invoice(session("S", line("1", vat=None)))
