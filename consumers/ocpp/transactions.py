"""Transactions of one station: what is known of each, and which one a frame belongs to."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from consumers.messages.ocpp.events import StartAnswer, StartRequest, TransactionEvent
from ledger.intake.station import Connector, Evse, StationConfigured

# A sample of the begin may be stamped a little before the start that it belongs to.
SAMPLE_BEFORE_START_MAX: Final = timedelta(seconds=60)

# A meter counts on for a moment after the end. Later than this a reading is of another transaction with the same id,
# whose start has not been read yet: OCPP 1.6 ids come again after a restart of the CSMS.
READING_AFTER_END_MAX: Final = timedelta(hours=1)


class Transaction(msgspec.Struct, frozen=True):
    """One transaction. `is_announced`: its start was sent, so what follows may be.

    OCPP 1.6 has no EVSEs: `evse_id` is its connector's number, `connector_id` None. `message_id` is that of the
    request that started it.
    """

    station_id: str
    transaction_id: str
    session_id: str
    started_at: datetime | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    token_uid: str | None = None
    register_milliwh: int | None = None
    seq_no: int | None = None
    message_id: str | None = None
    is_announced: bool = False
    ended_at: datetime | None = None
    last_at: datetime | None = None
    last_register_milliwh: int | None = None

    @property
    def began_at(self) -> datetime:
        """The start of a transaction whose start is known. Raises LookupError for another one."""
        if self.started_at is None:
            raise LookupError(f"transaction {self.transaction_id} has no start yet")
        return self.started_at

    def has_begun_by(self, at: datetime, tolerance: timedelta = timedelta()) -> bool:
        return self.started_at is not None and self.started_at - tolerance <= at

    def read_to(self, at: datetime, register_milliwh: int) -> "Transaction":
        """With its newest reading, whatever order they come in."""
        if self.last_at is not None and at < self.last_at:
            return self
        return msgspec.structs.replace(self, last_at=at, last_register_milliwh=register_milliwh)


def joined(request: StartRequest, answer: StartAnswer) -> Transaction:
    """The transaction that an OCPP 1.6 request and its answer start."""
    began = request.at.strftime("%Y%m%dT%H%M%SZ")
    return Transaction(
        station_id=request.station_id,
        transaction_id=answer.transaction_id,
        session_id=f"{request.station_id}:{answer.transaction_id}:{began}",
        started_at=request.at,
        evse_id=request.connector_id,
        token_uid=request.token_uid,
        register_milliwh=request.register_milliwh,
        message_id=request.message_id,
    )


def absorbed(known: Transaction | None, event: TransactionEvent) -> Transaction:
    """What is known of an OCPP 2.0.1 transaction with one more event: each part may come in any of them.

    The start's instant and number are those of the Started event; token and EVSE are of whichever has them.
    """
    before = known or Transaction(event.station_id, event.transaction_id, f"{event.station_id}:{event.transaction_id}")
    if before.is_announced:
        return before
    is_start = event.event_type == "Started"
    return msgspec.structs.replace(
        before,
        started_at=event.at if is_start else before.started_at,
        seq_no=event.seq_no if is_start else before.seq_no,
        evse_id=before.evse_id if event.evse_id is None else event.evse_id,
        connector_id=before.connector_id if event.connector_id is None else event.connector_id,
        token_uid=before.token_uid or event.token_uid,
    )


def place_of(station: StationConfigured, of: Transaction) -> tuple[Evse, Connector] | None:
    """The EVSE and connector of a transaction; None when the station has no such connector, or it is ambiguous."""
    for evse in station.evses:
        if evse.ocpp_evse_id == of.evse_id:
            return _in_evse(evse, str(of.evse_id) if of.connector_id is None else str(of.connector_id))
    # OCPP 1.6 counts connectors through all EVSEs.
    named = [(evse, plug) for evse in station.evses for plug in evse.connectors if plug.connector_id == str(of.evse_id)]
    return named[0] if len(named) == 1 and of.connector_id is None else None


def _in_evse(evse: Evse, connector_id: str) -> tuple[Evse, Connector] | None:
    for connector in evse.connectors:
        if connector.connector_id == connector_id or len(evse.connectors) == 1:
            return evse, connector
    return None


def by_id(transactions: Iterable[Transaction], transaction_id: str, at: datetime) -> Transaction | None:
    """The latest one of this id that has begun by an instant."""
    same = [t for t in transactions if t.transaction_id == transaction_id and t.has_begun_by(at)]
    return max(same, key=_began, default=None)


def on_evse(transactions: Iterable[Transaction], evse_id: int, at: datetime) -> Transaction | None:
    """The latest one on an EVSE that has begun by an instant."""
    same = [t for t in transactions if t.evse_id == evse_id and t.has_begun_by(at)]
    return max(same, key=_began, default=None)


def _began(of: Transaction) -> datetime:
    return of.began_at
