"""Messages and a ledger to send them to, as tests of the ledger's core need them.

A message's id is made of what it says, so the same call twice is the same message twice.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from consumers.messages.account import AccountDefaults
from consumers.messages.reader import MessageReader
from consumers.pipeline import Pipeline
from consumers.read_ahead import ReadAhead
from evledger.embedded import Server
from ledger.application import Ledger
from ledger.intake.message import Message, Record
from ledger.session.events import SessionRated
from ledger.store.fact import Fact
from ledger.store.positions import ControlTotals, acquire, control_totals
from ledger.store.serial import topic_of
from ledger.store.streams import load_streams
from ledger.values.ids import stream_id
from ledger.values.time import from_instant
from tests.conftest import create_database, drop_database

TENANT, SELLER, ZONE = "default", "ABC-NL", "Europe/Amsterdam"
AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
DEFAULTS = AccountDefaults(legal_entity=SELLER, time_zone=ZONE)
READER = MessageReader(DEFAULTS)

# Prices are JSON numbers in OCPI: written from decimals, so that none becomes a float on its way.
to_json = msgspec.json.Encoder(decimal_format="number").encode

LONG_AGO = -100 * 24 * 60  # minutes before the usual session: when tariffs and accounts came

_numbers = itertools.count(1)


def minute(minutes: int) -> datetime:
    """An instant, counted from the start of the usual session."""
    return AT + timedelta(minutes=minutes)


class Event(NamedTuple):
    """A CloudEvent before it has a place in a topic."""

    type: str
    subject: str
    time: datetime
    id: str
    data: dict[str, Any]
    source: str = "/test"
    tenant: str = TENANT

    def to_bytes(self) -> bytes:
        content = {**self._asdict(), "specversion": "1.0", "time": from_instant(self.time)}
        return to_json(content)

    def under(self, **changes: Any) -> "Event":
        """The same event with other attributes."""
        return self._replace(**changes)

    def saying(self, **data: Any) -> "Event":
        """The same event, by name too, with other data."""
        return self._replace(data={**self.data, **data})


def start(session_id: str, minutes: int = 0, kwh: str = "1000.000", **data: Any) -> Event:
    fields = {
        "location_id": "LOC1",
        "evse_uid": "E1",
        "connector_id": "1",
        "time_zone": ZONE,
        "country": "NL",
        "meter_id": "M1",
        "register_kwh": kwh,
    }
    return _about_session("started", session_id, minutes, {**fields, **data})


def reading(session_id: str, minutes: int, kwh: str, **data: Any) -> Event:
    return _about_session("metered", session_id, minutes, {"register_kwh": kwh, **data})


def state(session_id: str, minutes: int, charging_state: str, **data: Any) -> Event:
    return _about_session("state-changed", session_id, minutes, {"charging_state": charging_state, **data})


def end(session_id: str, minutes: int = 60, kwh: str = "1010.000", **data: Any) -> Event:
    return _about_session("ended", session_id, minutes, {"register_kwh": kwh, **data})


def _about_session(kind: str, session_id: str, minutes: int, data: dict[str, Any]) -> Event:
    return Event(f"ev.session.{kind}.v1", session_id, minute(minutes), f"{kind}@{minutes}", data)


def component(dimension: str, price: str, vat: str | None = "19", step_size: int = 1) -> dict[str, Any]:
    content: dict[str, Any] = {"type": dimension, "price": Decimal(price), "step_size": step_size}
    return content if vat is None else content | {"vat": Decimal(vat)}


ENERGY = component("ENERGY", "0.30")


def tariff(tariff_id: str, *components: dict[str, Any], minutes: int = LONG_AGO, **fields: Any) -> Event:
    elements = [{"price_components": list(components) or [ENERGY]}]
    data = {"id": tariff_id, "currency": "EUR", "elements": elements, **fields}
    return Event("ev.tariff.published.v1", tariff_id, minute(minutes), f"tariff@{minutes}", data)


def prices(series: str, *slots: tuple[int, int, str], minutes: int = LONG_AGO, currency: str = "EUR") -> Event:
    """Spot prices per kWh of a series: each from a minute to a minute."""
    content = [
        {"from": from_instant(minute(begin)), "until": from_instant(minute(end)), "per_kwh": per_kwh}
        for begin, end, per_kwh in slots
    ]
    data = {"currency": currency, "slots": content}
    return Event("ev.price.published.v1", series, minute(minutes), f"prices@{minutes}", data)


def account(account_id: str, billing: str = "PER_SESSION", minutes: int = LONG_AGO, **data: Any) -> Event:
    fields = {"name": "Fleet AG", "kind": "BUSINESS", "country": "NL", "currency": "EUR", "billing": billing}
    verb = data.pop("verb", "opened")
    return Event(f"ev.account.{verb}.v1", account_id, minute(minutes), f"{verb}@{minutes}", {**fields, **data})


def fact_of(event: Event) -> Any:
    """What the event proposes, as the reader hands it on."""
    arrival = READER.read(Record("topic", 0, 0, event.subject.encode(), event.to_bytes()))
    assert isinstance(arrival, Message), arrival
    return arrival.fact


class Names(NamedTuple):
    """Names that no other test on the same database uses."""

    number: int

    @property
    def topic(self) -> str:
        return f"topic-{self.number}"

    @property
    def session(self) -> str:
        return f"S-{self.number}"

    @property
    def account(self) -> str:
        return f"ACC-{self.number}"

    @property
    def tariff(self) -> str:
        return f"T-{self.number}"

    def started(self, minutes: int = 0, kwh: str = "1000.000", **data: Any) -> Event:
        """The start of the session, under the account and the tariff."""
        return start(self.session, minutes, kwh, **{"account_id": self.account, "tariff_id": self.tariff, **data})

    def read(self, minutes: int, kwh: str, **data: Any) -> Event:
        return reading(self.session, minutes, kwh, **data)

    def ended(self, minutes: int = 60, kwh: str = "1010.000", **data: Any) -> Event:
        return end(self.session, minutes, kwh, **data)


def new_names() -> Names:
    return Names(next(_numbers))


class Feed:
    """One consumer of a topic with one partition: what is delivered is stored on return."""

    def __init__(self, ledger: Ledger, topic: str, group: str = "test", ahead: ReadAhead | None = None) -> None:
        self.ledger = ledger
        self.ahead = ahead
        self.place = (topic, 0)
        self.group = group
        self.pipeline = self._pipeline()
        self.acquire()

    def _pipeline(self) -> Pipeline:
        return Pipeline(self.ledger, READER.read, SELLER, self.group, self.ahead)

    def acquire(self) -> None:
        """Become the owner of the partition, and go on where the store says."""
        self.offset, self.epoch = acquire(self.ledger.connection, self.group, "test", {self.place: 0})[self.place]

    @property
    def epochs(self) -> dict[tuple[str, int], int]:
        return {self.place: self.epoch}

    def send(self, *events: Event | bytes | Record) -> None:
        """Handle one batch; it may still be on its way."""
        records = [self.record(event) for event in events]
        self.pipeline.handle(records, self.epochs)

    def deliver(self, *events: Event | bytes | Record) -> None:
        """Handle one batch, and wait until it is stored."""
        self.send(*events)
        self.pipeline.drain()

    def record(self, event: Event | bytes | Record) -> Record:
        offset, self.offset = self.offset, self.offset + 1
        if isinstance(event, Record):
            return replace(event, topic=self.place[0], partition=0, offset=offset)
        if isinstance(event, bytes):
            return Record(*self.place, offset, None, event)
        return Record(*self.place, offset, event.subject.encode(), event.to_bytes())

    def restart(self) -> None:
        """Forget everything but the store, as a new process would."""
        self.pipeline.close()
        if self.ahead is not None:
            self.ahead.drop()
        self.pipeline = self._pipeline()
        self.acquire()

    def close(self) -> None:
        self.pipeline.close()

    @property
    def totals(self) -> ControlTotals:
        """The control totals of the topic, which must add up at any time."""
        totals = control_totals(self.ledger.connection, self.place[0])
        assert totals.are_complete(), totals
        return totals

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return self.pipeline._job is None and not self.pipeline._epochs_ahead

    def outcomes(self) -> tuple[int, int, int]:
        """Messages appended, duplicates and parked so far."""
        totals = self.totals
        return totals.appended, totals.duplicates, totals.parked


def facts_of(ledger: Ledger, kind: str, subject: str, tenant: str = TENANT) -> list[Any]:
    """The facts of a stream, in its order."""
    log = "session" if kind == "session" else "billing"
    stream = stream_id(tenant, kind, subject)
    return [fact for _, _, fact in load_streams(ledger.connection, log, {stream: 0})]


def short_topics(facts: Sequence[Fact]) -> list[str]:
    """What the facts are, such as `MeterRecorded`."""
    return [topic_of(fact).split(".")[1] for fact in facts]


def topics_of(ledger: Ledger, session_id: str) -> list[str]:
    return short_topics(facts_of(ledger, "session", session_id))


def ratings(ledger: Ledger, session_id: str) -> list[SessionRated]:
    """All revisions of a session's cost."""
    return [fact for fact in facts_of(ledger, "session", session_id) if isinstance(fact, SessionRated)]


class ParkedRow(NamedTuple):
    kind: str
    reason: str
    outcome: str
    value: bytes | None


def parked(ledger: Ledger, topic: str) -> list[ParkedRow]:
    """The messages that were parked, settled or not, in the order of arrival."""
    query = 'SELECT kind, reason, outcome, value FROM ledger.parked_messages WHERE topic = %s ORDER BY "offset"'
    return [ParkedRow(*row) for row in ledger.connection.execute(query, [topic], binary=True)]


@contextmanager
def a_database(server: Server, template: str, name: str) -> Iterator[str]:
    """The URL of a database for all tests of a module, which then use names of their own."""
    create_database(server, name, template)
    try:
        yield server.url(database=name)
    finally:
        drop_database(server, name)


def lines_file(folder: Path, events: Sequence[Event], topic: str = "ev.sessions.v1") -> Path:
    """Messages as JSON Lines, as `evledger ingest` reads them."""
    path = folder / "messages.jsonl"
    rows = [{"topic": topic, "key": event.subject, "value": event.to_bytes().decode()} for event in events]
    path.write_bytes(b"".join(to_json(row) + b"\n" for row in rows))
    return path
