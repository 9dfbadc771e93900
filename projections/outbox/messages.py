"""The public messages: one model per type and version, from which their JSON Schemas are made.

Amounts are decimal texts in major units with all decimals of the currency, quantities decimal texts, instants
RFC 3339 in UTC. A breaking change is a new type beside the old one; new optional fields may be added.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints

DecimalText = Annotated[str, StringConstraints(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Instant = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$")
]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class PublicModel(BaseModel):
    """Closed in what we send; readers must ignore fields they do not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, json_schema_serialization_defaults_required=True
    )


class Price(PublicModel):
    """OCPI's Price: null where the tariff does not say that side of tax."""

    excl_vat: DecimalText | None
    incl_vat: DecimalText | None


class SessionRatedData(PublicModel):
    """A session's cost (OCPI 2.2.1 CDR totals); the highest revision counts. A total that did not arise is null."""

    session_id: str
    revision: int
    account_id: str | None
    payment_id: str | None
    started_at: Instant
    ended_at: Instant
    currency: Currency
    total_cost: Price
    total_energy_cost: Price | None
    total_time_cost: Price | None
    total_parking_cost: Price | None
    total_fixed_cost: Price | None
    total_reservation_cost: Price | None
    total_energy: DecimalText
    tariff_id: str
    tariff_version: int
    tariff_hash: str


class HeldReading(PublicModel):
    """Why a session is held: a code, and the message (`source id`) it rests on."""

    code: str
    because: str


class SessionHeldData(PublicModel):
    """A session may not be billed until each reading named is settled."""

    session_id: str
    reason_codes: tuple[str, ...]
    readings: tuple[HeldReading, ...]


class SessionReleasedData(PublicModel):
    """A session may be billed, after it was held for these readings; `because` says what settled them."""

    session_id: str
    reason_codes: tuple[str, ...]
    readings: tuple[HeldReading, ...]
    because: str


class InvoiceLineData(PublicModel):
    line: int
    description: str
    session_id: str
    dimension: str
    quantity: DecimalText
    unit: str
    unit_price: DecimalText
    net: DecimalText
    vat_percent: DecimalText


class VatTotalData(PublicModel):
    """The document's sum of one VAT category and rate (EN 16931 BG-23)."""

    vat_percent: DecimalText
    category: str
    net: DecimalText
    vat: DecimalText


class TotalsData(PublicModel):
    net: DecimalText
    vat: DecimalText
    gross: DecimalText
    by_vat: tuple[VatTotalData, ...]


class InvoiceIssuedData(PublicModel):
    """An issued invoice; it never changes."""

    invoice_id: str
    number: str
    account_id: str
    legal_entity: str
    issued_on: Day
    due_on: Day
    currency: Currency
    lines: tuple[InvoiceLineData, ...]
    totals: TotalsData


class CreditNoteIssuedData(InvoiceIssuedData):
    """A credit note: `corrects` is the number of the invoice that these lines are taken off. Amounts are positive."""

    corrects: str


class BalanceChangedData(PublicModel):
    """What an account owes after a fact; `because` is the fact's kind and document."""

    account_id: str
    balance: DecimalText
    currency: Currency
    because: str


DataT = TypeVar("DataT", bound=PublicModel)


class CloudEvent(PublicModel, Generic[DataT]):
    """CloudEvents 1.0 in structured mode. `id` is stable: the same fact gives the same id for ever."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: Instant
    partitionkey: str
    datacontenttype: Literal["application/json"] = "application/json"
    data: DataT


class SessionRated(CloudEvent[SessionRatedData]):
    """A session was rated, or rated again."""

    type: Literal["billing.session.rated.v1"] = "billing.session.rated.v1"


class SessionHeld(CloudEvent[SessionHeldData]):
    """A session may not be billed."""

    type: Literal["billing.session.held.v1"] = "billing.session.held.v1"


class SessionReleased(CloudEvent[SessionReleasedData]):
    """A session that was held may be billed."""

    type: Literal["billing.session.released.v1"] = "billing.session.released.v1"


class InvoiceIssued(CloudEvent[InvoiceIssuedData]):
    """An invoice got its number."""

    type: Literal["billing.invoice.issued.v1"] = "billing.invoice.issued.v1"


class CreditNoteIssued(CloudEvent[CreditNoteIssuedData]):
    """A credit note got its number."""

    type: Literal["billing.credit-note.issued.v1"] = "billing.credit-note.issued.v1"


class BalanceChanged(CloudEvent[BalanceChangedData]):
    """An account's balance moved."""

    type: Literal["billing.balance.changed.v1"] = "billing.balance.changed.v1"
