"""The cap of a day: what an account's sessions under one tariff cost together at most in a day. Pure.

It depends on other sessions, so it is no part of a session's cost: what is above it is a credit on the document.
The day is that of the session's end in the account's zone. Sessions count in the order of their ends; what is on a
document counts as it was billed there and is never computed again. docs/tariff-extensions.md has the rules.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil
from types import MappingProxyType
from typing import Final, NamedTuple

from ledger.account.events import AccountFact
from ledger.invoice.amounts import DAY_CAP, Billable, LineAmount, net_of
from ledger.invoice.events import BothSides, DayCap, InvoicedSession, InvoiceIssued
from ledger.session.events import Authority, Cost, RatedLine, SessionRated
from ledger.values.money import minor_to_text, round_half_up
from ledger.values.zones import time_zone

NOTHING: Final = BothSides(excl_minor=0, incl_minor=0)


class CapKey(NamedTuple):
    """What is capped together; `day` is an ISO date in the account's zone."""

    tenant: str
    account_id: str
    tariff_id: str
    day: str
    currency: str


DayTotals = Mapping[CapKey, BothSides]  # what was billed so far, in minor units on both sides of tax

NOTHING_BILLED: Final[DayTotals] = MappingProxyType({})


def cap_key(rated: SessionRated, account: AccountFact) -> CapKey:
    """What the session is capped with, if the version of its tariff has a cap of a day."""
    day = rated.ended_at.astimezone(time_zone(account.time_zone)).date().isoformat()
    return CapKey(rated.tenant, account.account_id, rated.tariff_pin.tariff_id, day, rated.currency)


def day_caps(
    sessions: Sequence[SessionRated], bills: Sequence[Billable], account: AccountFact, totals: DayTotals
) -> list[DayCap | None]:
    """What the caps make of the sessions of a document, in the order given; None for one without a cap.

    `totals`: what was billed before the document.
    """
    billed: dict[CapKey, BothSides] = {}
    caps: list[DayCap | None] = [None] * len(sessions)
    for place in _capped_by_ends(sessions):
        key = cap_key(sessions[place], account)
        before = billed.get(key) or totals.get(key, NOTHING)
        cap = _cap(sessions[place], bills[place], key.day, before)
        caps[place], billed[key] = cap, cap.before.plus(cap.billed)
    return caps


def _capped_by_ends(sessions: Sequence[SessionRated]) -> list[int]:
    """The places of the sessions that have a cap, in the order of their ends."""
    capped = [place for place, rated in enumerate(sessions) if rated.day_cap is not None]
    return sorted(capped, key=lambda place: _order_of_ends(sessions[place]))


def _order_of_ends(session: SessionRated | InvoicedSession) -> tuple[object, str]:
    """The order in which sessions use up a cap: by their ends, at a tie by id."""
    return session.ended_at, session.session_id


def capped_in_order(sessions: Sequence[SessionRated]) -> list[int]:
    """The places of sessions that get documents of their own, as they are to be issued.

    Those with a cap change places with each other, so that they come in the order of their ends; the others stay.
    """
    by_ends = _capped_by_ends(sessions)
    in_order = dict(zip(sorted(by_ends), by_ends, strict=True))
    return [in_order.get(place, place) for place in range(len(sessions))]


def _cap(rated: SessionRated, bill: Billable, day: str, before: BothSides) -> DayCap:
    """What is above the cap: from nothing up to the whole session, and nothing of one that costs less than nothing."""
    side, cap_minor = _limit(rated.day_cap or Cost(), bill.authority)
    cost = _both_sides(rated, bill)
    over = min(max(before.on(side) + cost.on(side) - cap_minor, 0), max(cost.on(side), 0))
    taken = _taken(cost, over, side, bill.authority)
    return DayCap(
        day=day,
        side=side,
        cap_minor=cap_minor,
        before=before,
        over_minor=over,
        credit_minor=taken.on(bill.authority),
        billed=cost.less(taken),
    )


def _limit(cap: Cost, authority: Authority) -> tuple[Authority, int]:
    """The cap on the authoritative side, else the other one that the tariff names."""
    sides: dict[Authority, int | None] = {"NET": cap.excl_minor, "GROSS": cap.incl_minor}
    named = {side: amount for side, amount in sides.items() if amount is not None}
    side = authority if authority in named else _other(authority)
    return side, named[side]


def _both_sides(rated: SessionRated, bill: Billable) -> BothSides:
    """What the session costs on both sides of tax; one that is not known counts as the other."""
    known = rated.cost.excl_minor if bill.authority == "GROSS" else rated.cost.incl_minor
    return _of(bill.authority, bill.amount_minor, bill.amount_minor if known is None else known)


def _taken(cost: BothSides, over: int, side: Authority, authority: Authority) -> BothSides:
    """What is above the cap, on both sides in the proportion of the session's own.

    On the authoritative side, where the cap is on the other one, it is rounded up: no more than the cap remains.
    """
    share = Fraction(over * cost.on(_other(side)), cost.on(side)) if over else Fraction(0)
    return _of(side, over, round_half_up(share) if side == authority else max(ceil(share), 0))


def _of(side: Authority, amount: int, on_the_other: int) -> BothSides:
    net, gross = (amount, on_the_other) if side == "NET" else (on_the_other, amount)
    return BothSides(excl_minor=net, incl_minor=gross)


def _other(side: Authority) -> Authority:
    return "NET" if side == "GROSS" else "GROSS"


def cap_lines(lines: Sequence[LineAmount], cap: DayCap, authority: Authority, currency: str) -> Iterator[LineAmount]:
    """The credit as lines below zero: in the session's tax category with the greatest net (ties: the higher rate).

    What that category does not have is taken from the next one, so that no more tax is given back than was charged.
    """
    left = cap.credit_minor
    for first, amount in _by_net(lines, authority):
        taken = min(left, amount)
        if taken <= 0:
            return
        left -= taken
        text = minor_to_text(-taken, currency)
        rated = RatedLine(dimension=DAY_CAP, quantity="1", billed_quantity="1", unit="SESSION", unit_price=text)
        yield LineAmount(rated, first.category, first.vat_percent, -taken, _words(cap, authority, currency))


def _by_net(lines: Sequence[LineAmount], authority: Authority) -> Iterable[tuple[LineAmount, int]]:
    """The first line and the amount of each category, the greatest net first."""
    categories: dict[tuple[Decimal, str], list[LineAmount]] = {}
    for line in lines:
        categories.setdefault((Decimal(line.vat_percent), line.category), []).append(line)
    amounts = {key: sum(line.amount_minor for line in members) for key, members in categories.items()}
    greatest = sorted(amounts, key=lambda key: (-net_of(amounts[key], key[0], authority), -key[0], key[1]))
    return [(categories[key][0], amounts[key]) for key in greatest]


def _words(cap: DayCap, authority: Authority, currency: str) -> str:
    side = "" if cap.side == authority else " after tax" if cap.side == "GROSS" else " before tax"
    return f"Cap of the day {cap.day}: {minor_to_text(cap.cap_minor, currency)}{side}"


def _billed_under_caps(issued: InvoiceIssued) -> Iterator[tuple[CapKey, DayCap]]:
    """The sessions of a document that have a cap, in the order of their ends, and what they were capped with."""
    capped = [(session, session.day_cap) for session in issued.sessions if session.day_cap is not None]
    for session, cap in sorted(capped, key=lambda item: _order_of_ends(item[0])):
        yield CapKey(issued.tenant, issued.account_id, session.tariff_id, cap.day, issued.currency), cap


def totals_before(issued: InvoiceIssued) -> dict[CapKey, BothSides]:
    """What was billed under each cap before the document, as it says itself."""
    totals: dict[CapKey, BothSides] = {}
    for key, cap in _billed_under_caps(issued):
        totals.setdefault(key, cap.before)
    return totals


def totals_after(issued: InvoiceIssued) -> dict[CapKey, BothSides]:
    """What is billed under each cap with the document."""
    return {key: cap.before.plus(cap.billed) for key, cap in _billed_under_caps(issued)}
