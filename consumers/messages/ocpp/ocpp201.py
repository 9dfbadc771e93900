"""OCPP 2.0.1: TransactionEvent and MeterValues as neutral events. Read as loosely as 1.6."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from consumers.messages.faults import UnreadableError
from consumers.messages.fields import SEQ_NO_END
from consumers.messages.ocpp.events import ChargingState, Event, MeterValues, Nothing, Said, Sample, TransactionEvent
from consumers.messages.ocpp.fields import id_of, instant_of, text_of
from consumers.messages.ocpp.sampled import IMPORT_REGISTER, MEASURANDS, MeterValue, Sampled, to_decimal, to_samples
from consumers.messages.ocpp.signed import SignedMeterValue, to_signed

VERSION: Final = "2.0.1"


class _UnitOfMeasure(msgspec.Struct, frozen=True):
    unit: str | None = None
    multiplier: int = 0


class _SampledValue(msgspec.Struct, frozen=True, rename="camel"):
    value: msgspec.Raw
    context: str | None = None
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    unit_of_measure: _UnitOfMeasure | None = None
    signed_meter_value: SignedMeterValue | None = None


class _MeterValue(msgspec.Struct, frozen=True, rename="camel"):
    timestamp: str
    sampled_value: list[_SampledValue]


class _Evse(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    connector_id: int | None = None


class _IdToken(msgspec.Struct, frozen=True, rename="camel"):
    id_token: str


class _TransactionInfo(msgspec.Struct, frozen=True, rename="camel"):
    transaction_id: str
    charging_state: ChargingState | None = None
    stopped_reason: str | None = None


class _TransactionEvent(msgspec.Struct, frozen=True, rename="camel"):
    event_type: Literal["Started", "Updated", "Ended"]
    timestamp: str
    seq_no: int
    transaction_info: _TransactionInfo
    evse: _Evse | None = None
    id_token: _IdToken | None = None
    meter_value: list[_MeterValue] | None = None


class _MeterValues(msgspec.Struct, frozen=True, rename="camel"):
    evse_id: int
    meter_value: list[_MeterValue]


def read_request(action: str, payload: bytes, said: Said) -> Event | Nothing:
    """A request of the station. Raises UnreadableError, msgspec.DecodeError."""
    if action == "TransactionEvent":
        return _transaction_event(payload, said)
    return _meter_values(payload, said) if action == "MeterValues" else Nothing(action)


def read_answer(action: str | None, _payload: bytes, _said: Said) -> Nothing:
    """Answers of the CSMS say nothing that a bill needs: a transaction's id is the station's own."""
    return Nothing("answer" if action is None else f"{action}.conf")


def _transaction_event(payload: bytes, said: Said) -> TransactionEvent:
    event = msgspec.json.decode(payload, type=_TransactionEvent, strict=False)
    transaction, evse = event.transaction_info, event.evse
    return TransactionEvent(
        station_id=said.station_id,
        transaction_id=id_of("$.transactionInfo.transactionId", transaction.transaction_id),
        event_type=event.event_type,
        at=instant_of("$.timestamp", event.timestamp),
        seq_no=_seq_no(event.seq_no),
        evse_id=None if evse is None else evse.id,
        connector_id=None if evse is None else evse.connector_id,
        token_uid=_token(event.id_token),
        charging_state=transaction.charging_state,
        stopped_reason=_reason(transaction.stopped_reason),
        samples=_samples(event.meter_value or ()),
    )


def _meter_values(payload: bytes, said: Said) -> Event | Nothing:
    request = msgspec.json.decode(payload, type=_MeterValues, strict=False)
    if request.evse_id == 0:
        return Nothing("MeterValues of the main meter")
    return MeterValues(said.station_id, request.evse_id, None, _samples(request.meter_value))


def _seq_no(seq_no: int) -> int:
    if not 0 <= seq_no < SEQ_NO_END:
        raise UnreadableError(f"$.seqNo: must be 0 to {SEQ_NO_END - 1}")
    return seq_no


def _token(token: _IdToken | None) -> str | None:
    """The token's id; an empty one stands for a start without authorisation."""
    return id_of("$.idToken.idToken", token.id_token) if token is not None and token.id_token else None


def _reason(reason: str | None) -> str | None:
    return None if reason is None else text_of("$.transactionInfo.stoppedReason", reason)


def _samples(meter_values: Sequence[_MeterValue]) -> tuple[Sample, ...]:
    return to_samples(_meter_value(f"$.meterValue[{place}]", each) for place, each in enumerate(meter_values))


def _meter_value(path: str, meter_value: _MeterValue) -> MeterValue:
    sampled = tuple(
        _sampled(f"{path}.sampledValue[{place}].value", each) for place, each in enumerate(meter_value.sampled_value)
    )
    return MeterValue(path, instant_of(f"{path}.timestamp", meter_value.timestamp), sampled)


def _sampled(path: str, each: _SampledValue) -> Sampled:
    unit = each.unit_of_measure or _UnitOfMeasure()
    signed = None if each.signed_meter_value is None else to_signed(each.signed_meter_value)
    value = to_decimal(path, each.value) if (each.measurand or IMPORT_REGISTER) in MEASURANDS else None
    return Sampled(value, each.context, each.measurand, each.phase, each.location, unit.unit, unit.multiplier, signed)
