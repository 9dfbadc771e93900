"""Messages about a charging session, as facts."""

from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from consumers.messages.attributes import Attributes
from consumers.messages.faults import UnreadableError
from consumers.messages.fields import (
    Country,
    Flag,
    Id,
    InstantText,
    PowerType,
    Quantity,
    SeqNo,
    SignedText,
    Text,
    TimeZone,
)
from consumers.messages.origin import instant_at, origin_of, tenant_of
from consumers.messages.snapshots import to_snapshot
from ledger.intake.message import Record
from ledger.session.events import (
    ChargingState,
    MeterRecorded,
    Personal,
    Reservation,
    SessionEnded,
    SessionStarted,
    Signed,
    StateChanged,
)
from ledger.values.energy import to_milliwh
from ledger.values.quantity import to_microampere, to_milliwatt

# The same few thousand powers and currents come again and again; a look-up costs a sixth of a conversion.
_REMEMBERED: Final = 16_384


@lru_cache(_REMEMBERED)
def _to_milliwatt(power_kw: str | None) -> int | None:
    return None if power_kw is None else to_milliwatt(power_kw)


@lru_cache(_REMEMBERED)
def _to_microampere(current_a: str | None) -> int | None:
    return None if current_a is None else to_microampere(current_a)


class SignedData(TypedDict):
    """A signed meter value; `data` and `public_key` are kept byte for byte."""

    encoding: Text
    data: SignedText
    public_key: NotRequired[SignedText | None]


ReservationData = TypedDict("ReservationData", {"from": InstantText, "until": InstantText, "expired": Flag})


class StartedData(TypedDict):
    """A vehicle was connected and authorised. `register_kwh` is the meter's import register.

    Exactly one of `account_id` (the payer) and `payment_id` (an ad-hoc session) is given.
    """

    location_id: Id
    evse_uid: Id
    connector_id: Id
    time_zone: TimeZone
    country: Country
    meter_id: Id
    register_kwh: Quantity
    account_id: NotRequired[Id | None]
    payment_id: NotRequired[Id | None]
    station_id: NotRequired[Id | None]
    operator_id: NotRequired[Id | None]
    legal_entity: NotRequired[Id | None]
    power_type: NotRequired[PowerType | None]
    max_power_kw: NotRequired[Quantity | None]
    token_uid: NotRequired[Id | None]
    auth_method: NotRequired[Text | None]
    tariff_id: NotRequired[Id | None]
    reservation: NotRequired[ReservationData | None]
    cdr_location: NotRequired[dict[str, Any] | None]
    cdr_token: NotRequired[dict[str, Any] | None]
    seq_no: NotRequired[SeqNo | None]


class MeteredData(TypedDict):
    """A sample of the meter's import register at `time`; `current_a` is the sum over the phases."""

    register_kwh: Quantity
    power_kw: NotRequired[Quantity | None]
    current_a: NotRequired[Quantity | None]
    soc_percent: NotRequired[Quantity | None]
    context: NotRequired[Text | None]
    seq_no: NotRequired[SeqNo | None]
    signed: NotRequired[SignedData | None]


class StateChangedData(TypedDict):
    """The charging state from `time` on, in the words of OCPP 2.0.1."""

    charging_state: ChargingState
    seq_no: NotRequired[SeqNo | None]


class EndedData(TypedDict):
    """The last reading of the meter's import register."""

    register_kwh: Quantity
    reason: NotRequired[Text | None]
    seq_no: NotRequired[SeqNo | None]
    signed: NotRequired[SignedData | None]


def _one_payer(data: StartedData) -> StartedData:
    if (data.get("account_id") is None) is (data.get("payment_id") is None):
        raise PydanticCustomError("payer", "exactly one of account_id and payment_id must be given")
    return data


class SessionStartedEvent(Attributes):
    type: Literal["ev.session.started.v1"]
    data: Annotated[StartedData, AfterValidator(_one_payer)]


class SessionMeteredEvent(Attributes):
    type: Literal["ev.session.metered.v1"]
    data: MeteredData


class SessionStateChangedEvent(Attributes):
    type: Literal["ev.session.state-changed.v1"]
    data: StateChangedData


class SessionEndedEvent(Attributes):
    type: Literal["ev.session.ended.v1"]
    data: EndedData


def to_session_started(record: Record, attributes: Attributes, data: StartedData) -> SessionStarted:
    """The proposed fact; the tariff pin and the payer's terms are added where they are known."""
    power_kw_max = data.get("max_power_kw")
    return SessionStarted(
        **origin_of(record, attributes),
        tenant=tenant_of(attributes),
        session_id=attributes["subject"],
        location_id=data["location_id"],
        evse_uid=data["evse_uid"],
        connector_id=data["connector_id"],
        time_zone=data["time_zone"],
        country=data["country"],
        meter_id=data["meter_id"],
        register_milliwh=to_milliwh(data["register_kwh"]),
        personal=_to_personal(data),
        account_id=data.get("account_id"),
        payment_id=data.get("payment_id"),
        station_id=data.get("station_id"),
        operator_id=data.get("operator_id"),
        legal_entity=data.get("legal_entity"),
        power_type=data.get("power_type"),
        power_milliw_max=None if power_kw_max is None else to_milliwatt(power_kw_max),
        auth_method=data.get("auth_method"),
        tariff_id=data.get("tariff_id"),
        reservation=_to_reservation(data.get("reservation")),
        cdr_location=to_snapshot(data.get("cdr_location"), ("data", "cdr_location")),
        seq_no=data.get("seq_no"),
    )


def to_meter_recorded(record: Record, attributes: Attributes, data: MeteredData) -> MeterRecorded:
    """Almost all traffic: written out, because unpacking the origin would cost a fifth of the whole reading."""
    return MeterRecorded(
        source=attributes["source"],
        message_id=attributes["id"],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        occurred_at=instant_at("$.time", attributes["time"]),
        register_milliwh=to_milliwh(data["register_kwh"]),
        context=data.get("context"),
        power_milliw=_to_milliwatt(data["power_kw"]) if "power_kw" in data else None,
        current_microa=_to_microampere(data["current_a"]) if "current_a" in data else None,
        soc_percent=data.get("soc_percent"),
        seq_no=data.get("seq_no"),
        signed=_to_signed(data["signed"]) if "signed" in data else None,
    )


def to_state_changed(record: Record, attributes: Attributes, data: StateChangedData) -> StateChanged:
    return StateChanged(
        **origin_of(record, attributes), charging_state=data["charging_state"], seq_no=data.get("seq_no")
    )


def to_session_ended(record: Record, attributes: Attributes, data: EndedData) -> SessionEnded:
    return SessionEnded(
        **origin_of(record, attributes),
        register_milliwh=to_milliwh(data["register_kwh"]),
        reason=data.get("reason"),
        seq_no=data.get("seq_no"),
        signed=_to_signed(data.get("signed")),
    )


def _to_personal(data: StartedData) -> Personal:
    return Personal(
        person_id=data.get("account_id") or data.get("payment_id") or "",
        token_uid=data.get("token_uid"),
        cdr_token=to_snapshot(data.get("cdr_token"), ("data", "cdr_token")),
    )


def _to_reservation(data: ReservationData | None) -> Reservation | None:
    if data is None:
        return None
    reservation = Reservation(
        from_=instant_at("$.data.reservation.from", data["from"]),
        until=instant_at("$.data.reservation.until", data["until"]),
        expired=data["expired"],
    )
    if reservation.until < reservation.from_:
        raise UnreadableError("$.data.reservation.until: is before $.data.reservation.from")
    return reservation


def _to_signed(data: SignedData | None) -> Signed | None:
    if data is None:
        return None
    return Signed(encoding=data["encoding"], data=data["data"], public_key=data.get("public_key"))
