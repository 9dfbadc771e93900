"""The double entry of each fact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.posting import POSTED, JournalEntry, Posting, UnbalancedEntryError, journal_entry
from ledger.posting.entry import credit, debit
from ledger.store.fact import TOPIC_OF
from tests.unit.projections.facts import START, issued, rated, totals


def sides(entry: JournalEntry) -> list[tuple[str, int, int]]:
    return [(posting.account, posting.debit_minor, posting.credit_minor) for posting in entry.postings]


def an_entry(*postings: Posting) -> JournalEntry:
    return JournalEntry("default", START, "ABC-NL-2026-000001", "ACC-1", "ABC-NL", postings)


def test_an_invoice_debits_the_receivable_and_credits_revenue_and_vat() -> None:
    entry = journal_entry(issued(nets={"S1": 600, "S2": 45}))
    assert sides(entry) == [("receivable", 768, 0), ("revenue", 0, 645), ("vat_payable", 0, 123)]
    assert (entry.document, entry.account_id, entry.legal_entity) == ("ABC-NL-2026-000001", "ACC-1", "ABC-NL")


def test_an_invoice_without_vat_has_no_vat_posting() -> None:
    assert sides(journal_entry(issued(totals=totals(645, 0)))) == [("receivable", 645, 0), ("revenue", 0, 645)]


def test_a_negative_invoice_swaps_the_sides() -> None:
    entry = journal_entry(issued(nets={"S1": -100}, totals=totals(-100, -19)))
    assert sides(entry) == [("receivable", 0, 119), ("revenue", 100, 0), ("vat_payable", 19, 0)]


def test_an_invoice_whose_lines_miss_its_totals_is_no_entry() -> None:
    with pytest.raises(UnbalancedEntryError, match="ABC-NL-2026-000001: debits and credits differ by 1 EUR"):
        journal_entry(issued(nets={"S1": 645}, totals=totals(646, 123)))


def test_an_entry_balances_in_each_currency_by_itself() -> None:
    with pytest.raises(UnbalancedEntryError):
        an_entry(Posting("receivable", 5, 0, "EUR"), Posting("revenue", 0, 5, "USD"))


@pytest.mark.parametrize("amounts", [(0, 0), (1, 1), (-1, 0), (0, -1), (2, -1)])
def test_a_posting_has_one_positive_side(amounts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="one positive side"):
        Posting("revenue", *amounts, currency="EUR")


def test_nothing_to_post_is_no_posting() -> None:
    assert debit("revenue", 0, "EUR") == credit("revenue", 0, "EUR") == ()


def test_a_fact_that_moves_no_money_has_no_entry() -> None:
    with pytest.raises(TypeError, match="SessionRated leads to no journal entry"):
        journal_entry(rated())


def test_every_posted_fact_is_a_fact_of_the_log() -> None:
    assert all(kind in TOPIC_OF for kind in POSTED)


@given(st.dictionaries(st.text("ABC", min_size=1), st.integers(-(10**9), 10**9), min_size=1), st.integers(0, 10**6))
def test_every_consistent_invoice_balances(nets: dict[str, int], vat_minor: int) -> None:
    entry = journal_entry(issued(nets=nets, totals=totals(sum(nets.values()), vat_minor)))
    assert sum(posting.debit_minor - posting.credit_minor for posting in entry.postings) == 0
    assert entry.balance_minor("receivable")["EUR"] == sum(nets.values()) + vat_minor
