"""Lines of files as the adapter reads them: stations, accounts, frames of both versions in both envelopes."""

import json
from typing import Any

STATION = "S-1"
TOKEN = "3A5AA876"  # noqa: S105 - a charging card's id

Json = dict[str, Any]


def line(topic: str, key: str, value: object, headers: dict[str, str] | None = None) -> str:
    """One line of a file; a text is a record's value as it stands."""
    text = value if isinstance(value, str) else json.dumps(value)
    content: Json = {"topic": topic, "key": key, "value": text}
    return json.dumps(content if headers is None else {**content, "headers": headers})


def event(kind: str, subject: str, data: Json, at: str = "2025-01-01T00:00:00Z") -> Json:
    name = f"ev.{kind}.v1"
    attributes = {"specversion": "1.0", "id": f"{subject}-{at}", "source": "/cpo", "type": name, "subject": subject}
    return {**attributes, "time": at, "data": data}


def station(station_id: str = STATION, power_type: str | None = "AC_3_PHASE", connectors: int = 1) -> str:
    """A station with so many EVSEs of one connector each."""
    evses = [
        {
            "evse_uid": f"{station_id}-{number}",
            "ocpp_evse_id": number,
            "connectors": [{"connector_id": "1", "meter_id": f"M-{number}", "power_type": power_type}],
        }
        for number in range(1, connectors + 1)
    ]
    data = {"location_id": "LOC1", "operator_id": "DE*ABC", "time_zone": "Europe/Berlin", "country": "DE"}
    return line("ev.stations.v1", station_id, event("station.configured", station_id, {**data, "evses": evses}))


def account(account_id: str = "ACC-1", *tokens: str) -> str:
    """An account that holds these tokens."""
    data = {"name": "Mara Visser", "kind": "CONSUMER", "country": "DE", "currency": "EUR", "billing": "PER_SESSION"}
    content = event("account.opened", account_id, {**data, "tokens": list(tokens or (TOKEN,))})
    return line("ev.accounts.v1", account_id, content)


def bare(frame: object, version: str = "1.6", station_id: str = STATION, direction: str = "to-csms") -> str:
    """A bare frame with its headers."""
    headers = {
        "ocpp-version": version,
        "station-id": station_id,
        "direction": direction,
        "received-at": "2026-11-02T12:00:00Z",
    }
    return line("ocpp.frames.v1", station_id, frame, headers)


def request(message_id: str, action: str, payload: Json, version: str = "1.6") -> str:
    return bare([2, message_id, action, payload], version)


def answer(message_id: str, payload: Json) -> str:
    return bare([3, message_id, payload], direction="to-station")


def citrineos(
    message_id: str,
    action: str,
    payload: Json,
    *,
    is_answer: bool = False,
    version: str = "1.6",
    underscore: str = "_",
    station_id: str = STATION,
) -> str:
    """The same in CitrineOS's envelope; without a record key."""
    at = "2026-11-02T12:00:00Z"
    context = {"correlationId": message_id, "tenantId": "1", "stationId": station_id, "timestamp": at}
    content = {
        "origin": "csms" if is_answer else "cs",
        "eventGroup": "transactions",
        "action": action,
        "state": 2 if is_answer else 1,
        "context": context,
        "payload": payload,
        "protocol": f"ocpp{version}",
    }
    value = {underscore + name: part for name, part in content.items()}
    return json.dumps({"topic": "ocpp.citrineos.v1", "value": json.dumps(value)})


def start_16(message_id: str, at: str, meter_start: object, connector_id: int = 1, id_tag: str = TOKEN) -> str:
    payload = {"connectorId": connector_id, "idTag": id_tag, "timestamp": at, "meterStart": meter_start}
    return request(message_id, "StartTransaction", payload)


def started_16(message_id: str, transaction_id: int) -> str:
    return answer(message_id, {"transactionId": transaction_id, "idTagInfo": {"status": "Accepted"}})


def values_16(message_id: str, at: str, *sampled: Json, transaction_id: int | None = 1, connector_id: int = 1) -> str:
    payload: Json = {"connectorId": connector_id, "meterValue": [{"timestamp": at, "sampledValue": list(sampled)}]}
    if transaction_id is not None:
        payload["transactionId"] = transaction_id
    return request(message_id, "MeterValues", payload)


def stop_16(message_id: str, at: str, meter_stop: object, transaction_id: int = 1, **more: Any) -> str:
    payload = {"transactionId": transaction_id, "timestamp": at, "meterStop": meter_stop, **more}
    return request(message_id, "StopTransaction", payload)


def status_16(message_id: str, at: str, status: str, connector_id: int = 1) -> str:
    payload = {"connectorId": connector_id, "status": status, "errorCode": "NoError", "timestamp": at}
    return request(message_id, "StatusNotification", payload)


def transaction_201(
    event_type: str, at: str, seq_no: int, *meter_values: Json, transaction_id: str = "T-1", **more: Any
) -> str:
    """A TransactionEvent; the first one names EVSE and token unless `more` says otherwise."""
    info = {"transactionId": transaction_id, **more.pop("info", {})}
    payload: Json = {"eventType": event_type, "timestamp": at, "triggerReason": "Authorized", "seqNo": seq_no}
    payload |= {"transactionInfo": info, "meterValue": list(meter_values)}
    if event_type == "Started":
        payload |= {"evse": {"id": 1, "connectorId": 1}, "idToken": {"idToken": TOKEN, "type": "ISO14443"}}
    payload |= more
    named = {name: part for name, part in payload.items() if part is not None}
    return request(f"{transaction_id}-{seq_no}", "TransactionEvent", named, "2.0.1")


def at_201(at: str, *sampled: Json) -> Json:
    return {"timestamp": at, "sampledValue": list(sampled)}
