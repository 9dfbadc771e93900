"""What both versions of OCPP say about charging, in one form: nothing of a frame is left in it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

ChargingState = Literal["Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle"]

# A phase of a sample; None is the total of all phases.
Phase = str | None


class Signed(msgspec.Struct, frozen=True):
    """A signed meter value; `data` and `public_key` as the station sent them."""

    encoding: str
    data: str
    public_key: str | None = None


class Sample(msgspec.Struct, frozen=True):
    """What was measured at one instant in one context, by phase: registers in mWh, power in mW, current in µA."""

    at: datetime
    context: str | None
    register_milliwh: Mapping[Phase, int] = {}
    power_milliw: Mapping[Phase, int] = {}
    current_microa: Mapping[Phase, int] = {}
    soc_percent: Decimal | None = None
    signed: Signed | None = None


class StartRequest(msgspec.Struct, frozen=True):
    """OCPP 1.6 StartTransaction.req: the start of a transaction whose id only the answer tells."""

    station_id: str
    message_id: str
    connector_id: int
    token_uid: str
    at: datetime
    register_milliwh: int


class StartAnswer(msgspec.Struct, frozen=True):
    """OCPP 1.6 StartTransaction.conf."""

    station_id: str
    message_id: str
    transaction_id: str


class StopRequest(msgspec.Struct, frozen=True):
    """OCPP 1.6 StopTransaction.req."""

    station_id: str
    transaction_id: str
    at: datetime
    register_milliwh: int
    reason: str | None
    samples: tuple[Sample, ...]


class MeterValues(msgspec.Struct, frozen=True):
    """MeterValues of either version; without a transaction they belong to the one on the EVSE at that time, if any."""

    station_id: str
    evse_id: int
    transaction_id: str | None
    samples: tuple[Sample, ...]


class StatusChange(msgspec.Struct, frozen=True):
    """OCPP 1.6 StatusNotification with a state that matters to a bill."""

    station_id: str
    connector_id: int
    at: datetime
    charging_state: ChargingState


class TransactionEvent(msgspec.Struct, frozen=True):
    """OCPP 2.0.1 TransactionEvent."""

    station_id: str
    transaction_id: str
    event_type: Literal["Started", "Updated", "Ended"]
    at: datetime
    seq_no: int
    evse_id: int | None
    connector_id: int | None
    token_uid: str | None
    charging_state: ChargingState | None
    stopped_reason: str | None
    samples: tuple[Sample, ...]


Event = StartRequest | StartAnswer | StopRequest | MeterValues | StatusChange | TransactionEvent


class Nothing(msgspec.Struct, frozen=True):
    """A frame that says nothing about charging, such as a Heartbeat; `action` is its name, to be counted by."""

    action: str


class Said(msgspec.Struct, frozen=True):
    """Who said something, in which message, and when it was received: what a payload does not say."""

    station_id: str
    message_id: str
    received_at: datetime | None
