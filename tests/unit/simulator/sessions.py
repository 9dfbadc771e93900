"""Simulated messages read back, by session."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from evledger.simulator import Message, messages
from ledger.values.energy import to_milliwh

Event = dict[str, Any]


def by_session(all_messages: list[Message], read: Any) -> dict[str, list[Event]]:
    """Events of each session, in the order of the messages."""
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for message in all_messages:
        if message.topic == "ev.sessions.v1":
            event = read(message)
            found[event["subject"]].append(event)
    return dict(found)


def instant(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


def registers_milliwh(events: list[Event]) -> list[int]:
    return [to_milliwh(event["data"]["register_kwh"]) for event in events if "register_kwh" in event["data"]]


def clean(sessions: int, seed: int) -> list[Message]:
    return list(messages(sessions, seed))
