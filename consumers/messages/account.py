"""Messages about accounts, as facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, TypeVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from consumers.messages.attributes import Attributes
from consumers.messages.faults import UnreadableError
from consumers.messages.fields import (
    ClosingDay,
    Country,
    Currency,
    DayText,
    Id,
    Language,
    Name,
    PaymentTermsDays,
    Text,
    TimeZone,
)
from consumers.messages.origin import origin_of, tenant_of
from ledger.account.events import (
    AccountChanged,
    AccountFact,
    AccountOpened,
    Address,
    Billing,
    Membership,
    PayerIdentity,
    PayerKind,
)
from ledger.intake.message import Record

AccountFactType = TypeVar("AccountFactType", bound=AccountFact)


@dataclass(frozen=True, slots=True)
class AccountDefaults:
    """What the settings give for fields that an account's message leaves out."""

    legal_entity: str
    time_zone: str
    closing_day: int = 1
    language: str = "en"
    payment_terms_days: int = 14


class AddressData(TypedDict):
    line1: Name
    postcode: Text
    city: Name
    country: Country


MembershipData = TypedDict("MembershipData", {"group": Id, "from": DayText, "until": NotRequired[DayText | None]})


def _one_id_per_country(vat_ids: list[str]) -> list[str]:
    if len({vat_id[:2] for vat_id in vat_ids}) < len(vat_ids):
        raise PydanticCustomError("vat_ids", "must name one id for each country")
    return vat_ids


class AccountData(TypedDict):
    """The full new state of a payer, not a patch. A field that is left out takes the setting's value.

    A list stops at its first fault: a record has room for more than a hundred thousand of them.
    """

    name: Name
    kind: PayerKind
    country: Country
    currency: Currency
    billing: Billing
    vat_id: NotRequired[Id | None]
    vat_ids: NotRequired[Annotated[list[Id], Field(fail_fast=True), AfterValidator(_one_id_per_country)] | None]
    email: NotRequired[Text | None]
    address: NotRequired[AddressData | None]
    time_zone: NotRequired[TimeZone | None]
    closing_day: NotRequired[ClosingDay | None]
    language: NotRequired[Language | None]
    payment_terms_days: NotRequired[PaymentTermsDays | None]
    legal_entity: NotRequired[Id | None]
    tokens: NotRequired[Annotated[list[Id], Field(fail_fast=True)] | None]
    parent_account_id: NotRequired[Id | None]
    cost_centre: NotRequired[Text | None]
    memberships: NotRequired[Annotated[list[MembershipData], Field(fail_fast=True)] | None]


class AccountOpenedEvent(Attributes):
    type: Literal["ev.account.opened.v1"]
    data: AccountData


class AccountChangedEvent(Attributes):
    type: Literal["ev.account.changed.v1"]
    data: AccountData


def to_account_opened(
    record: Record, attributes: Attributes, data: AccountData, defaults: AccountDefaults
) -> AccountOpened:
    return _to_fact(AccountOpened, record, attributes, data, defaults)


def to_account_changed(
    record: Record, attributes: Attributes, data: AccountData, defaults: AccountDefaults
) -> AccountChanged:
    return _to_fact(AccountChanged, record, attributes, data, defaults)


def _to_fact(
    fact_type: type[AccountFactType],
    record: Record,
    attributes: Attributes,
    data: AccountData,
    defaults: AccountDefaults,
) -> AccountFactType:
    account_id = attributes["subject"]
    return fact_type(
        **origin_of(record, attributes),
        tenant=tenant_of(attributes),
        account_id=account_id,
        personal=_to_identity(account_id, data),
        kind=data["kind"],
        country=data["country"],
        currency=data["currency"],
        billing=data["billing"],
        time_zone=data.get("time_zone") or defaults.time_zone,
        closing_day=data.get("closing_day") or defaults.closing_day,
        language=data.get("language") or defaults.language,
        payment_terms_days=_payment_terms_days(data, defaults),
        legal_entity=data.get("legal_entity") or defaults.legal_entity,
        vat_id=data.get("vat_id"),
        vat_ids=tuple(data.get("vat_ids") or ()),
        parent_account_id=_parent(account_id, data),
        cost_centre=data.get("cost_centre"),
        memberships=_to_memberships(data.get("memberships") or ()),
    )


def _to_identity(account_id: str, data: AccountData) -> PayerIdentity:
    address = data.get("address")
    return PayerIdentity(
        person_id=account_id,
        name=data["name"],
        email=data.get("email"),
        address=None if address is None else _to_address(address),
        tokens=tuple(data.get("tokens") or ()),
    )


def _to_address(data: AddressData) -> Address:
    return Address(line1=data["line1"], postcode=data["postcode"], city=data["city"], country=data["country"])


def _payment_terms_days(data: AccountData, defaults: AccountDefaults) -> int:
    # 0 days, payable at once, is a term of its own.
    stated = data.get("payment_terms_days")
    return defaults.payment_terms_days if stated is None else stated


def _parent(account_id: str, data: AccountData) -> str | None:
    parent = data.get("parent_account_id")
    if parent == account_id:
        raise UnreadableError("$.data.parent_account_id: an account cannot be its own parent")
    return parent


def _to_memberships(memberships: Sequence[MembershipData]) -> tuple[Membership, ...]:
    return tuple(_to_membership(place, data) for place, data in enumerate(memberships))


def _to_membership(place: int, data: MembershipData) -> Membership:
    until_day = data.get("until")
    if until_day is not None and until_day <= data["from"]:
        raise UnreadableError(f"$.data.memberships[{place}].until: must be after the day of from, it is exclusive")
    return Membership(group=data["group"], from_day=data["from"], until_day=until_day)
