"""Arrivals with the readings of each session drawn together: of a hundred messages 96 are readings, and to handle those
of a session at once costs a fraction of handling each by itself.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ledger.intake.message import Arrival, Message, Misaddressed, Part, ReadingRun, Record
from ledger.session.events import MeterRecorded
from ledger.store.serial import encode_fact

SessionName = tuple[str, str]  # tenant, session id


class Group(NamedTuple):
    """Readings of one session that make a run, and their places among the arrivals."""

    tenant: str
    subject: str
    places: list[int]
    facts: list[MeterRecorded]


def grouped(arrivals: Iterable[Arrival]) -> list[Group | int]:
    """Groups of readings, each where its first one stands, and the places of all other arrivals, in their order."""
    found: list[Group | int] = []
    running: dict[SessionName | None, Group] = {}
    for place, arrival in enumerate(arrivals):
        name = _session_name(arrival)
        group = running.get(name)
        if type(arrival) is not Message or type(arrival.fact) is not MeterRecorded:
            found.append(place)
            running.pop(name, None)
        elif group is None:
            group = running[name] = Group(arrival.tenant, arrival.subject, [place], [arrival.fact])
            found.append(group)
        elif _follows(arrival.fact, group.facts[-1]):
            group.places.append(place)
            group.facts.append(arrival.fact)
        else:  # most likely a repeat: by itself it costs the others nothing
            found.append(place)
            del running[name]
    return found


def in_runs(records: Sequence[Record], arrivals: Sequence[Arrival]) -> list[Part]:
    """The arrivals of these records with their readings in runs."""
    return [arrivals[part] if isinstance(part, int) else _run(records, part) for part in grouped(arrivals)]


def _run(records: Sequence[Record], group: Group) -> ReadingRun:
    own = [records[place] for place in group.places]
    return ReadingRun(group.tenant, group.subject, own, group.facts, states_of(group.facts))


def states_of(facts: Iterable[MeterRecorded]) -> list[bytes]:
    """The facts as they are stored."""
    return [encode_fact(fact) for fact in facts]


def _session_name(arrival: Arrival) -> SessionName | None:
    message = arrival.message if isinstance(arrival, Misaddressed) else arrival
    return (message.tenant, message.subject) if isinstance(message, Message) else None


def _follows(fact: MeterRecorded, last: MeterRecorded) -> bool:
    return (
        fact.occurred_at > last.occurred_at
        and fact.offset > last.offset
        and fact.partition == last.partition
        and fact.topic == last.topic
    )
