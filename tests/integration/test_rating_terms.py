"""Reservations and membership prices from the message to the document, and back from the events."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from evledger.cli.cdrs import export, import_cdrs
from ledger.application import Ledger
from ledger.audit.explain import explain
from ledger.audit.replay import Replayed, replay
from ledger.audit.whatif import Span, what_if
from ledger.store.connection import connect
from ledger.tariff.parse import parse_tariff
from ledger.values.canonical import read_json_decimals
from tests.building import component, end, start, tariff, to_json
from tests.integration.billing import Books
from tests.integration.test_cdrs import PLACE
from tests.unit.cdr.commands import run

RESERVED = {"from": "2026-11-02T07:00:00Z", "until": "2026-11-02T08:30:00Z", "expired": False}
EXPIRED = {"from": "2026-11-02T07:00:00Z", "until": "2026-11-02T08:00:00Z", "expired": True}
ELEMENTS = [
    {"price_components": [component("TIME", "6", step_size=60)], "restrictions": {"reservation": "RESERVATION"}},
    {"price_components": [component("FLAT", "4")], "restrictions": {"reservation": "RESERVATION_EXPIRES"}},
    {"price_components": [component("ENERGY", "0.30")]},
]
DISCOUNT = {"discounts": [{"dimension": "ENERGY", "percent": 10, "groups": ["GOLD"]}]}
GOLD = [{"group": "GOLD", "from": "2026-01-01"}]
SPAN = Span("default", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


@pytest.fixture
def books(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """A ledger with a member, and a tariff for members that is chosen for who names none."""
    monkeypatch.setenv("EVLEDGER_DATABASE_URL", database_url)
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.account("A", memberships=GOLD)
        books.deliver(tariff("R", elements=ELEMENTS, ev_extensions=DISCOUNT, priority=1))
        yield books
        books.close()


def fill(books: Books) -> None:
    """One session after a reservation, one reservation that expired; both under the chosen tariff."""
    who: dict[str, Any] = {"account_id": "A", **PLACE}
    books.deliver(start("S", reservation=RESERVED, **who), end("S"))
    books.deliver(start("E", reservation=EXPIRED, **who), end("E", 0, "1000"))


def test_they_are_invoiced_line_by_line(books: Books) -> None:
    fill(books)
    assert books.bill() == 2
    used, expired = books.invoices
    assert [(line.description, line.quantity, line.net_minor) for line in used.lines] == [
        ("Reservation", "1", 600),
        ("Energy", "10.000", 270),
    ]
    assert [(line.description, line.net_minor) for line in expired.lines] == [
        ("Reservation fee", 400),
        ("Reservation", 600),
    ]


def test_the_invoices_come_out_of_the_events_again(books: Books, database_url: str) -> None:
    fill(books)
    books.bill()
    books.account("A", minutes=-5, verb="changed")
    with connect(database_url, "auditor") as connection:
        assert replay(connection, None, lambda _position, _end: None) == Replayed(2, [])


def test_each_step_is_explained(books: Books, database_url: str) -> None:
    fill(books)
    books.bill()
    with connect(database_url, "auditor") as connection:
        used, expired = [explain(connection, invoice).sessions[0] for invoice in books.invoices]
    assert [(step.line["dimension"], step.line["from"], step.line["until"]) for step in used.steps] == [
        ("RESERVATION_TIME", "2026-11-02T07:00:00Z", "2026-11-02T08:00:00Z"),
        ("ENERGY", "2026-11-02T08:00:00Z", "2026-11-02T09:00:00Z"),
    ]
    assert "10 % discount of GOLD" in str(used.steps[1].line["because"])
    assert (used.exact, expired.exact) == ("8.7", "10")


def test_another_tariff_is_tried_with_the_groups_and_the_reservation(books: Books, database_url: str) -> None:
    fill(books)
    content = tariff("X", elements=ELEMENTS, ev_extensions={"mark_up": {"per_session": 1, "groups": ["GOLD"]}}).data
    other = parse_tariff(read_json_decimals(to_json(content)))
    with connect(database_url, "auditor") as connection:
        changes = [change for page in what_if(connection, other, SPAN) for change in page.changes]
    assert [(c.session_id, c.before_minor, c.after_minor) for c in changes] == [("S", 870, 1000), ("E", 1000, 1100)]


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_a_partner_reads_the_same_from_the_cdr(books: Books, version: str, tmp_path: Any) -> None:
    fill(books)
    found = run(export, "cdrs", "--version", version)
    assert (found.exit_code, found.err) == (0, "2 CDRs written, 0 not written, 0 sessions held\n")
    costs = {cdr["id"]: next(iter(cdr["total_reservation_cost"].values())) for cdr in found.json}
    assert costs == {"S": 6.0, "E": 10.0}
    path = tmp_path / "cdrs.jsonl"
    path.write_text(found.out, encoding="utf-8")
    assert run(import_cdrs, path)[:2] == (0, "")
