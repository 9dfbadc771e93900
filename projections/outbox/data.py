"""Facts to the data of public messages: pure."""

from collections.abc import Iterable

from ledger.session import events
from ledger.session.consequences import codes_of
from ledger.session.events import Cost
from ledger.values.energy import from_milliwh
from ledger.values.money import minor_to_text
from ledger.values.time import from_instant
from projections.outbox.messages import (
    BalanceChangedData,
    HeldReading,
    Price,
    SessionHeldData,
    SessionRatedData,
    SessionReleasedData,
)


def rated_data(fact: events.SessionRated) -> SessionRatedData:
    """OCPI-shaped totals of a rated session."""
    return SessionRatedData(
        session_id=fact.session_id,
        revision=fact.revision,
        account_id=fact.account_id,
        payment_id=fact.payment_id,
        started_at=from_instant(fact.started_at),
        ended_at=from_instant(fact.ended_at),
        currency=fact.currency,
        total_cost=_price(fact.cost, fact.currency),
        total_energy_cost=_total(fact, "ENERGY"),
        total_time_cost=_total(fact, "TIME"),
        total_parking_cost=_total(fact, "PARKING_TIME"),
        total_fixed_cost=_total(fact, "FLAT"),
        total_reservation_cost=_total(fact, "RESERVATION"),
        total_energy=from_milliwh(fact.energy_milliwh),
        tariff_id=fact.tariff_pin.tariff_id,
        tariff_version=fact.tariff_pin.tariff_version,
        tariff_hash=fact.tariff_pin.tariff_hash,
    )


def held_data(fact: events.SessionHeld) -> SessionHeldData:
    """The codes, each once, and the messages they rest on."""
    return SessionHeldData(
        session_id=fact.session_id, reason_codes=codes_of(fact.reasons), readings=_readings(fact.reasons)
    )


def released_data(fact: events.SessionReleased) -> SessionReleasedData:
    """The codes that were settled, each once, and the messages they rested on."""
    return SessionReleasedData(
        session_id=fact.session_id,
        reason_codes=codes_of(fact.reasons),
        readings=_readings(fact.reasons),
        because=fact.because,
    )


def balance_data(account_id: str, balance_minor: int, currency: str, because: str) -> BalanceChangedData:
    """What an account owes after a fact."""
    balance = minor_to_text(balance_minor, currency)
    return BalanceChangedData(account_id=account_id, balance=balance, currency=currency, because=because)


def _readings(reasons: Iterable[events.HoldReason]) -> tuple[HeldReading, ...]:
    return tuple(HeldReading(code=reason.code, because=reason.because) for reason in reasons)


def _total(fact: events.SessionRated, dimension: str) -> Price | None:
    cost = fact.totals.get(dimension)
    return None if cost is None else _price(cost, fact.currency)


def _price(cost: Cost, currency: str) -> Price:
    return Price(excl_vat=_text(cost.excl_minor, currency), incl_vat=_text(cost.incl_minor, currency))


def _text(amount_minor: int | None, currency: str) -> str | None:
    return None if amount_minor is None else minor_to_text(amount_minor, currency)
