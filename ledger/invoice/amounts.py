"""From exact costs to the amounts of a document.

The session's rounded authoritative amount is what the document adds up. VAT is computed once per category on the
document's sum (EN 16931 BR-CO-17), never line by line: net-authoritative on the net sum, gross-authoritative taken out
of the gross sum. Shares of a rounded amount are given by largest remainder, so lines add up to it exactly.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ledger.account.events import AccountFact
from ledger.invoice.events import Totals, VatTotal
from ledger.session.events import Authority, RatedLine, SessionRated
from ledger.values.money import exact_from_text, largest_remainder, round_half_up, round_to_total

DAY_CAP = "DAY_CAP"  # the dimension of a line that takes away what is above the cap of a day

STANDARD, ZERO_RATED, REVERSE_CHARGE = "S", "Z", "AE"  # EN 16931 BT-118, UNCL 5305


class Billable(NamedTuple):
    """What a session puts on a document: the authoritative side, its rounded amount, and whether VAT is reversed."""

    authority: Authority
    amount_minor: int
    is_reverse_charge: bool


class LineAmount(NamedTuple):
    """A line's share of the authoritative amount, in minor units, with its VAT category.

    `description` is None where the dimension has a text of its own.
    """

    rated: RatedLine
    category: str
    vat_percent: str
    amount_minor: int
    description: str | None = None


def billable(rated: SessionRated, account: AccountFact) -> Billable:
    """A taxable dealer of another country pays net and owes the VAT himself (directive 2006/112/EC, article 195)."""
    if is_reverse_charge(rated, account) and rated.cost.excl_minor is not None:
        return Billable("NET", rated.cost.excl_minor, True)
    return Billable(rated.authority, rated.amount_minor, False)


def is_reverse_charge(rated: SessionRated, account: AccountFact) -> bool:
    return account.kind == "RESELLER" and account.country != rated.country and account.vat_id is not None


def line_amounts(rated: SessionRated, bill: Billable) -> list[LineAmount]:
    """The session's lines with their shares of its amount."""
    shares = [_exact(line, bill.authority) for line in rated.lines]
    parts = largest_remainder(bill.amount_minor, shares)
    return [
        LineAmount(line, *_category(line, bill.is_reverse_charge), amount)
        for line, amount in zip(rated.lines, parts, strict=True)
    ]


def document_totals(lines: Sequence[LineAmount], authority: Authority) -> tuple[Totals, list[int]]:
    """The totals, and the net of each line; the nets of a category add up to its net."""
    nets = [0] * len(lines)
    by_vat: list[VatTotal] = []
    for places in _categories(lines):
        members = [lines[place] for place in places]
        amount = sum(line.amount_minor for line in members)
        total = _vat_total(members[0].category, members[0].vat_percent, amount, authority)
        by_vat.append(total)
        for place, net in zip(places, _net_shares(total, members, authority), strict=True):
            nets[place] = net
    net, vat = sum(total.net_minor for total in by_vat), sum(total.vat_minor for total in by_vat)
    return Totals(net_minor=net, vat_minor=vat, gross_minor=net + vat, by_vat=tuple(by_vat)), nets


def _exact(line: RatedLine, authority: Authority) -> Fraction:
    text = line.excl_vat if authority == "NET" else line.incl_vat
    if text is None:
        raise ValueError(f"line {line.dimension} has no amount on the {authority.lower()} side")
    return exact_from_text(text)


def _category(line: RatedLine, is_reversed: bool) -> tuple[str, str]:
    if is_reversed:
        return REVERSE_CHARGE, "0"
    if line.vat_percent is None:
        raise ValueError(f"line {line.dimension} has no VAT rate")
    return (STANDARD if Decimal(line.vat_percent) else ZERO_RATED), line.vat_percent


def _categories(lines: Sequence[LineAmount]) -> list[list[int]]:
    """The places of the lines of each category and rate, highest rate first; 19 and 19.0 are one rate."""
    places: dict[tuple[Decimal, str], list[int]] = {}
    for place, line in enumerate(lines):
        places.setdefault((-Decimal(line.vat_percent), line.category), []).append(place)
    return [places[key] for key in sorted(places)]


def _vat_total(category: str, vat_percent: str, amount: int, authority: Authority) -> VatTotal:
    rate = Fraction(vat_percent)
    if authority == "NET":
        vat = round_half_up(amount * rate / 100)
        return VatTotal(vat_percent=vat_percent, category=category, net_minor=amount, vat_minor=vat)
    vat = round_half_up(amount * rate / (100 + rate))
    return VatTotal(vat_percent=vat_percent, category=category, net_minor=amount - vat, vat_minor=vat)


def net_of(amount_minor: int, vat_percent: Decimal, authority: Authority) -> Fraction:
    """The exact net of an amount on the authoritative side, in minor units."""
    return (
        Fraction(amount_minor) if authority == "NET" else Fraction(amount_minor * 100) / (100 + Fraction(vat_percent))
    )


def _net_shares(total: VatTotal, lines: Sequence[LineAmount], authority: Authority) -> Sequence[int]:
    """Beside a cap of the day, which may take away nearly all, shares of what is left would say little: there each net
    is that of the rate.
    """
    amounts = [line.amount_minor for line in lines]
    if authority == "NET":
        return amounts
    if any(line.rated.dimension == DAY_CAP for line in lines):
        rate = Decimal(total.vat_percent)
        return round_to_total(total.net_minor, [net_of(amount, rate, authority) for amount in amounts])
    if sum(amounts) == 0:
        return [0] * len(amounts) if not any(amounts) else amounts
    return largest_remainder(total.net_minor, [Fraction(amount) for amount in amounts])
