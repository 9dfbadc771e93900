"""Corrections after the invoice: what was issued stays, and what changed is credited and billed again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.audit.explain import UnknownInvoiceError, explain, find_invoice
from ledger.audit.replay import replay
from ledger.desk import Desk
from ledger.intake.subject import SubjectKey
from ledger.invoice.events import InvoiceIssued
from ledger.session.release import Order, Substitute
from ledger.store.serial import encode_fact
from projections.projector import Projector
from projections.rebuild import rebuild
from tests.building import TENANT, account, component, end, reading, start, state, tariff
from tests.integration.billing import NOW, Books, numbers_to
from tests.integration.read_side import select, snapshot

NEXT_MONTH = datetime(2027, 1, 2, 12, 0, tzinfo=UTC)
PARKING = (component("ENERGY", "0.30"), component("PARKING_TIME", "6"))

STATUS = "SELECT session_id, status, invoice_number, correction_due FROM finance.session_costs ORDER BY session_id"
REGISTER = "SELECT number, kind, corrects, gross_minor, status FROM finance.invoice_register ORDER BY issued_at, number"
BALANCE = "SELECT balance_minor FROM finance.customer_balances WHERE account_id = 'A'"
OPEN = "SELECT coalesce(sum(open_minor), 0)::bigint AS open FROM finance.ar_open_items"
REVENUE = "SELECT sum(net_minor)::bigint AS net, sum(sessions)::bigint AS sessions FROM finance.revenue_by_day"
VAT = "SELECT sum(net_minor)::bigint AS net, sum(vat_minor)::bigint AS vat FROM finance.vat_by_country_rate"
BOOKS = "SELECT account, balance_minor FROM finance.trial_balance ORDER BY account"
COMPLETE = "SELECT ended, billed, pending, held, waived, free, unexplained FROM finance.completeness"
OUT = "SELECT type FROM projection.outbox WHERE type NOT LIKE 'billing.session%' ORDER BY position"


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.deliver(tariff("P", *PARKING))
        yield books
        books.close()


def charged(books: Books, *session_ids: str, **data: Any) -> None:
    """Sessions of an hour that take 10 kWh in the first half of it: 3.00, before the parking is known."""
    for session_id in session_ids:
        books.deliver(
            start(session_id, account_id="A", tariff_id="P", **data), reading(session_id, 30, "1010"), end(session_id)
        )


def parks(books: Books, session_id: str, minutes: int = 30) -> None:
    """The station says late that the car was parked, for half an hour: 3.00 more."""
    books.deliver(state(session_id, minutes, "SuspendedEV"))


def rows(books: Books, query: str, role: str = "evledger_finance") -> list[Any]:
    Projector(books.ledger.url).catch_up()
    return [tuple(row.values()) for row in select(books.ledger.url, query, role)]


def differences(books: Books) -> list[Any]:
    return replay(books.ledger.connection, None, lambda _position, _end: None).differences


def assert_in_balance(books: Books, net_minor: int) -> None:
    """Every table tells of the same net; what is owed is open."""
    (balance,) = rows(books, BALANCE)[0]
    assert (rows(books, REVENUE)[0][0], rows(books, VAT)[0][0]) == (net_minor, net_minor)
    accounts = dict(rows(books, BOOKS))
    assert (-accounts["revenue"], accounts["receivable"]) == (net_minor, balance)
    assert rows(books, OPEN) == [(balance,)]
    assert differences(books) == []


def test_an_invoice_of_one_session_is_credited_in_full_and_issued_anew(books: Books) -> None:
    books.account("A")
    charged(books, "S")
    assert books.bill() == 1
    before = encode_fact(books.invoices[0])
    parks(books, "S")
    assert books.follow() == 0
    assert rows(books, STATUS) == [("S", "BILLED", "ABC-NL-2026-000001", True)]
    assert books.bill() == 2
    (note,), (first, second) = books.credit_notes, books.invoices
    assert (note.number, note.corrects) == ("ABC-NL-CN-2026-000001", first.number)
    assert (note.totals, note.lines) == (first.totals, first.lines)
    assert (second.totals.net_minor, second.sessions[0].credited_by) == (600, note.number)
    assert encode_fact(books.invoices[0]) == before
    assert rows(books, STATUS) == [("S", "BILLED", "ABC-NL-2026-000002", False)]
    assert rows(books, REGISTER) == [
        (first.number, "INVOICE", None, 357, "CREDITED"),
        (second.number, "INVOICE", None, 714, "OPEN"),
        (note.number, "CREDIT_NOTE", first.number, 357, "ISSUED"),
    ]
    assert rows(books, COMPLETE) == [(1, 1, 0, 0, 0, 0, 0)]
    assert explain(books.ledger.connection, second).sessions[0].credited_by == note.number
    with pytest.raises(UnknownInvoiceError, match=f"is a credit note: explain the invoice it corrects, {first.number}"):
        find_invoice(books.ledger.connection, TENANT, note.number)
    assert_in_balance(books, 600)


def test_credit_notes_of_two_tenants_with_one_number_come_from_their_own_invoices(books: Books) -> None:
    for tenant in (TENANT, "other"):
        told = [
            account("A"),
            tariff("P", *PARKING),
            start("S", account_id="A", tariff_id="P"),
            reading("S", 30, "1010"),
        ]
        books.deliver(*[event.under(tenant=tenant) for event in (*told, end("S"))])
    books.bill()
    for tenant, minutes in ((TENANT, 30), ("other", 45)):
        books.deliver(state("S", minutes, "SuspendedEV").under(tenant=tenant))
        books.follow()
        books.biller.correct(tenant, NOW)
    assert [note.number for note in books.credit_notes] == ["ABC-NL-CN-2026-000001"] * 2
    assert {note.tenant for note in books.credit_notes} == {TENANT, "other"}
    assert differences(books) == []


def test_a_correction_is_made_once(books: Books) -> None:
    books.account("A")
    charged(books, "S")
    books.bill()
    parks(books, "S")
    assert (books.bill(), books.bill(), books.bill(NEXT_MONTH)) == (2, 0, 0)
    parks(books, "S", 45)
    assert books.bill() == 0  # nothing changed: it was parked already
    books.deliver(state("S", 40, "Charging"))
    assert books.bill() == 2
    assert books.numbers == numbers_to(3)
    assert [note.number for note in books.credit_notes] == numbers_to(2, "ABC-NL-CN-2026")
    assert books.invoices[-1].sessions[0].credited_by == "ABC-NL-CN-2026-000002"
    assert_in_balance(books, books.invoices[-1].totals.net_minor)


def test_a_line_of_a_statement_is_credited_and_billed_on_the_next_one(books: Books) -> None:
    books.account("A", "MONTHLY")
    charged(books, "S1", "S2")
    assert books.bill() == 1
    parks(books, "S1")
    assert books.bill() == 1
    (note,) = books.credit_notes
    assert (note.corrects, note.period, note.totals.net_minor) == (books.numbers[0], "2026-11", 300)
    assert {line.session_id for line in note.lines} == {"S1"}
    assert rows(books, STATUS)[0] == ("S1", "RATED", None, False)
    assert rows(books, COMPLETE) == [(2, 1, 1, 0, 0, 0, 0)]
    assert_in_balance(books, 300)
    assert books.bill(NEXT_MONTH) == 1
    assert [(i.period, i.totals.net_minor) for i in books.invoices] == [("2026-11", 600), ("2026-12", 600)]
    assert books.invoices[1].sessions[0].credited_by == note.number
    assert rows(books, COMPLETE) == [(2, 2, 0, 0, 0, 0, 0)]
    assert_in_balance(books, 900)


def test_the_period_of_a_credited_statement_stays_closed(books: Books) -> None:
    books.account("A", "MONTHLY")
    charged(books, "S1")
    books.bill()
    parks(books, "S1")
    books.bill()
    charged(books, "LATE")
    assert books.bill() == 0
    assert books.bill(NEXT_MONTH) == 1
    assert {s.session_id for s in books.invoices[-1].sessions} == {"S1", "LATE"}


def test_a_session_that_costs_nothing_any_more_is_credited_and_free(books: Books) -> None:
    books.account("A")
    charged(books, "S")
    books.bill()
    hold(books, "S")
    Desk(books.ledger).release(key(), order(), [Substitute("ended@60", 1_000_000_000), read_as_start()], Decimal(100))
    assert books.bill() == 1
    assert (len(books.credit_notes), len(books.invoices)) == (1, 1)
    assert rows(books, STATUS) == [("S", "FREE", None, False)]
    assert rows(books, BALANCE) == [(0,)]


def hold(books: Books, session_id: str) -> None:
    """Something suspicious comes after the invoice."""
    books.deliver(reading(session_id, 90, "1020"))


def key(session_id: str = "S") -> SubjectKey:
    return SubjectKey("session", TENANT, session_id)


def order() -> Order:
    return Order("anna", "finance", NOW, "display read on site")


def read_as_start() -> Substitute:
    return Substitute("metered@30", 1_000_000_000)


def test_a_held_correction_waits_for_its_release(books: Books) -> None:
    books.account("A")
    charged(books, "S")
    books.bill()
    hold(books, "S")
    parks(books, "S")
    assert books.bill() == 0
    assert rows(books, STATUS) == [("S", "BILLED", "ABC-NL-2026-000001", True)]
    Desk(books.ledger).release(key(), order(), [], Decimal(100))
    assert books.bill() == 2
    assert books.invoices[-1].totals.net_minor == 600


def test_only_a_changed_amount_is_corrected(books: Books) -> None:
    """Energy that is the same to the cent: another revision, and no correction."""
    books.account("A")
    charged(books, "S")
    books.bill()
    hold(books, "S")
    Desk(books.ledger).release(key(), order(), [Substitute("ended@60", 1_010_001_000)], Decimal(100))
    assert books.bill() == 0
    assert rows(books, STATUS) == [("S", "BILLED", "ABC-NL-2026-000001", False)]


def test_prices_with_tax_are_credited_to_the_cent(books: Books) -> None:
    books.account("A", "MONTHLY", kind="CONSUMER")
    books.deliver(tariff("P", component("ENERGY", "0.333"), component("PARKING_TIME", "6"), minutes=-10))
    charged(books, "S1", "S2", "S3")
    books.bill()
    parks(books, "S2")
    books.bill()
    (note,), (statement,) = books.credit_notes, books.invoices
    billed = sum(line.gross_minor or 0 for line in statement.lines if line.session_id == "S2")
    assert note.totals.gross_minor == billed
    assert sum(line.net_minor for line in note.lines) == note.totals.net_minor
    assert differences(books) == []


def test_what_a_cap_of_the_day_took_away_is_credited_with_the_session(books: Books) -> None:
    books.account("A", "MONTHLY")
    capped = {"ev_extensions": {"day_cap": {"excl_vat": Decimal("5.00")}}}
    books.deliver(tariff("P", *PARKING, minutes=-10, **capped))
    charged(books, "S1", "S2")
    books.bill()
    assert books.invoices[0].totals.net_minor == 500
    parks(books, "S2")
    books.bill()
    assert books.credit_notes[0].totals.net_minor == 200
    assert books.bill(NEXT_MONTH) == 1
    assert books.invoices[1].totals.net_minor == 200
    assert_in_balance(books, 500)


def test_messages_tell_of_the_credit_note_and_of_the_balance(books: Books) -> None:
    books.account("A")
    charged(books, "S")
    books.bill()
    parks(books, "S")
    books.bill()
    assert [kind for (kind,) in rows(books, OUT, "evledger_projector")] == [
        "billing.invoice.issued.v1",
        "billing.balance.changed.v1",
        "billing.credit-note.issued.v1",
        "billing.balance.changed.v1",
        "billing.invoice.issued.v1",
        "billing.balance.changed.v1",
    ]


def test_tables_made_anew_tell_the_same(books: Books) -> None:
    books.account("A")
    charged(books, "S1", "S2")
    books.bill()
    parks(books, "S1")
    books.bill()
    Projector(books.ledger.url).catch_up()
    before = snapshot(books.ledger.url)
    rebuild(books.ledger.url, ["revenue", "invoice_register", "billed_sessions", "invoice_vat", "session_costs"])
    assert snapshot(books.ledger.url) == before


@pytest.mark.parametrize("size", [1, 2, 100])
def test_pages_of_any_size_correct_the_same(books: Books, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumers.session_log.PAGE_CHARGES", size)
    books.account("A", "MONTHLY")
    charged(books, "S1", "S2", "S3")
    books.account("B")
    books.deliver(start("S4", account_id="B", tariff_id="P"), reading("S4", 30, "1010"), end("S4"))
    books.bill()
    for session_id in ("S1", "S2", "S4"):
        parks(books, session_id)
    assert books.bill() == 3
    assert sorted(len(note.sessions) for note in books.credit_notes) == [1, 2]
    assert differences(books) == []


def test_a_correction_that_fails_half_way_leaves_nothing(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.account("A")
    charged(books, "S")
    books.bill()
    parks(books, "S")

    def fail(*_arguments: Any) -> Any:
        raise LookupError("no more")

    with monkeypatch.context() as patch:
        patch.setattr("consumers.session_log.mark_invoiced", fail)
        with pytest.raises(LookupError, match="no more"):
            books.bill()
    assert (len(books.credit_notes), len(books.invoices)) == (0, 1)
    assert books.bill(NOW + timedelta(hours=1)) == 2
    assert isinstance(books.invoices[1], InvoiceIssued)
    assert [note.number for note in books.credit_notes] == numbers_to(1, "ABC-NL-CN-2026")
