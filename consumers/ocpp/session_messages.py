"""Session messages as the ledger reads them (docs/integrator.md), made from what a station measured."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from consumers.messages.attributes import DEFAULT_TENANT
from consumers.messages.ocpp.events import ChargingState, Phase, Sample, Signed
from consumers.ocpp.transactions import Transaction
from ledger.intake.station import Connector, Evse, StationConfigured
from ledger.values.canonical import canonical_json, decimal_text, sha256_hex
from ledger.values.energy import from_milliwh
from ledger.values.quantity import from_microampere, from_milliwatt
from ledger.values.time import from_instant

# As many hexadecimal digits as 128 bits need: no two messages of a session meet by chance.
MESSAGE_ID_LENGTH: Final = 32

# Phases that must all have reported before their registers are the meter's; a connector of unknown kind may have three.
_PHASES: Final = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2}
_PHASES_MAX: Final = 3
_PERCENT_DECIMALS_MAX: Final = 6

_MEASURANDS: Final = ("register_kwh", "power_kw", "current_a", "soc_percent")


class SessionMessage(NamedTuple):
    """One message about a session, before it is a record."""

    id: str
    tenant: str
    station_id: str
    session_id: str
    kind: str
    at: datetime
    data: dict[str, Any]

    def to_value(self) -> bytes:
        """The record's value: a CloudEvent in structured mode."""
        event = {
            "specversion": "1.0",
            "id": self.id,
            "source": f"/stations/{self.station_id}",
            "type": f"ev.session.{self.kind}.v1",
            "subject": self.session_id,
            "time": from_instant(self.at),
            "datacontenttype": "application/json",
            "partitionkey": self.session_id,
            "data": self.data,
        }
        return msgspec.json.encode(event if self.tenant == DEFAULT_TENANT else {**event, "tenant": self.tenant})


def started(
    station: StationConfigured, place: tuple[Evse, Connector], account_id: str, of: Transaction
) -> SessionMessage:
    """The start, with what OCPP does not say: where, on which meter, and who pays."""
    evse, connector = place
    data = {
        "location_id": station.location_id,
        "station_id": station.station_id,
        "operator_id": station.operator_id,
        "legal_entity": station.legal_entity,
        "evse_uid": evse.evse_uid,
        "connector_id": connector.connector_id,
        "power_type": connector.power_type,
        "max_power_kw": connector.max_power_kw,
        "time_zone": station.time_zone,
        "country": station.country,
        "meter_id": connector.meter_id,
        "register_kwh": from_milliwh(of.register_milliwh or 0),
        "account_id": account_id,
        "token_uid": of.token_uid,
        "cdr_location": station.cdr_location,
        "seq_no": of.seq_no,
    }
    return _message(station, of, "started", of.began_at, data)


def metered(
    station: StationConfigured, connector: Connector, of: Transaction, samples: tuple[Sample, ...], seq_no: int | None
) -> Iterator[SessionMessage]:
    """One message a sample that has an import register; the others say nothing that is billed."""
    for sample in samples:
        register_milliwh = import_register(sample, connector)
        if register_milliwh is not None:
            data = {
                "register_kwh": from_milliwh(register_milliwh),
                "power_kw": _text(_sum(sample.power_milliw), from_milliwatt),
                "current_a": _text(_sum(sample.current_microa), from_microampere),
                "soc_percent": _percent(sample),
                "context": sample.context,
                "seq_no": seq_no,
                "signed": _signed(sample.signed),
            }
            yield _message(station, of, "metered", sample.at, data)


def state_changed(
    station: StationConfigured, of: Transaction, at: datetime, state: ChargingState, seq_no: int | None
) -> SessionMessage:
    """The charging state from an instant on."""
    data = {"charging_state": state, "seq_no": seq_no}
    return _message(station, of, "state-changed", at, data)


class End(NamedTuple):
    """What an end says: the register, the record that signs it, and why it ended."""

    register_milliwh: int
    signed: Signed | None = None
    reason: str | None = None
    seq_no: int | None = None


def ended(station: StationConfigured, of: Transaction, at: datetime, end: End) -> SessionMessage:
    """The end with its register."""
    data = {
        "register_kwh": from_milliwh(end.register_milliwh),
        "reason": end.reason,
        "seq_no": end.seq_no,
        "signed": _signed(end.signed),
    }
    return _message(station, of, "ended", at, data)


def import_register(sample: Sample, connector: Connector) -> int | None:
    """The meter's register in mWh: the total, or the sum over phases when all of the connector's reported."""
    by_phase = sample.register_milliwh
    if None in by_phase:
        return by_phase[None]
    phases = _PHASES.get(connector.power_type or "", _PHASES_MAX)
    return sum(by_phase.values()) if len(by_phase) >= phases else None


def _sum(by_phase: Mapping[Phase, int]) -> int | None:
    if not by_phase:
        return None
    return by_phase[None] if None in by_phase else sum(by_phase.values())


def _text(value: int | None, to_text: Any) -> str | None:
    return None if value is None else to_text(value)


def _percent(sample: Sample) -> str | None:
    return None if sample.soc_percent is None else decimal_text(round(sample.soc_percent, _PERCENT_DECIMALS_MAX))


def _signed(signed: Signed | None) -> dict[str, str] | None:
    if signed is None:
        return None
    content = {"encoding": signed.encoding, "data": signed.data}
    return content if signed.public_key is None else {**content, "public_key": signed.public_key}


def _message(
    station: StationConfigured, of: Transaction, kind: str, at: datetime, data: dict[str, Any]
) -> SessionMessage:
    told = {name: value for name, value in data.items() if value is not None}
    name = _id([station.station_id, of.session_id, kind, from_instant(at)], told)
    return SessionMessage(name, station.tenant, station.station_id, of.session_id, kind, at, told)


def _id(about: list[str], told: Mapping[str, Any]) -> str:
    """Made of what was measured: a station's repeat, under whatever OCPP message id, has the same."""
    measured = {name: told[name] for name in _MEASURANDS if name in told}
    named = [*about, told.get("context"), measured, told.get("charging_state"), told.get("seq_no")]
    return sha256_hex(canonical_json(named))[:MESSAGE_ID_LENGTH]
