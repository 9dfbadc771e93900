"""The cap of a day from the tariff to documents, books and views, and back from the events."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from consumers import session_log
from evledger.cli.explaining import explain as explain_command
from ledger.application import Ledger
from ledger.audit.explain import explain
from ledger.audit.replay import Replayed, replay
from ledger.invoice.events import InvoiceIssued
from projections.projector import Projector
from tests.building import component, end, start, tariff
from tests.integration.billing import NOW, Books
from tests.integration.read_side import select
from tests.integration.test_replay import tamper
from tests.unit.cdr.commands import run

DAY = 24 * 60
CAPPED = {"ev_extensions": {"day_cap": {"before_taxes": Decimal(5)}}}


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    """Tariff D: 0.30 EUR a kWh, 19 % VAT, and at most 5.00 EUR a day before tax."""
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.deliver(tariff("D", **CAPPED))
        books.account("A")
        books.account("M", "MONTHLY")
        yield books
        books.close()


def charge(books: Books, payer: str, *ends: tuple[str, int], **data: Any) -> None:
    """Sessions of 3.00 EUR that end so many minutes after 08:00 UTC, in one batch."""
    for session_id, minutes in ends:
        who = {"account_id": payer, "tariff_id": "D", **data}
        books.deliver(start(session_id, minutes - 30, **who), end(session_id, minutes))


def nets(books: Books) -> dict[str, int]:
    return {session.session_id: session.net_minor for invoice in books.invoices for session in invoice.sessions}


def cap_lines(invoice: InvoiceIssued) -> list[tuple[str, str, int]]:
    return [
        (line.session_id, line.description, line.net_minor) for line in invoice.lines if line.dimension == "DAY_CAP"
    ]


def replayed(books: Books) -> Replayed:
    return replay(books.ledger.connection, None, lambda _position, _end: None)


# --- per session -----------------------------------------------------------------------------------------------------


def test_sessions_of_a_day_cost_no_more_than_the_cap(books: Books) -> None:
    charge(books, "A", ("S1", 60), ("S2", 120), ("S3", 180))
    assert books.follow() == 3
    assert nets(books) == {"S1": 300, "S2": 200, "S3": 0}
    assert [cap_lines(invoice) for invoice in books.invoices] == [
        [],
        [("S2", "Cap of the day 2026-11-02: 5.00", -100)],
        [("S3", "Cap of the day 2026-11-02: 5.00", -300)],
    ]
    assert [invoice.totals.gross_minor for invoice in books.invoices] == [357, 238, 0]


def test_a_session_that_is_billed_later_gets_what_room_is_left(books: Books) -> None:
    """It ended before the others: what is issued stays as it is."""
    charge(books, "A", ("S2", 120), ("S3", 180))
    books.follow()
    issued = books.invoices
    charge(books, "A", ("S1", 60))
    books.follow()
    assert nets(books) == {"S2": 300, "S3": 200, "S1": 0}
    assert books.invoices[:2] == issued
    assert replayed(books) == Replayed(3, [])


def test_what_is_met_together_is_issued_in_the_order_of_its_ends(books: Books) -> None:
    charge(books, "A", ("S3", 180), ("S1", 60), ("S2", 120))
    books.follow()
    assert [invoice.sessions[0].session_id for invoice in books.invoices] == ["S1", "S2", "S3"]
    assert nets(books) == {"S1": 300, "S2": 200, "S3": 0}


def test_a_page_for_each_session_gives_the_same(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_log, "PAGE_POSITIONS", 1)
    charge(books, "A", ("S1", 60), ("S2", 120), ("S3", 180))
    books.follow()
    assert nets(books) == {"S1": 300, "S2": 200, "S3": 0}


# --- monthly ---------------------------------------------------------------------------------------------------------


def test_each_day_of_a_month_has_its_cap(books: Books) -> None:
    charge(books, "M", ("a3", 180), ("b2", 120), ("c1", 60), ("d1", DAY + 60), ("d2", DAY + 120))
    books.bill()
    assert nets(books) == {"c1": 300, "b2": 200, "a3": 0, "d1": 300, "d2": 200}
    (invoice,) = books.invoices
    assert (invoice.totals.net_minor, invoice.totals.vat_minor) == (1000, 190)
    assert {words for _, words, _ in cap_lines(invoice)} == {
        "Cap of the day 2026-11-02: 5.00",
        "Cap of the day 2026-11-03: 5.00",
    }
    assert replayed(books) == Replayed(1, [])


def test_what_is_rated_after_the_close_finds_the_day_as_it_was_billed(books: Books) -> None:
    charge(books, "M", ("S1", 60), ("S2", 120))
    books.bill()
    charge(books, "M", ("late", 90))
    books.bill(datetime(2027, 1, 15, tzinfo=UTC))
    assert nets(books) == {"S1": 300, "S2": 200, "late": 0}
    assert replayed(books) == Replayed(2, [])


def test_what_is_billed_at_once_and_by_the_month_counts_together(books: Books) -> None:
    """The account's billing changed between two sessions of a day; the day's cap did not."""
    charge(books, "A", ("S1", 60))
    books.account("A", "MONTHLY", minutes=61, verb="changed")
    charge(books, "A", ("S2", 120))
    assert books.bill() == 2
    assert nets(books) == {"S1": 300, "S2": 200}


@pytest.mark.parametrize("charges", [1, 2, 100])
def test_pages_of_a_close_of_any_size_give_the_same(
    books: Books, charges: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two sellers bill one account: pages may end between them."""
    monkeypatch.setattr(session_log, "PAGE_CHARGES", charges)
    charge(books, "M", ("S1", 60), ("S2", 120))
    charge(books, "M", ("X1", 30), ("X2", 90), legal_entity="XYZ-NL")
    books.bill()
    assert nets(books) == {"S1": 300, "S2": 200, "X1": 0, "X2": 0}


def test_a_consumer_s_cap_after_tax_is_kept_to_the_cent(books: Books) -> None:
    """3.68 each. Of the second one 0.02 are left: its greater category gives all of its 3.57, the other the rest."""
    rates = [component("ENERGY", "0.30"), component("FLAT", "0.10", vat="9")]
    books.deliver(tariff("G", *rates, ev_extensions={"day_cap": {"after_taxes": Decimal("3.70")}}))
    books.account("C", "MONTHLY", kind="CONSUMER")
    charge(books, "C", ("S1", 60), ("S2", 120), tariff_id="G")
    books.bill()
    (invoice,) = books.invoices
    assert (invoice.authority, invoice.totals.gross_minor) == ("GROSS", 370)
    assert [(line.vat_percent, line.gross_minor) for line in invoice.lines if line.dimension == "DAY_CAP"] == [
        ("19", -357),
        ("9", -9),
    ]
    assert replayed(books) == Replayed(1, [])


# --- what has a cap of its own ---------------------------------------------------------------------------------------


def test_the_zone_of_the_account_says_which_day_it_is(books: Books) -> None:
    """23:30 and 00:30 in Amsterdam, 17:30 and 18:30 in New York."""
    books.account("NY", time_zone="America/New_York")
    evening = 14 * 60 + 30
    charge(books, "A", ("S1", evening), ("S2", evening + 60))
    charge(books, "NY", ("N1", evening), ("N2", evening + 60))
    books.follow()
    assert nets(books) == {"S1": 300, "S2": 300, "N1": 300, "N2": 200}


def test_other_accounts_tariffs_and_days_have_caps_of_their_own(books: Books) -> None:
    books.deliver(tariff("E", **CAPPED))
    books.account("B")
    charge(books, "A", ("S1", 60), ("S2", 120))
    books.follow()
    charge(books, "B", ("S3", 180))
    charge(books, "A", ("S4", 180), tariff_id="E")
    charge(books, "A", ("S5", 240), tariff_id="T")
    charge(books, "A", ("S6", DAY + 60))
    books.follow()
    assert nets(books) == {"S1": 300, "S2": 200, "S3": 300, "S4": 300, "S5": 300, "S6": 300}


def test_a_later_version_s_cap_counts_what_was_billed_under_the_earlier_one(books: Books) -> None:
    lower = {"ev_extensions": {"day_cap": {"before_taxes": Decimal(4)}}}
    charge(books, "A", ("S1", 60))
    books.deliver(tariff("D", minutes=61, **lower))
    charge(books, "A", ("S2", 120))
    books.follow()
    assert nets(books) == {"S1": 300, "S2": 100}


def test_another_currency_has_a_cap_of_its_own(books: Books) -> None:
    charge(books, "A", ("S1", 60))
    books.follow()
    books.deliver(tariff("D", minutes=61, currency="CHF", **CAPPED))
    charge(books, "A", ("S2", 120))
    books.follow()
    assert [(i.currency, i.totals.net_minor) for i in books.invoices] == [("EUR", 300), ("CHF", 300)]


# --- after it --------------------------------------------------------------------------------------------------------


def test_books_and_views_show_what_was_taken_away(books: Books, database_url: str) -> None:
    charge(books, "M", ("S1", 60), ("S2", 120))
    books.bill()
    Projector(database_url).catch_up()
    assert select(database_url, "SELECT account, balance_minor FROM finance.trial_balance ORDER BY 1") == [
        {"account": "receivable", "balance_minor": 595},
        {"account": "revenue", "balance_minor": -500},
        {"account": "vat_payable", "balance_minor": -95},
    ]
    assert select(database_url, "SELECT tariff_id, net_minor, sessions FROM finance.revenue_by_tariff") == [
        {"tariff_id": "D", "net_minor": 500, "sessions": 2}
    ]
    lines = "SELECT session_id, unit_price, net_minor FROM finance.invoice_lines WHERE dimension = 'DAY_CAP'"
    assert select(database_url, lines) == [{"session_id": "S2", "unit_price": Decimal("-1.00"), "net_minor": -100}]
    costs = (
        "SELECT billed_amount_minor, billed_net_minor, correction_due FROM finance.session_costs ORDER BY session_id"
    )
    assert select(database_url, costs)[1] == {
        "billed_amount_minor": 300, "billed_net_minor": 200, "correction_due": False,
    }  # fmt: skip


def test_a_document_over_nothing_moves_no_books_and_leaves_nothing_open(books: Books, database_url: str) -> None:
    charge(books, "A", ("S1", 60), ("S2", 120), ("S3", 180))
    books.follow()
    Projector(database_url).catch_up()
    last = books.numbers[-1]
    assert select(database_url, f"SELECT posting FROM finance.gl_journal WHERE document = '{last}'") == []  # noqa: S608
    assert [row["number"] for row in select(database_url, "SELECT number FROM finance.ar_open_items ORDER BY 1")] == (
        books.numbers[:2]
    )
    assert select(database_url, "SELECT billed, unexplained FROM finance.completeness") == [
        {"billed": 3, "unexplained": 0}
    ]


def test_explain_shows_how_the_cap_was_reached(books: Books) -> None:
    charge(books, "A", ("S1", 60), ("S2", 120))
    books.follow()
    first, second = (explain(books.ledger.connection, invoice).sessions[0] for invoice in books.invoices)
    assert first.day_cap == "cap of the day 2026-11-02: 0.00 billed before + 3.00 = 3.00 before tax, not above 5.00"
    above = "6.00 before tax, 1.00 above 5.00: credit 1.00 before tax"
    assert second.day_cap == f"cap of the day 2026-11-02: 3.00 billed before + 3.00 = {above}"
    assert second.lines[-1] == "line 2: DAY_CAP 1 SESSION at -1.00 → net -1.00 (VAT 19 %, S)"


def test_a_person_reads_it_too(books: Books, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVLEDGER_DATABASE_URL", database_url)
    charge(books, "A", ("S1", 60), ("S2", 120))
    books.follow()
    assert "cap of the day 2026-11-02: 3.00 billed before" in run(explain_command, books.numbers[-1]).out


def test_a_changed_total_before_is_noticed(books: Books, database_url: str) -> None:
    charge(books, "M", ("S1", 60), ("S2", 120))
    books.bill()
    assert tamper(database_url, "invoice.InvoiceIssued", '"before":{"excl_minor":300', '"before":{"excl_minor":299') > 0
    with psycopg.connect(database_url) as connection:
        ((_, reason),) = replay(connection, None, lambda _position, _end: None).differences
    assert "the document comes out otherwise: sessions was" in reason


def test_tariffs_without_a_cap_leave_no_trace(books: Books) -> None:
    charge(books, "A", ("S1", 60), tariff_id="T")
    books.follow(NOW + timedelta(days=1))
    assert books.invoices[0].sessions[0].day_cap is None
    assert "day_cap" not in books.invoices[0].policies
