"""Facts about payers, in the billing log: one stream per account id."""

from typing import Literal

from ledger.store.fact import FromMessage, Value, topic

Billing = Literal["PER_SESSION", "MONTHLY", "PREPAID"]
PayerKind = Literal["CONSUMER", "BUSINESS", "RESELLER"]


class Terms(Value, frozen=True, kw_only=True):
    """The payer's billing terms as they stood when a session's start was handled."""

    account_version: int
    kind: PayerKind
    billing: Billing


class Address(Value, frozen=True, kw_only=True):
    line1: str
    postcode: str
    city: str
    country: str


class PayerIdentity(Value, frozen=True, kw_only=True):
    """Who the payer is: the only place of personal fields in these facts."""

    person_id: str
    name: str
    email: str | None = None
    address: Address | None = None
    tokens: tuple[str, ...] = ()


class Membership(Value, frozen=True, kw_only=True):
    """Member of a tariff group from a day to a day (exclusive), in the account's zone."""

    group: str
    from_day: str
    until_day: str | None = None


class AccountFact(FromMessage, frozen=True, kw_only=True):
    """The full new state of an account; what a message leaves out was filled in from settings."""

    tenant: str
    account_id: str
    personal: PayerIdentity
    kind: PayerKind
    country: str
    currency: str
    billing: Billing
    time_zone: str
    closing_day: int
    language: str
    payment_terms_days: int
    legal_entity: str
    vat_id: str | None = None
    vat_ids: tuple[str, ...] = ()
    parent_account_id: str | None = None
    cost_centre: str | None = None
    memberships: tuple[Membership, ...] = ()


@topic("account.AccountOpened")
class AccountOpened(AccountFact, frozen=True, kw_only=True):
    pass


@topic("account.AccountChanged")
class AccountChanged(AccountFact, frozen=True, kw_only=True):
    pass
