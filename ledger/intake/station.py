"""A station's configuration: a message that leads to a row of the OCPP adapter's table, not to a fact."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from ledger.store.fact import FromMessage, Value
from ledger.store.stations import StationName, StationRow
from ledger.values.ids import stream_id
from ledger.values.refusal import RefusedError, RepeatedError

CONFLICT = "another message with the same source and id has other content"

_NOWHERE = {"topic": "", "partition": 0, "offset": 0}
_encode = msgspec.json.encode


class Connector(Value, frozen=True):
    """A plug, with the meter that counts what goes through it."""

    connector_id: str
    meter_id: str
    power_type: str | None = None
    max_power_kw: str | None = None


class Evse(Value, frozen=True):
    """One place to charge at; `ocpp_evse_id` is its number in OCPP 2.0.1, and that of its connector in 1.6."""

    evse_uid: str
    ocpp_evse_id: int
    connectors: tuple[Connector, ...]


class StationConfigured(FromMessage, frozen=True, kw_only=True):
    """The full new state of a station: where it stands, who sells there, what it charges with."""

    tenant: str
    station_id: str
    location_id: str
    time_zone: str
    country: str
    evses: tuple[Evse, ...]
    name: str | None = None
    operator_id: str | None = None
    legal_entity: str | None = None
    cdr_location: dict[str, Any] | None = None

    @property
    def message_name(self) -> StationName:
        """The message's name: what a repeat has too."""
        return self.tenant, self.station_id, self.source, self.message_id


read_station = msgspec.json.Decoder(StationConfigured).decode


def station_row(station: FromMessage, known: Mapping[StationName, str]) -> StationRow:
    """The row that a message leads to. Raises RepeatedError for a repeat, RefusedError for a conflict with `known`."""
    if not isinstance(station, StationConfigured):
        raise TypeError(f"{type(station).__name__} has a stream, and no row")
    content = hashlib.sha256(_encode(msgspec.structs.replace(station, **_NOWHERE))).hexdigest()
    stored = known.get(station.message_name)
    if stored == content:
        raise RepeatedError
    if stored is not None:
        raise RefusedError(CONFLICT)
    waits_key = waits_key_of(station.tenant, "station", station.station_id)
    return StationRow(*station.message_name, content, station.occurred_at, _encode(station), waits_key)


def waits_key_of(tenant: str, kind: str, *parts: str) -> UUID:
    """What a frame of the OCPP adapter waits for, as the key that it is parked under."""
    return stream_id(tenant, f"ocpp-{kind}", *parts)
