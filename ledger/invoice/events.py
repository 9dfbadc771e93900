"""Facts about invoices, in the billing log.

One stream per number series; the fact's version in the stream is the number in the series, so the store's own
primary key makes numbers unique and their sequence without gaps.
"""

from datetime import datetime

from ledger.session.events import Authority
from ledger.store.fact import Fact, Value, topic


class InvoiceLine(Value, frozen=True, kw_only=True):
    """One line: amounts in minor units. Gross-authoritative lines carry their gross share too."""

    line: int
    description: str
    session_id: str
    dimension: str
    quantity: str
    unit: str
    unit_price: str
    net_minor: int
    vat_percent: str
    category: str
    tariff_id: str
    tariff_version: int
    gross_minor: int | None = None


class VatTotal(Value, frozen=True, kw_only=True):
    """A VAT category of the document (EN 16931 BG-23): VAT is computed once on the category's sum."""

    vat_percent: str
    category: str
    net_minor: int
    vat_minor: int


class Totals(Value, frozen=True, kw_only=True):
    net_minor: int
    vat_minor: int
    gross_minor: int
    by_vat: tuple[VatTotal, ...]


class BothSides(Value, frozen=True, kw_only=True):
    """An amount before and after tax, in minor units."""

    excl_minor: int
    incl_minor: int

    def on(self, side: Authority) -> int:
        """The amount on a side of tax."""
        return self.incl_minor if side == "GROSS" else self.excl_minor

    def plus(self, other: "BothSides") -> "BothSides":
        """Both sides added up."""
        return BothSides(excl_minor=self.excl_minor + other.excl_minor, incl_minor=self.incl_minor + other.incl_minor)

    def less(self, other: "BothSides") -> "BothSides":
        """Both sides without those of the other amount."""
        return BothSides(excl_minor=self.excl_minor - other.excl_minor, incl_minor=self.incl_minor - other.incl_minor)


class DayCap(Value, frozen=True, kw_only=True):
    """What the cap of a day made of a session: the day in the account's zone, the cap, and what is above it.

    `side` is the side of tax that the cap binds on: the authoritative one, where the tariff names the cap on it.
    `before` was billed under the cap before this session, `billed` is what this session adds, both after credits.
    `over_minor` is above the cap on its side, `credit_minor` the same on the authoritative side: what the `DAY_CAP`
    lines take away.
    """

    day: str
    side: Authority
    cap_minor: int
    before: BothSides
    over_minor: int
    credit_minor: int
    billed: BothSides


class InvoicedSession(Value, frozen=True, kw_only=True):
    """A session on the document: the revision of its cost, and where that fact stands in the log.

    `credited_by`: the credit note that took the session off an earlier invoice, where it was billed before.
    """

    session_id: str
    revision: int
    rated_position: int
    location_id: str
    evse_uid: str
    country: str
    tariff_id: str
    tariff_version: int
    started_at: datetime
    ended_at: datetime
    energy_milliwh: int
    amount_minor: int
    net_minor: int
    station_id: str | None = None
    operator_id: str | None = None
    day_cap: DayCap | None = None
    credited_by: str | None = None


class Buyer(Value, frozen=True, kw_only=True):
    """The payer as printed on the document; personal."""

    person_id: str
    name: str
    email: str | None = None
    address: dict[str, str] | None = None


class Document(Fact, frozen=True, kw_only=True):
    """What an invoice and a credit note have in common. Amounts of both are positive where the payer owes them, or is
    owed them: the kind of document gives the direction.

    `occurred_at` is the instant of issue, `issued_on` its day in the seller's zone. `period` is the billing
    period of a monthly statement (`2026-10`). `sessions_position` is the position of the sessions log that
    was known. `document_sha256` is the hash of the canonical document.
    """

    tenant: str
    invoice_id: str
    legal_entity: str
    series: str
    number_in_series: int
    number: str
    account_id: str
    account_version: int
    personal: Buyer
    language: str
    occurred_at: datetime
    issued_on: str
    due_on: str
    currency: str
    authority: Authority
    lines: tuple[InvoiceLine, ...]
    sessions: tuple[InvoicedSession, ...]
    totals: Totals
    sessions_position: int
    policies: dict[str, str]
    document_sha256: str
    period: str | None = None
    seller_zone: str = "UTC"
    buyer_vat_id: str | None = None
    cost_centre: str | None = None

    @property
    def sign(self) -> int:
        """1 where the payer owes the amounts, -1 where the payer is owed them."""
        return -1 if isinstance(self, CreditNoteIssued) else 1


@topic("invoice.InvoiceIssued")
class InvoiceIssued(Document, frozen=True, kw_only=True):
    """An invoice got its number (EN 16931 type 380). It never changes; a correction is a credit note."""


@topic("invoice.CreditNoteIssued")
class CreditNoteIssued(Document, frozen=True, kw_only=True):
    """Sessions were taken off an invoice (EN 16931 type 381): their lines as they stand there, credited.

    `corrects` is the number of that invoice (BG-3), which stays as it is.
    """

    corrects: str


# All kinds of documents that have numbers.
DOCUMENTS: tuple[type[Document], ...] = (InvoiceIssued, CreditNoteIssued)
