"""Messages about stations: where they stand, who sells there, and what hangs on each connector."""

from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from consumers.messages.attributes import Attributes
from consumers.messages.fields import Country, Id, PowerType, Quantity, Text, TimeZone
from consumers.messages.origin import origin_of, tenant_of
from consumers.messages.snapshots import to_snapshot
from ledger.intake.message import Record
from ledger.intake.station import Connector, Evse, StationConfigured

# A charging hub has a few hundred EVSEs; OCPP counts them from 1, 0 is the station itself.
_EVSES_MAX: Final = 1_000
_OcppEvseId = Annotated[int, Field(strict=True, ge=1, le=_EVSES_MAX)]


class ConnectorData(TypedDict):
    """A plug, with the meter that counts what goes through it."""

    connector_id: Id
    meter_id: Id
    power_type: NotRequired[PowerType | None]
    max_power_kw: NotRequired[Quantity | None]


class EvseData(TypedDict):
    """One place to charge at; `ocpp_evse_id` is its number in OCPP 2.0.1, and that of its connector in 1.6."""

    evse_uid: Id
    ocpp_evse_id: _OcppEvseId
    connectors: Annotated[list[ConnectorData], Field(fail_fast=True, min_length=1)]


def _numbered_once(evses: list[EvseData]) -> list[EvseData]:
    if len({evse["ocpp_evse_id"] for evse in evses}) < len(evses):
        raise PydanticCustomError("evses", "must not name an ocpp_evse_id twice")
    return evses


class StationData(TypedDict):
    """The full new state of a station, not a patch."""

    location_id: Id
    time_zone: TimeZone
    country: Country
    evses: Annotated[
        list[EvseData], Field(fail_fast=True, min_length=1, max_length=_EVSES_MAX), AfterValidator(_numbered_once)
    ]
    name: NotRequired[Text | None]
    operator_id: NotRequired[Id | None]
    legal_entity: NotRequired[Id | None]
    cdr_location: NotRequired[dict[str, Any] | None]


class StationConfiguredEvent(Attributes):
    type: Literal["ev.station.configured.v1"]
    data: StationData


def to_station_configured(record: Record, attributes: Attributes, data: StationData) -> StationConfigured:
    """The station that a message configures. Raises UnreadableError."""
    return StationConfigured(
        **origin_of(record, attributes),
        tenant=tenant_of(attributes),
        station_id=attributes["subject"],
        location_id=data["location_id"],
        time_zone=data["time_zone"],
        country=data["country"],
        evses=tuple(map(_to_evse, data["evses"])),
        name=data.get("name"),
        operator_id=data.get("operator_id"),
        legal_entity=data.get("legal_entity"),
        cdr_location=to_snapshot(data.get("cdr_location"), ("data", "cdr_location")),
    )


def _to_evse(data: EvseData) -> Evse:
    connectors = tuple(map(_to_connector, data["connectors"]))
    return Evse(evse_uid=data["evse_uid"], ocpp_evse_id=data["ocpp_evse_id"], connectors=connectors)


def _to_connector(data: ConnectorData) -> Connector:
    return Connector(
        connector_id=data["connector_id"],
        meter_id=data["meter_id"],
        power_type=data.get("power_type"),
        max_power_kw=data.get("max_power_kw"),
    )
