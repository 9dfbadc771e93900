"""One row per document, country and VAT rate: what a VAT return adds up."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

import msgspec

from ledger.invoice.events import DOCUMENTS, Document, VatTotal
from ledger.values.money import largest_remainder
from projections.page import Page
from projections.projection import Projection, Write


class CountryVat(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `projection.invoice_vat`; `country` is where the stations stand (ISO 3166-1 alpha-2)."""

    tenant: str
    number: str
    country: str
    category: str
    vat_percent: str
    issued_on: str
    currency: str
    net_minor: int
    vat_minor: int


def to_writes(page: Page) -> list[Write]:
    """Rows for each document of the page; those of a credit note are below zero."""
    facts = [entry.fact for entry in page.entries if isinstance(entry.fact, Document)]
    return [Write([row for fact in facts for row in country_vat(fact)])]


def country_vat(fact: Document) -> list[CountryVat]:
    """The document's VAT by country; the rows of a rate add up to the document's VAT of that rate.

    VAT is computed once per rate on the document's sum (EN 16931 BR-CO-17), so where one rate serves two countries
    its VAT is divided in proportion to their nets, by largest remainder.
    """
    return [row for total in fact.totals.by_vat for row in _of_rate(fact, total)]


def _of_rate(fact: Document, total: VatTotal) -> list[CountryVat]:
    nets = _net_by_country(fact, total)
    shares = [Fraction(net_minor) for net_minor in nets.values()]
    # Nets that cancel out have no proportion; their VAT is 0 then, or a rounding that the first country takes.
    vats = largest_remainder(
        total.vat_minor, shares if sum(shares) else [Fraction(1), *(Fraction(0) for _ in shares[1:])]
    )
    return [
        CountryVat(
            tenant=fact.tenant,
            number=fact.number,
            country=country,
            category=total.category,
            vat_percent=total.vat_percent,
            issued_on=fact.issued_on,
            currency=fact.currency,
            net_minor=fact.sign * net_minor,
            vat_minor=fact.sign * vat_minor,
        )
        for (country, net_minor), vat_minor in zip(nets.items(), vats, strict=True)
    ]


def _net_by_country(fact: Document, total: VatTotal) -> Counter[str]:
    country_of = {session.session_id: session.country for session in fact.sessions}
    nets: Counter[str] = Counter()
    for line in fact.lines:
        if (Decimal(line.vat_percent), line.category) == (Decimal(total.vat_percent), total.category):
            nets[country_of[line.session_id]] += line.net_minor
    return nets


INVOICE_VAT = Projection("invoice_vat", "billing", DOCUMENTS, to_writes)
