"""Arrivals with the readings of each session drawn together: of a hundred messages 96 are readings, and to handle those
of a session at once costs a fraction of handling each by itself.
"""

from collections.abc import Iterable, Sequence

import msgspec

from ledger.intake.message import Arrival, Message, Misaddressed, Part, ReadingRun, Record
from ledger.session.events import MeterRecorded
from ledger.store.rows import state_element


class Group(msgspec.Struct, array_like=True, gc=False):
    """Readings of one session that make a run (`ReadingRun`), by their places among the arrivals of a batch."""

    tenant: str
    subject: str
    places: list[int]
    facts: list[MeterRecorded]
    states: list[bytes]

    def run(self, records: Sequence[Record]) -> ReadingRun:
        """The run; `records` are those of the batch."""
        own = [records[place] for place in self.places]
        return ReadingRun(self.tenant, self.subject, own, self.facts, self.states)


def grouped(arrivals: Iterable[Arrival]) -> list[Group | int]:
    """Groups of readings, each where its first one stands, and the places of all other arrivals, in their order."""
    found: list[Group | int] = []
    running: dict[tuple[str, str] | None, Group] = {}
    for place, arrival in enumerate(arrivals):
        if type(arrival) is not Message or type(arrival.fact) is not MeterRecorded:
            found.append(place)
            running.pop(_session_name(arrival), None)
            continue
        fact, name = arrival.fact, (arrival.tenant, arrival.subject)
        group = running.get(name)
        if group is None:
            group = running[name] = Group(*name, [], [], [])
            found.append(group)
        elif not _follows(fact, group.facts[-1]):  # most likely a repeat: by itself it costs the others nothing
            found.append(place)
            del running[name]
            continue
        group.places.append(place)
        group.facts.append(fact)
        group.states.append(state_element(fact))
    return found


def in_runs(records: Sequence[Record], arrivals: Sequence[Arrival]) -> list[Part]:
    """The arrivals of these records with their readings in runs."""
    return [arrivals[part] if isinstance(part, int) else part.run(records) for part in grouped(arrivals)]


def _session_name(arrival: Arrival) -> tuple[str, str] | None:
    """Tenant and session id."""
    message = arrival.message if isinstance(arrival, Misaddressed) else arrival
    return (message.tenant, message.subject) if isinstance(message, Message) else None


def _follows(fact: MeterRecorded, last: MeterRecorded) -> bool:
    return (
        fact.occurred_at > last.occurred_at
        and fact.offset > last.offset
        and fact.partition == last.partition
        and fact.topic == last.topic
    )
