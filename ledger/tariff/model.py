"""The tariff as the pricer sees it: one immutable model for OCPI 2.2.1 and 2.3.0."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec


class Dimension(StrEnum):
    """What a line charges for: OCPI's TariffDimensionType, and TIME and FLAT of a reservation apart.

    A price component is of one of the first four.
    """

    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FLAT = "FLAT"
    RESERVATION_TIME = "RESERVATION_TIME"
    RESERVATION_FLAT = "RESERVATION_FLAT"


class TaxIncluded(StrEnum):
    """Whether prices include tax (OCPI 2.3.0 TaxIncluded; 2.2.1 prices never do)."""

    YES = "YES"
    NO = "NO"
    NOT_APPLICABLE = "N/A"


class ReservationType(StrEnum):
    """When a price for a reservation applies (OCPI ReservationRestrictionType)."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


class SpotFormula(msgspec.Struct, frozen=True):
    """A price per kWh that follows a series of spot prices: the slot's value times `factor` plus `add`."""

    series: str
    factor: Decimal = Decimal(1)
    add: Decimal = Decimal(0)


class PriceComponent(msgspec.Struct, frozen=True):
    """A price per kWh, hour or session; `step_size` in Wh or seconds, at least 1.

    With `spot` the price is what drivers are shown, and the formula is what they pay. `grace_s`: seconds of
    parking time, counted through the session, that cost nothing.
    """

    dimension: Dimension
    price: Decimal
    vat_percent: Decimal | None
    step_size: int
    grace_s: int = 0
    spot: SpotFormula | None = None


class Restrictions(msgspec.Struct, frozen=True):
    """Conditions of an element; None is not set. Lower bounds are inclusive, upper bounds exclusive.

    Minutes of the day, dates and days of the week (Monday 0) are local to the station; `end_minute` 1440 is
    the end of the day.
    """

    start_minute: int | None = None
    end_minute: int | None = None
    start_date: date | None = None
    end_date: date | None = None
    energy_milliwh_min: int | None = None
    energy_milliwh_max: int | None = None
    current_microampere_min: int | None = None
    current_microampere_max: int | None = None
    power_milliwatt_min: int | None = None
    power_milliwatt_max: int | None = None
    duration_s_min: int | None = None
    duration_s_max: int | None = None
    days_of_week: frozenset[int] | None = None
    reservation: ReservationType | None = None


class TariffElement(msgspec.Struct, frozen=True):
    """Price components that apply together while all restrictions hold."""

    components: tuple[PriceComponent, ...]
    restrictions: Restrictions


class PriceLimit(msgspec.Struct, frozen=True):
    """A bound on the cost of a session: before tax, after tax, or both."""

    excl_vat: Decimal | None
    incl_vat: Decimal | None


class ValidFor(msgspec.Struct, frozen=True):
    """Where and for whom a tariff may be chosen; None excludes nothing."""

    location_ids: tuple[str, ...] | None = None
    evse_uids: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    power_types: tuple[str, ...] | None = None


class Discount(msgspec.Struct, frozen=True):
    """A percentage off the unit prices of a dimension, for members of any of the groups; None: for everybody."""

    dimension: Dimension
    percent: Decimal
    groups: tuple[str, ...] | None = None


class MarkUp(msgspec.Struct, frozen=True):
    """A percentage and a fee on top of what a session costs, for members of any of the groups; None: for all."""

    percent: Decimal = Decimal(0)
    per_session: Decimal = Decimal(0)
    groups: tuple[str, ...] | None = None


class Extensions(msgspec.Struct, frozen=True):
    """What a tariff says beyond OCPI (`ev_extensions`). The cap of a day is applied where sessions are billed."""

    discounts: tuple[Discount, ...] = ()
    mark_up: MarkUp | None = None
    session_cap: PriceLimit | None = None
    day_cap: PriceLimit | None = None


class Tariff(msgspec.Struct, frozen=True):
    """An ordered list of elements with a currency (ISO 4217) and bounds on the session's cost.

    `valid_from_us` (OCPI start_date_time) and `valid_until_us` (end_date_time, exclusive) bound the sessions that it
    may be chosen for; they bound no price.
    """

    currency: str
    elements: tuple[TariffElement, ...]
    tax_included: TaxIncluded = TaxIncluded.NO
    price_min: PriceLimit | None = None
    price_max: PriceLimit | None = None
    valid_for: ValidFor = ValidFor()
    valid_from_us: int | None = None
    valid_until_us: int | None = None
    priority: int = 0
    extensions: Extensions = Extensions()
