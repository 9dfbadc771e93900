"""Issuing an invoice: a pure function of rated sessions, the account, and the number it gets."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from ledger.account.events import AccountFact
from ledger.invoice.amounts import Billable, LineAmount, billable, document_totals, line_amounts
from ledger.invoice.day_cap import NOTHING_BILLED, DayTotals, cap_lines, day_caps
from ledger.invoice.document import document_sha256
from ledger.invoice.events import Buyer, DayCap, InvoicedSession, InvoiceIssued, InvoiceLine
from ledger.invoice.number import number_of
from ledger.session.events import RatedLine, SessionRated
from ledger.values.ids import stream_id
from ledger.values.zones import time_zone

POLICIES = {"session_amount": "half_up", "vat": "half_up_per_category", "shares": "largest_remainder"}

CAP_POLICIES = {"day_cap": "order_of_ends"}  # on documents with sessions that have one

DESCRIPTIONS = {
    "ENERGY": "Energy",
    "TIME": "Charging time",
    "PARKING_TIME": "Parking time",
    "FLAT": "Session fee",
    "RESERVATION_TIME": "Reservation",
    "RESERVATION_FLAT": "Reservation fee",
    "MIN_PRICE": "Minimum price",
    "MAX_PRICE": "Maximum price",
    "MARK_UP": "Mark-up",
    "SESSION_CAP": "Cap of the session",
}


class BilledSession(NamedTuple):
    """A rated session with its position in the sessions log, and the credit note that took it off another invoice."""

    position: int
    rated: SessionRated
    credited_by: str | None = None


class Issue(NamedTuple):
    """What is decided outside: the number, the instant, the seller's zone, and what was known.

    `day_totals`: what was billed before under the caps of the sessions' days.
    """

    series: str
    number_in_series: int
    issued_at: datetime
    seller_zone: str
    sessions_position: int
    account_version: int
    period: str | None
    day_totals: DayTotals = NOTHING_BILLED


def series_of(legal_entity: str, issued_at: datetime, seller_zone: str) -> str:
    """The number series of a day: `ABC-NL-2026`."""
    return f"{legal_entity}-{day_of(issued_at, seller_zone).year:04}"


def issue_invoice(issue: Issue, account: AccountFact, sessions: Sequence[BilledSession]) -> InvoiceIssued:
    """The invoice over sessions of one seller, payer, currency and authoritative side.

    Raises ValueError when they are mixed, or when there is none.
    """
    bills = _bills(sessions, account)
    caps = day_caps([session.rated for session in sessions], bills, account, issue.day_totals)
    amounts = [_amounts(s.rated, bill, cap) for s, bill, cap in zip(sessions, bills, caps, strict=True)]
    totals, nets = document_totals([line for lines in amounts for line in lines], bills[0].authority)
    lines = _lines(sessions, amounts, nets, bills[0])
    first, issued_on = sessions[0].rated, day_of(issue.issued_at, issue.seller_zone)
    number = number_of(issue.series, issue.number_in_series)
    fact = InvoiceIssued(
        tenant=first.tenant,
        invoice_id=str(stream_id(first.tenant, "invoice", number)),
        legal_entity=first.seller or "",
        series=issue.series,
        number_in_series=issue.number_in_series,
        number=number,
        account_id=account.account_id,
        account_version=issue.account_version,
        personal=_buyer(account),
        language=account.language,
        occurred_at=issue.issued_at,
        issued_on=issued_on.isoformat(),
        due_on=(issued_on + timedelta(days=account.payment_terms_days)).isoformat(),
        currency=first.currency,
        authority=bills[0].authority,
        lines=lines,
        sessions=_invoiced(sessions, bills, caps, lines),
        totals=totals,
        sessions_position=issue.sessions_position,
        policies=POLICIES | CAP_POLICIES if any(caps) else POLICIES,
        document_sha256="",
        period=issue.period,
        seller_zone=issue.seller_zone,
        buyer_vat_id=account.vat_id,
        cost_centre=account.cost_centre,
    )
    return msgspec.structs.replace(fact, document_sha256=document_sha256(fact))


def _bills(sessions: Sequence[BilledSession], account: AccountFact) -> list[Billable]:
    bills = [billable(session.rated, account) for session in sessions]
    kinds = {
        (s.rated.tenant, s.rated.seller, s.rated.currency, bill.authority)
        for s, bill in zip(sessions, bills, strict=True)
    }
    if len(kinds) != 1:
        raise ValueError(f"an invoice has one seller, currency and authoritative side, not {len(kinds)}")
    return bills


def _amounts(rated: SessionRated, bill: Billable, cap: DayCap | None) -> list[LineAmount]:
    """The session's lines, and those that the cap of its day takes away by."""
    lines = line_amounts(rated, bill)
    return lines if cap is None else [*lines, *cap_lines(lines, cap, bill.authority, rated.currency)]


def _lines(
    sessions: Sequence[BilledSession], amounts: Sequence[Sequence[LineAmount]], nets: Sequence[int], bill: Billable
) -> tuple[InvoiceLine, ...]:
    pairs = [(s.rated, line) for s, lines in zip(sessions, amounts, strict=True) for line in lines]
    return tuple(
        _line(number, rated, line, net, bill)
        for number, ((rated, line), net) in enumerate(zip(pairs, nets, strict=True), 1)
    )


def _line(number: int, rated: SessionRated, amount: LineAmount, net: int, bill: Billable) -> InvoiceLine:
    line: RatedLine = amount.rated
    return InvoiceLine(
        line=number,
        description=amount.description or DESCRIPTIONS.get(line.dimension, line.dimension),
        session_id=rated.session_id,
        dimension=line.dimension,
        quantity=line.billed_quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        net_minor=net,
        vat_percent=amount.vat_percent,
        category=amount.category,
        tariff_id=rated.tariff_pin.tariff_id,
        tariff_version=rated.tariff_pin.tariff_version,
        gross_minor=amount.amount_minor if bill.authority == "GROSS" else None,
    )


def _invoiced(
    sessions: Sequence[BilledSession],
    bills: Sequence[Billable],
    caps: Sequence[DayCap | None],
    lines: Sequence[InvoiceLine],
) -> tuple[InvoicedSession, ...]:
    nets = net_by_session(lines)
    return tuple(
        InvoicedSession(
            session_id=rated.session_id,
            revision=rated.revision,
            rated_position=position,
            location_id=rated.location_id,
            evse_uid=rated.evse_uid,
            country=rated.country,
            tariff_id=rated.tariff_pin.tariff_id,
            tariff_version=rated.tariff_pin.tariff_version,
            started_at=rated.started_at,
            ended_at=rated.ended_at,
            energy_milliwh=rated.energy_milliwh,
            amount_minor=bill.amount_minor,
            net_minor=nets[rated.session_id],
            station_id=rated.station_id,
            operator_id=rated.operator_id,
            day_cap=cap,
            credited_by=credited_by,
        )
        for (position, rated, credited_by), bill, cap in zip(sessions, bills, caps, strict=True)
    )


def net_by_session(lines: Iterable[InvoiceLine]) -> Counter[str]:
    """The net of each session's lines, in minor units; 0 for a session without any."""
    nets: Counter[str] = Counter()
    for line in lines:
        nets[line.session_id] += line.net_minor
    return nets


def _buyer(account: AccountFact) -> Buyer:
    personal = account.personal
    address = None if personal.address is None else msgspec.structs.asdict(personal.address)
    return Buyer(person_id=personal.person_id, name=personal.name, email=personal.email, address=address)


def day_of(instant: datetime, zone: str) -> date:
    """The day of an instant in a zone."""
    return instant.astimezone(time_zone(zone)).date()
