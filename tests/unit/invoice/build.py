"""Rated sessions and payers for invoices."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from ledger.account.events import AccountFact
from ledger.invoice.decide import BilledSession, Issue
from ledger.session.events import Authority, Cost, RatedLine, SessionRated
from ledger.values.money import exact_to_text, round_to_minor
from tests.building import AT, account, fact_of, minute
from tests.unit.session.build import BUSINESS, PIN

ISSUED_AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def payer(**data: Any) -> AccountFact:
    fact = fact_of(account("ACC", **data))
    assert isinstance(fact, AccountFact)
    return fact


def line(excl: str, vat: str | None = "19", dimension: str = "ENERGY") -> RatedLine:
    """A line of so much before tax, in major units."""
    net = Fraction(excl)
    gross = net if vat is None else net * (100 + Fraction(vat)) / 100
    return RatedLine(
        dimension=dimension, quantity="1", billed_quantity="1", unit="KWH", unit_price="0.30", vat_percent=vat,
        excl_vat=exact_to_text(net), incl_vat=exact_to_text(gross),
    )  # fmt: skip


def gross_line(incl: str, vat: str = "19", dimension: str = "ENERGY") -> RatedLine:
    """A line of so much after tax."""
    net = Fraction(incl) * 100 / (100 + Fraction(vat))
    return line(str(net), vat, dimension)


def session(
    session_id: str, *lines: RatedLine, authority: Authority = "NET", currency: str = "EUR", **changes: Any
) -> SessionRated:
    sides = [sum((Fraction(side(item)) for item in lines), Fraction(0)) for side in (_excl, _incl)]
    cost = Cost(excl_minor=round_to_minor(sides[0], currency), incl_minor=round_to_minor(sides[1], currency))
    fields: dict[str, Any] = {
        "tenant": "default", "session_id": session_id, "revision": 1, "occurred_at": minute(60), "started_at": AT,
        "ended_at": minute(60), "location_id": "LOC1", "evse_uid": "E1", "country": "NL", "time_zone": "UTC",
        "energy_milliwh": 1_000_000, "currency": currency, "tariff_pin": PIN, "authority": authority,
        "amount_minor": cost.excl_minor if authority == "NET" else cost.incl_minor, "cost": cost, "lines": lines,
        "policies": {}, "account_id": "ACC", "seller": "ABC-NL", "terms": BUSINESS,
    }  # fmt: skip
    return SessionRated(**{**fields, **changes})


def _excl(item: RatedLine) -> str:
    return item.excl_vat or "0"


def _incl(item: RatedLine) -> str:
    return item.incl_vat or "0"


def billed(*sessions: SessionRated) -> list[BilledSession]:
    return [BilledSession(position, rated) for position, rated in enumerate(sessions, 1)]


def issue(**changes: Any) -> Issue:
    fields: dict[str, Any] = {
        "series": "ABC-NL-2026", "number_in_series": 17, "issued_at": ISSUED_AT, "seller_zone": "Europe/Amsterdam",
        "sessions_position": 99, "account_version": 3, "period": "2026-11",
    }  # fmt: skip
    return Issue(**{**fields, **changes})
