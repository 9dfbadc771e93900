"""OCPP 1.6: the requests and the answer that a bill is made of, as neutral events.

Only what is used is read, and as loosely as its meaning allows: stations send whole numbers as text, fractions where
the schema has integers, and fields that no schema has.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from consumers.messages.faults import UnreadableError
from consumers.messages.ocpp.events import (
    ChargingState,
    Event,
    MeterValues,
    Nothing,
    Said,
    Sample,
    StartAnswer,
    StartRequest,
    StatusChange,
    StopRequest,
)
from consumers.messages.ocpp.fields import id_of, instant_of, milli_of, text_of
from consumers.messages.ocpp.sampled import (
    IMPORT_REGISTER,
    MEASURANDS,
    MeterValue,
    Sampled,
    to_decimal,
    to_samples,
    to_text,
)
from consumers.messages.ocpp.signed import to_signed_16

VERSION: Final = "1.6"
WH_TO_MILLIWH_EXPONENT: Final = 3

# The states that tell idle time; the others say nothing about a transaction. Finishing is a vehicle that is still
# plugged in (OCPP 2.0.1 EVConnected).
_STATES: Final[dict[str, ChargingState]] = {
    "Charging": "Charging",
    "SuspendedEV": "SuspendedEV",
    "SuspendedEVSE": "SuspendedEVSE",
    "Finishing": "EVConnected",
}


class _SampledValue(msgspec.Struct, frozen=True):
    value: msgspec.Raw
    context: str | None = None
    format: str | None = None
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    unit: str | None = None


class _MeterValue(msgspec.Struct, frozen=True, rename="camel"):
    timestamp: str
    sampled_value: list[_SampledValue]


class _StartTransaction(msgspec.Struct, frozen=True, rename="camel"):
    connector_id: int
    id_tag: str
    timestamp: str
    meter_start: Decimal


class _StartTransactionAnswer(msgspec.Struct, frozen=True, rename="camel"):
    transaction_id: int


class _StopTransaction(msgspec.Struct, frozen=True, rename="camel"):
    transaction_id: int
    timestamp: str
    meter_stop: Decimal
    reason: str | None = None
    transaction_data: list[_MeterValue] | None = None


class _MeterValues(msgspec.Struct, frozen=True, rename="camel"):
    connector_id: int
    meter_value: list[_MeterValue]
    transaction_id: int | None = None


class _StatusNotification(msgspec.Struct, frozen=True, rename="camel"):
    connector_id: int
    status: str
    timestamp: str | None = None


def read_request(action: str, payload: bytes, said: Said) -> Event | Nothing:
    """A request of the station. Raises UnreadableError."""
    read = _REQUESTS.get(action)
    return Nothing(action) if read is None else read(payload, said)


def read_answer(action: str | None, payload: bytes, said: Said) -> Event | Nothing:
    """An answer of the CSMS. A bare one does not say what it answers: only that to StartTransaction has an id."""
    if action not in (None, "StartTransaction"):
        return Nothing(f"{action}.conf")
    try:
        answer = msgspec.json.decode(payload, type=_StartTransactionAnswer, strict=False)
    except msgspec.DecodeError:
        if action is None:
            return Nothing("answer")
        raise
    return StartAnswer(said.station_id, said.message_id, str(answer.transaction_id))


def _start(payload: bytes, said: Said) -> Event:
    request = msgspec.json.decode(payload, type=_StartTransaction, strict=False)
    return StartRequest(
        station_id=said.station_id,
        message_id=said.message_id,
        connector_id=request.connector_id,
        token_uid=id_of("$.idTag", request.id_tag),
        at=instant_of("$.timestamp", request.timestamp),
        register_milliwh=milli_of("$.meterStart", request.meter_start, WH_TO_MILLIWH_EXPONENT),
    )


def _stop(payload: bytes, said: Said) -> Event:
    request = msgspec.json.decode(payload, type=_StopTransaction, strict=False)
    return StopRequest(
        station_id=said.station_id,
        transaction_id=str(request.transaction_id),
        at=instant_of("$.timestamp", request.timestamp),
        register_milliwh=milli_of("$.meterStop", request.meter_stop, WH_TO_MILLIWH_EXPONENT),
        reason=None if request.reason is None else text_of("$.reason", request.reason),
        samples=_samples("$.transactionData", request.transaction_data or ()),
    )


def _meter_values(payload: bytes, said: Said) -> Event | Nothing:
    request = msgspec.json.decode(payload, type=_MeterValues, strict=False)
    if request.connector_id == 0:
        return Nothing("MeterValues of the main meter")
    # Some stations send 0 where they mean none.
    transaction_id = str(request.transaction_id) if request.transaction_id else None
    samples = _samples("$.meterValue", request.meter_value)
    return MeterValues(said.station_id, request.connector_id, transaction_id, samples)


def _status(payload: bytes, said: Said) -> Event | Nothing:
    notification = msgspec.json.decode(payload, type=_StatusNotification, strict=False)
    state = _STATES.get(notification.status)
    if state is None or notification.connector_id == 0:
        return Nothing("StatusNotification without a transaction")
    return StatusChange(said.station_id, notification.connector_id, _status_at(notification.timestamp, said), state)


def _status_at(timestamp: str | None, said: Said) -> datetime:
    """The timestamp is optional; without it the state holds from when it was received."""
    if timestamp is not None:
        return instant_of("$.timestamp", timestamp)
    if said.received_at is None:
        raise UnreadableError("$.timestamp: is missing, and so is the instant of reception")
    return said.received_at


def _samples(path: str, meter_values: Sequence[_MeterValue]) -> tuple[Sample, ...]:
    return to_samples(_meter_value(f"{path}[{place}]", each) for place, each in enumerate(meter_values))


def _meter_value(path: str, meter_value: _MeterValue) -> MeterValue:
    sampled = tuple(
        _sampled(f"{path}.sampledValue[{place}].value", each) for place, each in enumerate(meter_value.sampled_value)
    )
    return MeterValue(path, instant_of(f"{path}.timestamp", meter_value.timestamp), sampled)


def _sampled(path: str, each: _SampledValue) -> Sampled:
    is_signed = each.format == "SignedData"
    signed = to_signed_16(to_text(each.value) or "") if is_signed else None
    is_read = not is_signed and (each.measurand or IMPORT_REGISTER) in MEASURANDS
    value = to_decimal(path, each.value) if is_read else None
    return Sampled(value, each.context, each.measurand, each.phase, each.location, each.unit, 0, signed)


_REQUESTS: Final[dict[str, Callable[[bytes, Said], Event | Nothing]]] = {
    "StartTransaction": _start,
    "StopTransaction": _stop,
    "MeterValues": _meter_values,
    "StatusNotification": _status,
}
