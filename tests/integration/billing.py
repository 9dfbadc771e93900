"""A ledger whose sessions are billed, for tests of the biller and of replay."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from consumers.session_log import Biller
from ledger.application import Ledger
from ledger.intake.message import Record
from ledger.invoice.events import CreditNoteIssued, InvoiceIssued
from ledger.store.streams import head, read_page
from tests.building import ZONE, Event, Feed, account, end, start, tariff

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
CLOSED = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)  # 1 December, 00:00 in the zone of the accounts


class Books:
    """One ledger with tariff T (0.30 EUR a kWh, 19 % VAT), its feed, and a biller."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.feed = Feed(ledger, "ev.sessions.v1")
        self.feed.deliver(tariff("T"))
        self.biller = Biller(ledger, ZONE)

    def close(self) -> None:
        self.feed.close()

    def account(self, account_id: str, billing: str = "PER_SESSION", **data: Any) -> None:
        self.feed.deliver(account(account_id, billing, **data))

    def sessions(
        self, payer: str | None, *session_ids: str, minutes: int = 0, kwh: str = "1010.000", **data: Any
    ) -> None:
        """Whole sessions of an hour, in one batch; 3.00 EUR each unless told otherwise. No payer: ad hoc."""
        who = {"payment_id": "PAY-1"} if payer is None else {"account_id": payer}
        terms: dict[str, Any] = {**who, "tariff_id": "T", **data}
        begun = [start(session_id, minutes, **terms) for session_id in session_ids]
        self.feed.deliver(*begun, *[end(session_id, minutes + 60, kwh) for session_id in session_ids])

    def deliver(self, *events: Event | Record) -> None:
        self.feed.deliver(*events)

    def follow(self, now: datetime = NOW) -> int:
        """Meet every rated session; how many invoices were issued."""
        return self.biller.follow(lambda: now, lambda _position, _end: None)

    def bill(self, now: datetime = NOW, period: str | None = None, account_id: str | None = None) -> int:
        """Follow, correct, then close; how many documents were issued."""
        followed = self.follow(now)
        return (
            followed
            + self.biller.correct("default", now, account_id)
            + self.biller.close("default", now, period, account_id)
        )

    @property
    def invoices(self) -> list[InvoiceIssued]:
        """All invoices, in the order of the log."""
        connection = self.ledger.connection
        page = read_page(connection, "billing", 0, head(connection, "billing"), ["invoice.InvoiceIssued"])
        return [logged.fact for logged in page if isinstance(logged.fact, InvoiceIssued)]

    @property
    def credit_notes(self) -> list[CreditNoteIssued]:
        """All credit notes, in the order of the log."""
        connection = self.ledger.connection
        page = read_page(connection, "billing", 0, head(connection, "billing"), ["invoice.CreditNoteIssued"])
        return [logged.fact for logged in page if isinstance(logged.fact, CreditNoteIssued)]

    @property
    def numbers(self) -> list[str]:
        return [invoice.number for invoice in self.invoices]

    @property
    def billed(self) -> list[str]:
        """The sessions on all invoices, sorted; one that is billed twice shows twice."""
        return sorted(session.session_id for invoice in self.invoices for session in invoice.sessions)


def numbers_to(last: int, series: str = "ABC-NL-2026") -> Sequence[str]:
    """The numbers of a series without gaps."""
    return [f"{series}-{number:06d}" for number in range(1, last + 1)]
