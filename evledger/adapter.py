"""The OCPP adapter put together: its topics, its group, its relay."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from threading import Event

from consumers.kafka_client import KafkaSettings
from consumers.loop import ConsumerLoop, Progress
from consumers.ocpp.inbound import read_inbound
from consumers.ocpp.known import Known
from consumers.ocpp.outcomes import AdapterTotals
from consumers.ocpp.pipeline import OcppPipeline
from consumers.ocpp.relay import OcppRelay
from evledger.embedded.place import data_of
from evledger.settings import Settings
from evledger.wiring import adapted, database_url, message_reader, open_ledger


@dataclass(frozen=True, slots=True)
class OcppAdapter:
    """What stations say, from Kafka to Kafka. `kafka`: how the ledger's own consumer reaches it."""

    settings: Settings
    kafka: KafkaSettings
    tenant: str

    @property
    def group(self) -> str:
        """A consumer group of its own, beside the ledger's."""
        return f"{self.settings.kafka_group}-ocpp"

    def run(self, stop: Event) -> AdapterTotals:
        """Read into the outbox until stopped; outages are waited for."""
        return self.read(stop, once=False)

    def run_once(self, stop: Event, progress: Progress | None) -> AdapterTotals:
        """Read to the ends of the topics as they are now, and send what came of it."""
        totals = self.read(stop, once=True, progress=progress)
        self.relay().publish()
        return totals

    def relay(self) -> OcppRelay:
        """The relay of the outbox to the sessions topic."""
        return OcppRelay(database_url(self.settings), self.kafka, self.settings.topic_sessions)

    def read(self, stop: Event, once: bool, progress: Progress | None = None) -> AdapterTotals:
        """Read into the outbox until stopped, or to the ends of the topics; outages are waited for."""
        read = partial(read_inbound, message_reader(self.settings))
        with open_ledger(self.settings) as ledger:
            pipeline = OcppPipeline(ledger, read, self.tenant, self.group)
            ConsumerLoop(ledger, pipeline, self._kafka()).run(stop, once, progress)
            if once:
                pipeline.look()
            return pipeline.totals

    def _kafka(self) -> KafkaSettings:
        instance = self.kafka.group_instance_id
        own = None if instance is None else f"{instance}-ocpp"
        return replace(self.kafka, topics=adapted(self.settings), group_instance_id=own)


@contextmanager
def known_stations(settings: Settings, tenant: str) -> Iterator[Known | None]:
    """What the database knows of stations and tokens; None where there is no database yet: none is made for this."""
    if settings.database_url is None and not data_of(settings.home).exists():
        yield None
    else:
        with open_ledger(settings) as ledger:
            yield Known(ledger, tenant)
