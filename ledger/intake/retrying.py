"""What becomes of a parked message when it is tried again."""

from ledger.intake.batch import Batch
from ledger.intake.message import Arrival, Message, Misaddressed, Unreadable
from ledger.intake.station import station_row
from ledger.store.parking import Outcome, Settled, Waiting
from ledger.store.stations import StationName
from ledger.values.refusal import RefusedError, RepeatedError


def settled(waiting: Waiting, outcome: Outcome, reason: str) -> Settled:
    """An outcome of a message that can be read and waits for nothing."""
    return Settled(waiting.parked_id, outcome, "REFUSED", reason, None)


def let_in_because(waiting: Waiting) -> str:
    """Why a message leads to a fact that did not when it was read."""
    return "what it waited for has arrived" if waiting.waits_for is not None else "nothing speaks against it any more"


def without_subject(batch: Batch, waiting: Waiting, arrival: Arrival, stations: dict[StationName, str]) -> Settled:
    """A message that leads to no fact now: it is unreadable or misaddressed still, or is about a station."""
    if isinstance(arrival, Unreadable):
        return Settled(waiting.parked_id, "PARKED", "UNREADABLE", arrival.reason, None)
    if isinstance(arrival, Misaddressed):
        return settled(waiting, "PARKED", arrival.reason)
    return _configured(batch, waiting, arrival, stations)


def _configured(batch: Batch, waiting: Waiting, message: Message, stations: dict[StationName, str]) -> Settled:
    try:
        row = station_row(message.fact, stations)
    except RepeatedError:
        return settled(waiting, "DUPLICATE", "a repeat")
    except RefusedError as refusal:
        return settled(waiting, "PARKED", str(refusal))
    stations[row[:4]] = row.content_sha256
    batch.stations.append(row)
    return settled(waiting, "APPENDED", let_in_because(waiting))
