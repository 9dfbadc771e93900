"""The tariff as the pricer sees it: one immutable model for OCPI 2.2.1 and 2.3.0."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec


class Dimension(StrEnum):
    """What a price component charges for (OCPI TariffDimensionType)."""

    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FLAT = "FLAT"


class TaxIncluded(StrEnum):
    """Whether prices include tax (OCPI 2.3.0 TaxIncluded; 2.2.1 prices never do)."""

    YES = "YES"
    NO = "NO"
    NOT_APPLICABLE = "N/A"


class ReservationType(StrEnum):
    """When a price for a reservation applies (OCPI ReservationRestrictionType)."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


class PriceComponent(msgspec.Struct, frozen=True):
    """A price per kWh, hour or session; `step_size` in Wh or seconds, at least 1."""

    dimension: Dimension
    price: Decimal
    vat_percent: Decimal | None
    step_size: int


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


class Tariff(msgspec.Struct, frozen=True):
    """An ordered list of elements with a currency (ISO 4217) and bounds on the session's cost."""

    currency: str
    elements: tuple[TariffElement, ...]
    tax_included: TaxIncluded = TaxIncluded.NO
    price_min: PriceLimit | None = None
    price_max: PriceLimit | None = None
    valid_for: ValidFor = ValidFor()
    priority: int = 0
