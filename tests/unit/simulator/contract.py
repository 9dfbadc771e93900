"""The message contract as a checker of its own, written from its text and not from the readers."""

import json
import re
from datetime import datetime
from typing import Any

from evledger.simulator import Message

QUANTITY = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
ID = re.compile(r"[!-~]{1,255}")
STATES = {"Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle"}
TOPICS = {
    "session": "ev.sessions.v1",
    "tariff": "ev.tariffs.v1",
    "account": "ev.accounts.v1",
    "price": "ev.prices.v1",
    "meter": "ev.meters.v1",
}
QUANTITIES = ("register_kwh", "power_kw", "current_a", "soc_percent", "max_power_kw")
REQUIRED = {
    "ev.session.started.v1": (
        *("location_id", "evse_uid", "connector_id", "time_zone", "country", "meter_id", "register_kwh"),
        "account_id",
    ),
    "ev.session.metered.v1": ("register_kwh",),
    "ev.session.state-changed.v1": ("charging_state",),
    "ev.session.ended.v1": ("register_kwh",),
    "ev.tariff.published.v1": ("id", "currency", "elements"),
    "ev.price.published.v1": ("currency", "slots"),
    "ev.meter.key-registered.v1": ("public_key", "encoding", "valid_from"),
    "ev.account.opened.v1": ("name", "kind", "country", "currency", "billing"),
    "ev.account.changed.v1": ("name", "kind", "country", "currency", "billing"),
}


def check(message: Message) -> dict[str, Any]:
    """The event of a message that keeps the contract; AssertionError says what does not."""
    assert len(message.value) <= 256 * 1024
    event: dict[str, Any] = json.loads(message.value, parse_float=str)
    assert event["specversion"] == "1.0"
    assert message.topic == TOPICS[event["type"].split(".")[1]]
    assert message.key == event["subject"] == event["partitionkey"]
    assert ID.fullmatch(event["id"]) and ID.fullmatch(event["subject"]) and ID.fullmatch(event["source"])
    assert INSTANT.fullmatch(event["time"]) and 2000 <= datetime.fromisoformat(event["time"]).year <= 2100
    _check_data(event["type"], event["data"])
    return event


def _check_data(type_: str, data: dict[str, Any]) -> None:
    for name in REQUIRED[type_]:
        assert name in data, f"{type_} without {name}"
    if not type_.startswith("ev.tariff"):
        for name in filter(data.__contains__, QUANTITIES):
            assert QUANTITY.fullmatch(data[name]), f"{name} is {data[name]!r}"
        for name, value in data.items():
            assert not name.endswith("_id") or ID.fullmatch(value), f"{name} is {value!r}"
    assert data.get("charging_state", "Charging") in STATES
