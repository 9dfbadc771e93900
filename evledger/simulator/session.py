"""One charging session as the messages that its station sends, in the order in which it sends them."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from evledger.simulator.arrivals import Arrival
from evledger.simulator.charging import (
    VEHICLES,
    Charge,
    Point,
    Stay,
    Vehicle,
    course,
    seconds_to_target,
)
from evledger.simulator.payers import Payer
from evledger.simulator.record import SESSIONS_TOPIC, CloudEvent, Message
from evledger.simulator.signing import is_signing, signed_session
from evledger.simulator.stations import Connector, Site
from ledger.values.energy import from_milliwh
from ledger.values.quantity import MICROAMPERE_PER_A, MILLIWATT_PER_KW, from_microampere, from_milliwatt
from ledger.values.time import US_PER_S

STARTED: Final = "ev.session.started.v1"
METERED: Final = "ev.session.metered.v1"
STATE_CHANGED: Final = "ev.session.state-changed.v1"
ENDED: Final = "ev.session.ended.v1"

# With start, end and states this makes about fifty messages: the station's interval follows the stay.
_READINGS: Final = (42, 50)
_INTERVAL_STEP_S: Final = 5
_MAINS_VOLTAGE: Final = 230
_MILLIWH_PER_WH: Final = 1_000
# An even share of drivers come nearly empty and half full; a motorway charge ends well before full.
_LEVEL_PERMILLE_AT_ARRIVAL: Final = (80, 650)
_TARGET_PERMILLE: Final = {"MOTORWAY": (750, 900), "RETAIL": (700, 1_000)}
_OVERSTAY_PERCENT: Final = 12
_PAUSE_PERCENT: Final = 6
_STATES_ARE_SENT_PERCENT: Final = 75
# Stations that tell the plug apart from the charge say so in the first second.
_PLUG_IS_TOLD_EVERY: Final = 4
_REASONS: Final = ("EVDisconnected", "EVDisconnected", "EVDisconnected", "Local", "Remote")

Data = dict[str, object]


@dataclass(frozen=True, slots=True)
class Visit:
    """What is true of all messages of one session."""

    session_id: str
    number: int
    connector: Connector
    payer: Payer
    tariff_id: str


class Occurrence(NamedTuple):
    """A message on its way: what happened at `at_s`, and the second in which it reaches Kafka.

    `key` is the record's key where it is not the session id; `raw` replaces the whole value.
    """

    deliver_s: int
    at_s: int
    session_id: str
    source: str
    type: str
    id: str
    data: Data
    key: str | None = None
    raw: bytes | None = None

    def to_message(self) -> Message:
        key = self.key or self.session_id
        if self.raw is not None:
            return Message(SESSIONS_TOPIC, key, self.raw)
        return self.to_event().to_message()._replace(key=key)

    def to_event(self) -> CloudEvent:
        at_us = self.at_s * US_PER_S
        return CloudEvent(SESSIONS_TOPIC, self.type, self.session_id, self.source, self.id, at_us, self.data)


def occurrences(arrival: Arrival, visit: Visit, rng: Random) -> list[Occurrence]:
    """All messages of a session, and the connector moved on to its end."""
    connector = visit.connector
    begin_s = max(arrival.at_s, connector.free_at_s)
    charge = _charge(connector.site, rng)
    stay = _stay(begin_s, arrival.stay_s, charge, rng)
    are_states_sent = rng.randrange(100) < _STATES_ARE_SENT_PERCENT or stay.pause_s is not None
    points = list(course(stay, charge))
    messages = list(_messages(visit, stay, points, are_states_sent, rng.choice(_REASONS)))
    connector.register_milliwh += charge.energy_milliwh
    connector.free_at_s = stay.end_s + rng.randint(20, 600)
    return messages


def _charge(site: Site, rng: Random) -> Charge:
    vehicle = rng.choice(VEHICLES)
    is_dc = site.power_type == "DC"
    capacity_milliwh = vehicle.battery_wh * _MILLIWH_PER_WH
    target = rng.randint(*_TARGET_PERMILLE.get(site.use, (1_000, 1_000)))
    level = rng.randint(*_LEVEL_PERMILLE_AT_ARRIVAL)
    return Charge(
        power_w_max=min(site.power_w_max, _power_w_max(vehicle, is_dc)),
        capacity_milliwh=capacity_milliwh,
        level_milliwh=capacity_milliwh * level // 1_000,
        target_milliwh=capacity_milliwh * target // 1_000,
        is_dc=is_dc,
        rng=rng,
    )


def _power_w_max(vehicle: Vehicle, is_dc: bool) -> int:
    return vehicle.dc_power_w_max if is_dc else vehicle.ac_power_w_max


def _stay(begin_s: int, stay_s: int | None, charge: Charge, rng: Random) -> Stay:
    seconds = stay_s if stay_s is not None else _motorway_stay_s(charge, rng)
    interval_s = _interval_s(seconds, rng)
    charging_from_s = begin_s + rng.randint(4, 15)
    end_s = begin_s + seconds
    return Stay(begin_s, end_s, charging_from_s, interval_s, _pause(begin_s, seconds, charge, rng))


def _motorway_stay_s(charge: Charge, rng: Random) -> int:
    """Until the target and a coffee; some forget their car."""
    overstay_s = rng.randint(20 * 60, 90 * 60) if rng.randrange(100) < _OVERSTAY_PERCENT else 0
    return seconds_to_target(charge) + rng.randint(0, 480) + overstay_s


def _interval_s(seconds: int, rng: Random) -> int:
    exact = -(-seconds // rng.randint(*_READINGS))
    return -(-exact // _INTERVAL_STEP_S) * _INTERVAL_STEP_S


def _pause(begin_s: int, seconds: int, charge: Charge, rng: Random) -> tuple[int, int] | None:
    """An AC station holds back while its site's connection is at its limit."""
    if charge.is_dc or rng.randrange(100) >= _PAUSE_PERCENT:
        return None
    from_s = begin_s + seconds // 4
    return from_s, from_s + min(seconds // 4, rng.randint(300, 1_800))


def _messages(
    visit: Visit, stay: Stay, points: list[Point], are_states_sent: bool, reason: str
) -> Iterator[Occurrence]:
    yield _occurrence(visit, stay.begin_s, STARTED, 0, _started(visit))
    if are_states_sent and visit.number % _PLUG_IS_TOLD_EVERY == 0:
        plugged: Data = {"charging_state": "EVConnected", "seq_no": 0}
        yield _occurrence(visit, stay.begin_s + 1, STATE_CHANGED, 0, plugged)
    for seq_no, point in enumerate(points[:-1], 1):
        yield _occurrence(visit, point.at_s, METERED, seq_no, _metered(visit.connector, point, seq_no))
        if point.state and are_states_sent:
            # Same sequence number: OCPP tells the state and the sample in one event.
            data: Data = {"charging_state": point.state, "seq_no": seq_no}
            yield _occurrence(visit, point.at_s, STATE_CHANGED, seq_no, data)
    register = _shown(visit.connector, points[-1].energy_milliwh)
    end: Data = {"register_kwh": register, "reason": reason, "seq_no": len(points)}
    if is_signing(visit.connector):
        begin = (stay.begin_s, _shown(visit.connector, 0))
        end["signed"] = signed_session(visit.connector, begin, (stay.end_s, register))
    yield _occurrence(visit, stay.end_s, ENDED, len(points), end)


def _occurrence(visit: Visit, at_s: int, type_: str, seq_no: int, data: Data) -> Occurrence:
    source = f"/stations/{visit.connector.station_id}"
    # A sample and a state may share a sequence number: started, metered, state-changed and ended differ.
    message_id = f"{visit.number:07d}-{seq_no:03d}-{type_.split('.')[2]}"
    return Occurrence(at_s, at_s, visit.session_id, source, type_, message_id, data)


def _started(visit: Visit) -> Data:
    connector = visit.connector
    site = connector.site
    return {
        "location_id": connector.location_id,
        "station_id": connector.station_id,
        "operator_id": connector.operator_id,
        "evse_uid": connector.evse_uid,
        "connector_id": "1",
        "power_type": site.power_type,
        "max_power_kw": from_milliwatt(site.power_w_max * MILLIWATT_PER_KW // 1_000),
        "time_zone": site.time_zone,
        "country": site.country,
        "meter_id": connector.meter_id,
        "register_kwh": _shown(connector, 0),
        "account_id": visit.payer.account_id,
        "token_uid": visit.payer.token_uid,
        "auth_method": "WHITELIST",
        "tariff_id": visit.tariff_id,
        "seq_no": 0,
    }


def _metered(connector: Connector, point: Point, seq_no: int) -> Data:
    data: Data = {
        "register_kwh": _shown(connector, point.energy_milliwh),
        "power_kw": from_milliwatt(point.power_w * MILLIWATT_PER_KW // 1_000),
        "context": "Other" if point.state else "Sample.Periodic",
        "seq_no": seq_no,
    }
    if connector.site.power_type == "DC":
        return data | {"soc_percent": str(point.level_permille // 10)}
    return data | {"current_a": _current_a(point.power_w)}


def _current_a(power_w: int) -> str:
    """The sum over the phases, to a tenth of an ampere."""
    tenths = power_w * 10 // _MAINS_VOLTAGE
    return from_microampere(tenths * MICROAMPERE_PER_A // 10)


def _shown(connector: Connector, energy_milliwh: int) -> str:
    return from_milliwh(connector.shown_milliwh(energy_milliwh))
