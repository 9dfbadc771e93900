"""Every message type that is read: its contract and the fact that it becomes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_type_hints

from pydantic import TypeAdapter

from consumers.messages import account, meter, price, session, station, tariff
from consumers.messages.account import AccountDefaults
from consumers.messages.attributes import Attributes
from ledger.intake.message import Record
from ledger.store.fact import FromMessage

Family = Literal["session", "tariff", "account", "station", "meter", "price"]
METERED: Final = "ev.session.metered.v1"

ToFact = Callable[[Record, Attributes, Any], FromMessage]
Validate = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A message type: `event` is the contract of the whole event, `data` of what is in it."""

    type: str
    family: Family
    event: TypeAdapter[Any]
    data: TypeAdapter[Any]
    validate_event: Validate
    to_fact: ToFact


def kinds_of(defaults: AccountDefaults) -> tuple[Kind, ...]:
    """All kinds of messages that this version handles."""

    def opened(record: Record, attributes: Attributes, data: account.AccountData) -> FromMessage:
        return account.to_account_opened(record, attributes, data, defaults)

    def changed(record: Record, attributes: Attributes, data: account.AccountData) -> FromMessage:
        return account.to_account_changed(record, attributes, data, defaults)

    return (
        _kind("session", session.SessionMeteredEvent, session.to_meter_recorded),
        _kind("session", session.SessionStateChangedEvent, session.to_state_changed),
        _kind("session", session.SessionStartedEvent, session.to_session_started),
        _kind("session", session.SessionEndedEvent, session.to_session_ended),
        _kind("account", account.AccountChangedEvent, changed),
        _kind("account", account.AccountOpenedEvent, opened),
        _kind("tariff", tariff.TariffPublishedEvent, tariff.to_tariff_published),
        _kind("station", station.StationConfiguredEvent, station.to_station_configured),
        _kind("meter", meter.MeterKeyRegisteredEvent, meter.to_key_registered),
        _kind("meter", meter.MeterReplacedEvent, meter.to_meter_replaced),
        _kind("meter", meter.MeterConfiguredEvent, meter.to_meter_configured),
        _kind("price", price.PricePublishedEvent, price.to_price_published),
    )


def _kind(family: Family, event_type: Any, to_fact: ToFact) -> Kind:
    hints = get_type_hints(event_type, include_extras=True)
    (name,) = get_args(hints["type"])
    event: TypeAdapter[Any] = TypeAdapter(event_type)
    return Kind(
        type=name,
        family=family,
        event=event,
        data=TypeAdapter(hints["data"]),
        validate_event=event.validator.validate_json,
        to_fact=to_fact,
    )
