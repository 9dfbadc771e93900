"""A local Apache Kafka without Docker, for development, tests and benchmarks. See README.md."""

from evledger.broker.artifacts import KAFKA_VERSION, resolve_jars
from evledger.broker.errors import BrokerError
from evledger.broker.process import Broker, start_broker

__all__ = ["KAFKA_VERSION", "Broker", "BrokerError", "resolve_jars", "start_broker"]
