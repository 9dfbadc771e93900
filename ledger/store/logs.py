"""The two event logs, each an application of the event store library with tables of its own."""

from typing import Any, ClassVar
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import JSONTranscoder, Mapper, ProcessRecorder, StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment

from ledger.store.datastore import LedgerDatastore
from ledger.store.fact import Fact
from ledger.store.recorder import LedgerRecorder
from ledger.store.serial import decode_fact, encode_fact, topic_of


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A fact at its place in a stream: what the library calls a domain event."""

    originator_id: UUID
    originator_version: int
    fact: Fact


class FactMapper(Mapper[UUID]):
    """Facts under their explicit topics, as the bytes of `serial`."""

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=topic_of(domain_event.fact),
            state=encode_fact(domain_event.fact),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        fact = decode_fact(stored_event.topic, stored_event.state)
        return Recorded(UUID(str(stored_event.originator_id)), stored_event.originator_version, fact)


class LedgerFactory(PostgresFactory):
    """Makes the library's parts over a datastore that both logs share."""

    def __init__(self, env: Environment, datastore: LedgerDatastore) -> None:
        self.env = env
        self.datastore = datastore

    def process_recorder(self) -> ProcessRecorder:
        name = self.env.name
        return LedgerRecorder(
            self.datastore, events_table_name=f"{name}_events", tracking_table_name=f"{name}_tracking"
        )


class Log(Application[UUID]):
    """One event log. Tables are made by migrations, never by the library."""

    env: ClassVar[dict[str, str]] = {"CREATE_TABLE": "n"}

    def __init__(self, datastore: LedgerDatastore) -> None:
        self._datastore = datastore
        super().__init__()

    def construct_factory(self, env: Environment) -> Any:
        return LedgerFactory(env, self._datastore)

    def construct_mapper(self) -> Mapper[UUID]:
        return FactMapper(JSONTranscoder())

    def construct_recorder(self) -> Any:
        return self.factory.process_recorder()


class SessionsLog(Log):
    """Charging sessions: very many small facts, one stream per session."""

    name = "session"


class BillingLog(Log):
    """Tariffs, accounts, invoices and payments."""

    name = "billing"
