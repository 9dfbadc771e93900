"""Messages about meters: public keys, exchanges, and how their readings are to be taken."""

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from consumers.messages.attributes import Attributes
from consumers.messages.fields import Country, Id, InstantText, Name, Quantity, SignedText
from consumers.messages.origin import instant_at, origin_of, tenant_of
from ledger.intake.message import Record
from ledger.meter.events import KeyRegistered, MeterConfigured, MeterReplaced
from ledger.values.energy import to_milliwh


def _above_zero(text: str) -> str:
    if not to_milliwh(text):
        raise PydanticCustomError("roll_over", "must be above 0: the register goes back to zero there")
    return text


class KeyData(TypedDict):
    """A public key of the meter, which signs its readings from `valid_from` on; kept byte for byte."""

    public_key: SignedText
    encoding: Name
    valid_from: InstantText


class ReplacedData(TypedDict):
    """The register ended at `at`; the new meter may be the same one, with its register reset."""

    last_register_kwh: Quantity
    new_meter_id: Id
    first_register_kwh: Quantity
    at: InstantText


class ConfiguredData(TypedDict):
    """The full new configuration, not a patch. `unit` is what the numbers are, whatever unit the station names."""

    roll_over_kwh: NotRequired[Annotated[Quantity, AfterValidator(_above_zero)] | None]
    unit: NotRequired[Literal["KWH", "WH"] | None]
    legal_metering: NotRequired[Country | None]


class MeterKeyRegisteredEvent(Attributes):
    type: Literal["ev.meter.key-registered.v1"]
    data: KeyData


class MeterReplacedEvent(Attributes):
    type: Literal["ev.meter.replaced.v1"]
    data: ReplacedData


class MeterConfiguredEvent(Attributes):
    type: Literal["ev.meter.configured.v1"]
    data: ConfiguredData


def to_key_registered(record: Record, attributes: Attributes, data: KeyData) -> KeyRegistered:
    """The key that a message registers. Raises UnreadableError."""
    return KeyRegistered(
        **origin_of(record, attributes),
        tenant=tenant_of(attributes),
        meter_id=attributes["subject"],
        public_key=data["public_key"],
        encoding=data["encoding"],
        valid_from=instant_at("$.data.valid_from", data["valid_from"]),
    )


def to_meter_replaced(record: Record, attributes: Attributes, data: ReplacedData) -> MeterReplaced:
    """The exchange, or the reset, that a message reports. Raises UnreadableError."""
    return MeterReplaced(
        **origin_of(record, attributes),
        tenant=tenant_of(attributes),
        meter_id=attributes["subject"],
        last_register_milliwh=to_milliwh(data["last_register_kwh"]),
        new_meter_id=data["new_meter_id"],
        first_register_milliwh=to_milliwh(data["first_register_kwh"]),
        at=instant_at("$.data.at", data["at"]),
    )


def to_meter_configured(record: Record, attributes: Attributes, data: ConfiguredData) -> MeterConfigured:
    """The configuration in a message. Raises UnreadableError."""
    roll_over = data.get("roll_over_kwh")
    return MeterConfigured(
        **origin_of(record, attributes),
        tenant=tenant_of(attributes),
        meter_id=attributes["subject"],
        roll_over_milliwh=None if roll_over is None else to_milliwh(roll_over),
        unit=data.get("unit"),
        legal_metering=data.get("legal_metering"),
    )
