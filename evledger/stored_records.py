"""The signed readings of a session as they are stored, verified anew from their exact bytes."""

from collections.abc import Iterator
from typing import NamedTuple

from ledger.meter.judging import verify_reading
from ledger.meter.ocmf.record import Record
from ledger.meter.ocmf.verify import Verdict
from ledger.meter.state import Meter
from ledger.meter.state import evolve as evolve_meter
from ledger.session.registers import exchange_within
from ledger.session.signatures import signed_readings
from ledger.session.state import Session, evolve
from ledger.store.connection import Database
from ledger.store.streams import load_streams
from ledger.values.ids import stream_id


class VerifiedRecord(NamedTuple):
    """A reading by its message (`source id`), and what its signature is worth by the keys that are known now."""

    message: str
    verdict: Verdict
    record: Record | None


def verified_records(connection: Database, tenant: str, session_id: str) -> Iterator[VerifiedRecord]:
    """In sample order, the end last. Raises LookupError for a session that is not known."""
    session = _session(connection, tenant, session_id)
    if session.started is None:
        raise LookupError(f"session {session_id} is not known")
    first = _meter(connection, tenant, session.started.meter_id)
    exchange = None if session.ended is None else exchange_within(first, session.started, session.ended)
    second = first if exchange is None else _meter(connection, tenant, exchange.new_meter_id)
    for reading in signed_readings(session, session.started, exchange):
        meter = first if reading.stated.meter_id == session.started.meter_id else second
        yield VerifiedRecord(reading.message, *verify_reading(reading, meter))


def _session(connection: Database, tenant: str, session_id: str) -> Session:
    session = Session()
    for _, _, fact in load_streams(connection, "session", {stream_id(tenant, "session", session_id): 0}):
        evolve(session, fact)
    return session


def _meter(connection: Database, tenant: str, meter_id: str) -> Meter:
    meter = Meter()
    for _, _, fact in load_streams(connection, "session", {stream_id(tenant, "meter", meter_id): 0}):
        evolve_meter(meter, fact)
    return meter
