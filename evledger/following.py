"""The biller as a service: it wakes with the sessions log, corrects and closes periods when the seller's day begins."""

from datetime import UTC, date, datetime
from threading import Event

from consumers.session_log import Biller
from ledger.application import Ledger
from ledger.store.connection import connect
from ledger.values.zones import time_zone
from projections.projector import listen, wait_for_news


def follow_billing(ledger: Ledger, biller: Biller, tenant: str, seller_zone: str, stop: Event) -> int:
    """Bill until stopped; how many invoices were issued. Raises UnavailableError when the database stays away."""
    issued, closed_on = 0, None
    with connect(ledger.url, "app") as listener:
        listen(listener, ("session_events",))
        while not stop.is_set():
            issued += biller.follow(_clock, lambda _position, _end: None)
            today = _today(seller_zone)
            if today != closed_on:
                issued += biller.correct(tenant, _clock())
                issued += biller.close(tenant, _clock())
                closed_on = today
            wait_for_news(listener)
    return issued


def _clock() -> datetime:
    return datetime.now(UTC)


def _today(zone: str) -> date:
    return datetime.now(time_zone(zone)).date()
