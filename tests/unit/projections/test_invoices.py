"""What invoices mean for the register, their lines, VAT returns and the sessions on them."""

from hypothesis import given
from hypothesis import strategies as st

from projections.balances.customer_balances import CUSTOMER_BALANCES
from projections.invoices.billed_sessions import BILLED_SESSIONS
from projections.invoices.lines import INVOICE_LINES
from projections.invoices.register import INVOICE_REGISTER
from projections.invoices.vat import country_vat
from projections.journal.gl_journal import GL_JOURNAL
from projections.revenue.revenue import REVENUE
from tests.unit.projections.facts import invoice_line, invoiced_session, issued, stream_of, totals
from tests.unit.projections.pages import RECORDED_AT, rows_of


def test_the_register_has_a_row_for_each_document() -> None:
    ((row, other),) = rows_of(INVOICE_REGISTER, ("i", issued(period="2026-10")), ("i", issued(2, {"S2": 100})))
    assert (row["number"], row["kind"], row["period"], row["gross_minor"]) == (
        "ABC-NL-2026-000001",
        "INVOICE",
        "2026-10",
        768,
    )
    assert (other["number_in_series"], other["recorded_at"]) == (2, RECORDED_AT)


def test_lines_keep_their_numbers_and_texts() -> None:
    ((first, second),) = rows_of(INVOICE_LINES, ("i", issued(nets={"S1": 600, "S2": 45})))
    assert (first["line"], first["quantity"], first["unit_price"]) == (1, "21.500", "0.30")
    assert (second["line"], second["session_id"], second["net_minor"]) == (2, "S2", 45)


def test_a_posting_is_named_by_the_stream_and_version_of_its_fact() -> None:
    ((receivable, revenue, vat),) = rows_of(GL_JOURNAL, ("i", issued()))
    assert receivable["entry_id"] == revenue["entry_id"] == vat["entry_id"] == f"{stream_of('i')}-1"
    assert [row["posting"] for row in (receivable, revenue, vat)] == [1, 2, 3]
    assert {row["source"] for row in (receivable, revenue, vat)} == {"InvoiceIssued"}


def test_a_page_moves_a_balance_once() -> None:
    ((row,),) = rows_of(CUSTOMER_BALANCES, ("i", issued()), ("i", issued(2, {"S2": 100})))
    assert (row["account_id"], row["currency"], row["balance_minor"]) == ("ACC-1", "EUR", 768 + 119)


def test_a_session_on_two_documents_of_a_page_counts_both() -> None:
    ((row,),) = rows_of(BILLED_SESSIONS, ("i", issued()), ("i", issued(2)))
    assert (row["number"], row["documents"]) == ("ABC-NL-2026-000002", 2)


def test_revenue_takes_nets_from_lines_and_energy_from_sessions() -> None:
    lines = (invoice_line(1, "S1", 600), invoice_line(2, "S1", 45, dimension="PARKING_TIME"))
    fact = issued(lines=lines, sessions=(invoiced_session("S1", 645),))
    ((cell,),) = rows_of(REVENUE, ("i", fact))
    assert (cell["net_minor"], cell["sessions"], cell["energy_milliwh"]) == (645, 1, 21_500_000)
    assert (cell["day"], cell["station_id"], cell["tariff_id"]) == ("2026-11-02", "ST1", "TARIFF-1")


def test_revenue_without_a_station_has_a_cell_of_its_own() -> None:
    sessions = (invoiced_session("S1", 600), invoiced_session("S2", 45, station_id=None))
    ((with_station, without),) = rows_of(REVENUE, ("i", issued(nets={"S1": 600, "S2": 45}, sessions=sessions)))
    assert (with_station["station_id"], with_station["net_minor"]) == ("ST1", 600)
    assert (without["station_id"], without["net_minor"]) == ("", 45)


def test_vat_of_one_rate_is_divided_between_countries() -> None:
    sessions = (invoiced_session("S1", 100), invoiced_session("S2", 200, country="BE"))
    fact = issued(nets={"S1": 100, "S2": 200}, sessions=sessions, totals=totals(300, 58))
    rows = [(row.country, row.net_minor, row.vat_minor) for row in country_vat(fact)]
    assert rows == [("NL", 100, 19), ("BE", 200, 39)]


def test_vat_over_nets_that_cancel_out_is_not_lost() -> None:
    sessions = (invoiced_session("S1", 100), invoiced_session("S2", -100, country="BE"))
    fact = issued(nets={"S1": 100, "S2": -100}, sessions=sessions, totals=totals(0, 1))
    assert sum(row.vat_minor for row in country_vat(fact)) == 1


@given(st.lists(st.tuples(st.sampled_from(["NL", "BE", "DE"]), st.integers(0, 10**6)), min_size=1, max_size=20))
def test_vat_by_country_adds_up_to_the_document(parts: list[tuple[str, int]]) -> None:
    nets = {f"S{place}": minor for place, (_, minor) in enumerate(parts)}
    sessions = tuple(
        invoiced_session(f"S{place}", minor, country=country) for place, (country, minor) in enumerate(parts)
    )
    fact = issued(nets=nets, sessions=sessions)
    rows = country_vat(fact)
    assert sum(row.net_minor for row in rows) == fact.totals.net_minor
    assert sum(row.vat_minor for row in rows) == fact.totals.vat_minor
