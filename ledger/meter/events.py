"""Facts about meters, in the sessions log: one stream per meter id.

Registers are integer milliwatt-hours. Each is the full new state of what it names, not a patch.
"""

from datetime import datetime
from typing import Literal

from ledger.store.fact import FromMessage, topic

RegisterUnit = Literal["KWH", "WH"]


@topic("meter.KeyRegistered")
class KeyRegistered(FromMessage, frozen=True, kw_only=True):
    """A public key as it came; it signs the meter's readings from `valid_from` on, until another one does."""

    tenant: str
    meter_id: str
    public_key: str
    encoding: str
    valid_from: datetime


@topic("meter.MeterReplaced")
class MeterReplaced(FromMessage, frozen=True, kw_only=True):
    """The register of this meter ended, and another one began: a new meter, or this one with its register reset."""

    tenant: str
    meter_id: str
    last_register_milliwh: int
    new_meter_id: str
    first_register_milliwh: int
    at: datetime


@topic("meter.MeterConfigured")
class MeterConfigured(FromMessage, frozen=True, kw_only=True):
    """How this meter's readings are to be taken.

    `roll_over_milliwh`: the register goes back to zero there. `unit`: what its numbers are, whatever unit the station
    names. `legal_metering`: the country whose law of metering it was built for (ISO 3166-1, two letters).
    """

    tenant: str
    meter_id: str
    roll_over_milliwh: int | None = None
    unit: RegisterUnit | None = None
    legal_metering: str | None = None
