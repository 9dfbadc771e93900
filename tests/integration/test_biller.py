"""Rated sessions become invoices: which, when, and under which numbers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.rows import tuple_row

from consumers import session_log
from consumers.session_log import AlreadyBillingError, Biller
from ledger.application import Ledger, recorder_of
from ledger.session.events import HoldReason, SessionHeld
from ledger.store.rows import EventRows
from ledger.values.ids import stream_id
from tests.building import AT, LONG_AGO, TENANT, ZONE, component, end, ratings, reading, start, state, tariff
from tests.integration.billing import CLOSED, NOW, Books, numbers_to

DAY = 24 * 60
OCTOBER = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)  # 1 November, 00:00 in Amsterdam


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        yield books
        books.close()


# --- when ------------------------------------------------------------------------------------------------------------


def test_per_session_is_billed_at_once(books: Books) -> None:
    books.account("A")
    books.sessions("A", "S1", "S2")
    assert books.follow() == 2
    assert [(i.number, i.period, i.totals.gross_minor) for i in books.invoices] == [
        ("ABC-NL-2026-000001", None, 357),
        ("ABC-NL-2026-000002", None, 357),
    ]


def test_monthly_is_billed_when_the_period_has_ended(books: Books) -> None:
    books.account("A", "MONTHLY")
    books.sessions("A", "S1", "S2")
    assert books.bill(CLOSED - timedelta(microseconds=1)) == 0
    assert books.bill(CLOSED) == 1
    (invoice,) = books.invoices
    assert (invoice.period, invoice.totals.net_minor, len(invoice.sessions)) == ("2026-11", 600, 2)
    assert (invoice.issued_on, invoice.due_on) == ("2026-12-01", "2026-12-15")


def test_each_period_gets_its_own_invoice(books: Books) -> None:
    books.account("A", "MONTHLY")
    books.sessions("A", "S1", minutes=-5 * DAY)
    books.sessions("A", "S2")
    assert books.bill(NOW) == 2
    assert [(i.period, [s.session_id for s in i.sessions]) for i in books.invoices] == [
        ("2026-10", ["S1"]),
        ("2026-11", ["S2"]),
    ]


def test_a_session_belongs_to_the_period_in_which_it_ended(books: Books) -> None:
    """It begins in October and ends in November, in the account's zone."""
    begins = int((OCTOBER - AT).total_seconds()) // 60 - 30
    books.account("A", "MONTHLY")
    books.sessions("A", "S1", minutes=begins)
    books.bill(NOW)
    assert [invoice.period for invoice in books.invoices] == ["2026-11"]


def test_an_account_in_another_zone_closes_at_its_own_midnight(books: Books) -> None:
    begins = int((OCTOBER - AT).total_seconds()) // 60 + 30
    books.account("A", "MONTHLY", time_zone="America/New_York")
    books.sessions("A", "S1", minutes=begins)
    assert books.bill(OCTOBER + timedelta(hours=2)) == 0
    assert books.bill(OCTOBER + timedelta(hours=5)) == 1
    assert [invoice.period for invoice in books.invoices] == ["2026-10"]


def test_what_is_rated_after_the_close_goes_to_the_next_period(books: Books) -> None:
    books.account("A", "MONTHLY")
    books.sessions("A", "S1", minutes=-5 * DAY)
    assert books.bill(OCTOBER) == 1
    books.sessions("A", "late", minutes=-5 * DAY)
    assert books.bill(OCTOBER + timedelta(days=1)) == 0
    assert books.bill(NOW) == 1
    assert [(i.period, [s.session_id for s in i.sessions]) for i in books.invoices] == [
        ("2026-10", ["S1"]),
        ("2026-11", ["late"]),
    ]


def test_what_is_rated_anew_after_the_close_goes_to_the_next_period_too(books: Books) -> None:
    """It cost nothing when the period closed, so it is on no invoice yet."""
    books.deliver(tariff("P", component("PARKING_TIME", "6")))
    books.account("A", "MONTHLY")
    books.sessions("A", "S1", minutes=-5 * DAY)
    books.deliver(start("S2", -5 * DAY, account_id="A", tariff_id="P"), reading("S2", -5 * DAY + 2, "1010"))
    books.deliver(end("S2", -5 * DAY + 60))
    assert books.bill(OCTOBER) == 1
    books.deliver(state("S2", -5 * DAY + 30, "SuspendedEV"))
    assert books.bill(OCTOBER + timedelta(days=1)) == 0
    assert books.bill(NOW) == 1
    assert [(i.period, i.totals.net_minor) for i in books.invoices] == [("2026-10", 300), ("2026-11", 300)]


def test_one_period_or_one_account_can_be_closed_alone(books: Books) -> None:
    for name in ("A", "B"):
        books.account(name, "MONTHLY")
        books.sessions(name, f"{name}-Oct", minutes=-5 * DAY)
        books.sessions(name, f"{name}-Nov")
    assert books.bill(NOW, period="2026-11") == 2
    assert books.billed == ["A-Nov", "B-Nov"]
    assert books.bill(NOW, account_id="A") == 1
    assert books.bill(NOW, period="2026-09") == 0
    assert books.bill(NOW) == 1
    assert books.billed == ["A-Nov", "A-Oct", "B-Nov", "B-Oct"]


def test_a_tenant_is_closed_alone(books: Books) -> None:
    books.account("A", "MONTHLY")
    books.sessions("A", "S1")
    books.follow()
    assert books.biller.close("other", NOW) == 0
    assert books.biller.close(TENANT, NOW) == 1


# --- on which document -----------------------------------------------------------------------------------------------


def test_a_sub_account_gets_its_own_invoice(books: Books) -> None:
    books.account("A", "MONTHLY")
    books.account("A-1", "MONTHLY", parent_account_id="A", cost_centre="CC-1")
    books.sessions("A", "S1")
    books.sessions("A-1", "S2")
    books.bill()
    assert [(i.account_id, i.cost_centre, [s.session_id for s in i.sessions]) for i in books.invoices] == [
        ("A", None, ["S1"]),
        ("A-1", "CC-1", ["S2"]),
    ]


def test_an_invoice_has_one_currency_and_one_seller(books: Books) -> None:
    books.deliver(tariff("CHF", currency="CHF"))
    books.account("A", "MONTHLY")
    books.sessions("A", "S1")
    books.sessions("A", "S2", tariff_id="CHF")
    books.sessions("A", "S3", legal_entity="XYZ-BE")
    assert books.bill() == 3
    assert sorted((i.number, i.currency) for i in books.invoices) == [
        ("ABC-NL-2026-000001", "CHF"),
        ("ABC-NL-2026-000002", "EUR"),
        ("XYZ-BE-2026-000001", "EUR"),
    ]


def test_the_account_as_it_is_when_the_invoice_is_issued_is_on_it(books: Books) -> None:
    books.account("A", "MONTHLY", name="Old")
    books.sessions("A", "S1")
    books.follow()
    books.account("A", "MONTHLY", minutes=100, name="New", verb="changed")
    books.bill()
    assert [(i.personal.name, i.account_version) for i in books.invoices] == [("New", 2)]


def test_reverse_charge_follows_the_account_as_it_is_when_the_invoice_is_issued(books: Books) -> None:
    """Prices include tax, so the sides differ: it moved to NL after its sessions were met, before they were billed."""
    books.deliver(tariff("G", tax_included="YES"))
    dealer = {"kind": "RESELLER", "country": "DE", "vat_id": "DE136695976"}
    books.account("A", "MONTHLY", **dealer)
    books.sessions("A", "NL", tariff_id="G")
    books.sessions("A", "BE", tariff_id="G", country="BE")
    books.follow()
    books.account("A", "MONTHLY", minutes=100, verb="changed", **{**dealer, "country": "NL"})
    books.bill()
    assert books.billed == ["BE", "NL"]
    by_session = {i.sessions[0].session_id: i for i in books.invoices}
    assert [(v.category, v.net_minor, v.vat_minor) for v in by_session["NL"].totals.by_vat] == [("S", 252, 48)]
    assert [(v.category, v.net_minor, v.vat_minor) for v in by_session["BE"].totals.by_vat] == [("AE", 252, 0)]
    assert charges(books) == {"NL": 300, "BE": 252}


# --- never -----------------------------------------------------------------------------------------------------------


def test_running_twice_issues_nothing_twice(books: Books) -> None:
    books.account("A")
    books.account("M", "MONTHLY")
    books.sessions("A", "S1")
    books.sessions("M", "S2")
    assert (books.bill(), books.bill(), books.bill()) == (2, 0, 0)
    assert books.billed == ["S1", "S2"]


@pytest.mark.parametrize("billing", ["PER_SESSION", "MONTHLY", "PREPAID"])
def test_what_is_held_is_never_billed(books: Books, billing: str) -> None:
    books.account("A", billing)
    books.deliver(tariff("V", component("ENERGY", "0.30", vat=None)))
    books.sessions("A", "no-tariff", minutes=2 * LONG_AGO, tariff_id=None)
    books.sessions("A", "vat-unknown", tariff_id="V")
    books.sessions("A", "backwards", kwh="999")
    books.sessions(None, "ad-hoc")
    assert (books.bill(), books.billed) == (0, [])


def test_prepaid_is_rated_but_not_billed(books: Books) -> None:
    books.account("A", "PREPAID")
    books.sessions("A", "S1")
    assert books.bill() == 0
    assert [rated.holds for rated in ratings(books.ledger, "S1")] == [("NOT_YET_PAYABLE",)]


@pytest.mark.parametrize("billing", ["PER_SESSION", "MONTHLY"])
def test_a_hold_in_the_page_of_the_cost_keeps_the_session_back(books: Books, billing: str) -> None:
    books.account("A", billing)
    books.sessions("A", "S1", "S2")
    hold(books, "S1")
    assert books.bill() == 1
    assert books.billed == ["S2"]


def test_a_hold_in_a_later_page_keeps_back_what_is_not_billed_yet(books: Books) -> None:
    books.account("A", "MONTHLY")
    books.sessions("A", "S1", "S2")
    books.follow()
    hold(books, "S1")
    books.bill()
    assert books.billed == ["S2"]


def test_cost_zero_is_on_no_document(books: Books) -> None:
    books.account("A")
    books.account("M", "MONTHLY")
    books.sessions("A", "S1", kwh="1000")
    books.sessions("M", "S2", kwh="1000")
    assert (books.bill(), books.billed) == (0, [])


# --- revisions -------------------------------------------------------------------------------------------------------


def parked_late(books: Books, session_id: str, billing: str) -> None:
    """A session of 3.00 EUR that costs 6.00 once its parking is known (see `parking_is_known`)."""
    books.deliver(tariff("E", component("ENERGY", "0.30"), component("PARKING_TIME", "6")))
    books.account("A", billing)
    books.deliver(start(session_id, account_id="A", tariff_id="E"), reading(session_id, 30, "1010"), end(session_id))


def parking_is_known(books: Books, session_id: str) -> None:
    books.deliver(state(session_id, 30, "SuspendedEV"))


@pytest.mark.parametrize("billing", ["PER_SESSION", "MONTHLY"])
def test_before_the_invoice_the_latest_revision_counts(books: Books, billing: str) -> None:
    parked_late(books, "S1", billing)
    parking_is_known(books, "S1")
    books.bill()
    assert [(i.totals.net_minor, i.sessions[0].revision) for i in books.invoices] == [(600, 2)]


def test_a_revision_met_in_a_later_page_counts_too(books: Books) -> None:
    parked_late(books, "S1", "MONTHLY")
    books.follow()
    parking_is_known(books, "S1")
    books.bill()
    assert [(i.totals.net_minor, i.sessions[0].revision) for i in books.invoices] == [(600, 2)]


@pytest.mark.parametrize("billing", ["PER_SESSION", "MONTHLY"])
def test_after_the_invoice_nothing_changes_it(books: Books, billing: str) -> None:
    """Following the log makes the correction due; it is made by a run of the biller."""
    parked_late(books, "S1", billing)
    books.bill()
    parking_is_known(books, "S1")
    assert books.follow() == 0
    assert [(i.totals.net_minor, i.sessions[0].revision) for i in books.invoices] == [(300, 1)]
    row = books.ledger.connection.execute(
        "SELECT revision, amount_minor, invoiced_revision, invoiced_amount_minor FROM ledger.charges"
    ).fetchone()
    assert row == (2, 600, 1, 300)


# --- pages and numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("positions", [1, 2, 3, 7])
@pytest.mark.parametrize("charged", [1, 2, 3, 100])
def test_pages_of_any_size_bill_the_same(
    books: Books, positions: int, charged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_log, "PAGE_POSITIONS", positions)
    monkeypatch.setattr(session_log, "PAGE_CHARGES", charged)
    books.account("A")
    books.sessions("A", "S1", "S2")
    for name in ("M1", "M2", "M3"):
        books.account(name, "MONTHLY")
        books.sessions(name, f"{name}-1", f"{name}-2", f"{name}-3")
    assert books.bill() == 5
    assert books.numbers == numbers_to(5)
    assert [len(i.sessions) for i in books.invoices] == [1, 1, 3, 3, 3]
    assert len(books.billed) == len(set(books.billed)) == 11


def test_numbers_of_a_year_begin_anew_in_the_zone_of_the_seller(books: Books) -> None:
    new_year = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    books.account("A")
    for number, instant in enumerate((new_year - timedelta(seconds=1), new_year, new_year)):
        books.sessions("A", f"S{number}")
        books.follow(instant)
    assert books.numbers == ["ABC-NL-2026-000001", "ABC-NL-2027-000001", "ABC-NL-2027-000002"]


# --- one at a time ---------------------------------------------------------------------------------------------------


def test_a_second_biller_is_refused(books: Books, database_url: str) -> None:
    with Ledger(database_url) as ledger, pytest.raises(AlreadyBillingError, match="another biller is at work"):
        Biller(ledger, ZONE)


def test_the_next_biller_may_begin_when_the_first_is_gone(books: Books, database_url: str) -> None:
    books.ledger.close()
    with Ledger(database_url) as ledger:
        Biller(ledger, ZONE)


def charges(books: Books) -> dict[str, int]:
    query = "SELECT session_id, invoiced_amount_minor FROM ledger.charges WHERE invoice_number IS NOT NULL"
    return dict(books.ledger.connection.execute(query).fetchall())


def hold(books: Books, session_id: str) -> None:
    """A hold that comes after the cost, as a later check may find one."""
    (rated,) = ratings(books.ledger, session_id)
    reason = HoldReason(code="TEST", because="/test m")
    fact = SessionHeld(tenant=TENANT, session_id=session_id, occurred_at=rated.occurred_at, reasons=(reason,))
    rows = EventRows()
    rows.append(stream_id(TENANT, "session", session_id), 4, fact)
    with books.ledger.datastore.transaction(commit=True) as cursor:
        recorder = recorder_of(books.ledger.sessions)
        plain = cursor.connection.cursor(row_factory=tuple_row)
        recorder.lock(plain)
        recorder.write(plain, rows)
