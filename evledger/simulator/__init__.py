"""A seeded network of charging stations that speaks the message contract."""

from evledger.simulator.benchmark import benchmark_messages
from evledger.simulator.record import Message, to_line, to_lines
from evledger.simulator.simulation import messages

__all__ = ["Message", "benchmark_messages", "messages", "to_line", "to_lines"]
