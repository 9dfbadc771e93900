"""One event of a station to session messages: a pure step from state to state."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from consumers.messages.ocpp.events import (
    Event,
    MeterValues,
    Sample,
    StartAnswer,
    StartRequest,
    StatusChange,
    StopRequest,
    TransactionEvent,
)
from consumers.ocpp import session_messages
from consumers.ocpp.session_messages import End, SessionMessage, import_register
from consumers.ocpp.transactions import (
    READING_AFTER_END_MAX,
    SAMPLE_BEFORE_START_MAX,
    Transaction,
    absorbed,
    by_id,
    joined,
    on_evse,
    place_of,
)
from ledger.intake.station import Connector, StationConfigured

END_CONTEXT: Final = "Transaction.End"

# Meters sign whole seconds; the stamp of the end has fractions.
SIGNED_AT_END_WITHIN: Final = timedelta(seconds=1)

# Token, in capital letters, to the account that holds it: OCPP compares tokens without regard to case.
Accounts = Mapping[str, str]


class Key(NamedTuple):
    """What a frame can wait for: a `station`, a `token`, an `answer`, a `transaction`, one on a `connector`."""

    kind: str
    station_id: str
    name: str = ""


class StationState(msgspec.Struct, frozen=True):
    """A station as far as it was read: `halves` are requests without their answers and answers without requests."""

    station: StationConfigured | None = None
    transactions: tuple[Transaction, ...] = ()
    halves: tuple[StartRequest | StartAnswer, ...] = ()


class Step(NamedTuple):
    """What an event leads to. It `waits` for a key, for a reason; it `brings` what others wait for.

    `again`: others go first, which waited for the same; then it is looked at once more.
    """

    state: StationState
    messages: tuple[SessionMessage, ...] = ()
    brings: tuple[Key, ...] = ()
    waits: tuple[Key, str] | None = None
    again: bool = False


def adapt(state: StationState, event: Event, accounts: Accounts) -> Step:
    """The step that an event makes."""
    if state.station is None:
        return Step(state, waits=(Key("station", event.station_id), f"station {event.station_id} is not known yet"))
    return _STEPS[type(event)](state, state.station, event, accounts)


def token_key(token_uid: str) -> Key:
    """What a frame waits for whose token no account holds."""
    return Key("token", "", token_uid.upper())


def _start_request(state: StationState, station: StationConfigured, request: StartRequest, accounts: Accounts) -> Step:
    known = _started_by(state, request.message_id)
    if known is not None:
        return _announced_once(state, station, known, accounts)
    answer = next((h for h in state.halves if isinstance(h, StartAnswer) and h.message_id == request.message_id), None)
    if answer is None:
        return _half(state, request, "waits for the answer, which has the transaction's id")
    return _join(state, station, request, answer, accounts)


def _start_answer(state: StationState, station: StationConfigured, answer: StartAnswer, accounts: Accounts) -> Step:
    if _started_by(state, answer.message_id) is not None:
        return Step(state)
    request = next((h for h in state.halves if isinstance(h, StartRequest) and h.message_id == answer.message_id), None)
    if request is None:
        return _half(state, answer, "answer to a request that was not read yet")
    # If a token is missing it is the request that waits for it.
    return _join(state, station, request, answer, accounts)._replace(waits=None)


def _started_by(state: StationState, message_id: str) -> Transaction | None:
    return next((t for t in state.transactions if t.message_id == message_id), None)


def _half(state: StationState, half: StartRequest | StartAnswer, reason: str) -> Step:
    key = Key("answer", half.station_id, half.message_id)
    if half in state.halves:
        return Step(state, waits=(key, reason))
    after = msgspec.structs.replace(state, halves=(*state.halves, half))
    return Step(after, brings=(key,), waits=(key, reason))


def _join(
    state: StationState, station: StationConfigured, request: StartRequest, answer: StartAnswer, accounts: Accounts
) -> Step:
    """Request and answer become a transaction. The request then waits for its token, if it must."""
    new = joined(request, answer)
    known = next((t for t in state.transactions if t.session_id == new.session_id), None)
    # A station that got no answer asks again, under another message id.
    transaction = new if known is None else msgspec.structs.replace(known, message_id=request.message_id)
    halves = tuple(half for half in state.halves if half.message_id != request.message_id)
    of_both = Key("answer", request.station_id, request.message_id)
    after = _with(msgspec.structs.replace(state, halves=halves), transaction)
    step = _announced_once(after, station, transaction, accounts)
    return step._replace(brings=(*step.brings, of_both))


def _announced_once(state: StationState, station: StationConfigured, of: Transaction, accounts: Accounts) -> Step:
    return Step(state) if of.is_announced else _announce(state, station, of, accounts)


def _announce(state: StationState, station: StationConfigured, of: Transaction, accounts: Accounts) -> Step:
    """Send the start when all is known that it needs; else say what it waits for."""
    key = Key("transaction", of.station_id, of.transaction_id)
    if of.started_at is None or of.token_uid is None or of.evse_id is None or of.register_milliwh is None:
        return Step(state, waits=(key, f"transaction {of.transaction_id}: {_missing(of)} was not read yet"))
    place = place_of(station, of)
    if place is None:
        reason = f"station {of.station_id} has no connector {of.connector_id or ''} on EVSE {of.evse_id}"
        return Step(state, waits=(Key("station", of.station_id), " ".join(reason.split())))
    account_id = accounts.get(of.token_uid.upper())
    if account_id is None:
        return Step(state, waits=(token_key(of.token_uid), "no account holds the token yet"))
    start = session_messages.started(station, place, account_id, of)
    announced = msgspec.structs.replace(of, is_announced=True)
    on_connector = Key("connector", of.station_id, str(of.evse_id))
    return Step(_with(state, announced), (start,), (key, on_connector))


def _missing(of: Transaction) -> str:
    parts = {"its start": of.started_at, "its token": of.token_uid, "its EVSE": of.evse_id}
    return next((name for name, part in parts.items() if part is None), "a register")


def _transaction_event(
    state: StationState, station: StationConfigured, event: TransactionEvent, accounts: Accounts
) -> Step:
    known = next((t for t in state.transactions if t.transaction_id == event.transaction_id), None)
    if known is not None and known.is_announced:
        return _of_announced(state, station, event, known)
    whole = _with_first_register(station, absorbed(known, event), event)
    step = _announce(_with(state, whole), station, whole, accounts)
    return step if step.waits else step._replace(again=True)


def _with_first_register(station: StationConfigured, of: Transaction, event: TransactionEvent) -> Transaction:
    """The start's register: of the Started event, else of the first other one that has any."""
    if of.register_milliwh is not None and event.event_type != "Started":
        return of
    readings = _registers(event.samples, _connector(station, of))
    return msgspec.structs.replace(of, register_milliwh=readings[0][1]) if readings else of


def _of_announced(state: StationState, station: StationConfigured, event: TransactionEvent, of: Transaction) -> Step:
    connector = _connector(station, of)
    messages: list[SessionMessage] = []
    if event.charging_state is not None:
        changed = session_messages.state_changed(station, of, event.at, event.charging_state, event.seq_no)
        messages.append(changed)
    messages.extend(session_messages.metered(station, connector, of, event.samples, event.seq_no))
    read = _read(of, event.samples, connector)
    if event.event_type == "Ended":
        last = _at_end(event.samples, connector, event.at) or _last_known(read)
        end = last._replace(reason=event.stopped_reason, seq_no=event.seq_no)
        messages.append(session_messages.ended(station, of, event.at, end))
        read = msgspec.structs.replace(read, ended_at=event.at)
    return Step(_with(state, read), tuple(messages))


def _at_end(samples: tuple[Sample, ...], connector: Connector, at: datetime) -> End | None:
    """Of the readings at the end, or of all, the signed one, or else the last: it is what is billed.

    A record that was signed at another instant than the end stays with its own reading alone.
    """
    readings = [(s, register) for s in samples if (register := import_register(s, connector)) is not None]
    at_end = [each for each in readings if each[0].context == END_CONTEXT] or readings[-1:]
    if not at_end:
        return None
    sample, register_milliwh = next((each for each in reversed(at_end) if each[0].signed), at_end[-1])
    return End(register_milliwh, sample.signed if abs(sample.at - at) < SIGNED_AT_END_WITHIN else None)


def _last_known(of: Transaction) -> End:
    """An end without a register has that of the last reading, or of the start."""
    return End(of.last_register_milliwh if of.last_register_milliwh is not None else of.register_milliwh or 0)


def _stop(state: StationState, station: StationConfigured, stop: StopRequest, _accounts: Accounts) -> Step:
    of = by_id(state.transactions, stop.transaction_id, stop.at)
    if of is None or not of.is_announced or of.ended_at not in (None, stop.at):
        # Ended at another instant: this one ends a later transaction of the same id.
        return _waits_for_transaction(state, stop.station_id, stop.transaction_id)
    connector = _connector(station, of)
    messages = [*session_messages.metered(station, connector, of, stop.samples, None)]
    # A signed register is what is billed; meterStop is the same in whole watt-hours.
    is_signed = any(sample.signed for sample in stop.samples)
    last = (_at_end(stop.samples, connector, stop.at) if is_signed else None) or End(stop.register_milliwh)
    messages.append(session_messages.ended(station, of, stop.at, last._replace(reason=stop.reason)))
    read = _read(of, stop.samples, connector)
    return Step(_with(state, msgspec.structs.replace(read, ended_at=stop.at)), tuple(messages))


def _meter_values(state: StationState, station: StationConfigured, values: MeterValues, _accounts: Accounts) -> Step:
    if not values.samples:
        return Step(state)
    at = values.samples[-1].at
    if values.transaction_id is None:
        of = on_evse(state.transactions, values.evse_id, at)
        if of is None or (of.ended_at is not None and of.ended_at <= at):
            return Step(state)  # between sessions: the registers of the next start tell what flowed
    else:
        of = by_id(state.transactions, values.transaction_id, at + SAMPLE_BEFORE_START_MAX)
        if of is None or (of.ended_at is not None and of.ended_at + READING_AFTER_END_MAX < at):
            return _waits_for_transaction(state, values.station_id, values.transaction_id)
    if not of.is_announced:
        return _waits_for_transaction(state, values.station_id, of.transaction_id)
    connector = _connector(station, of)
    messages = tuple(session_messages.metered(station, connector, of, values.samples, None))
    return Step(_with(state, _read(of, values.samples, connector)), messages)


def _waits_for_transaction(state: StationState, station_id: str, transaction_id: str) -> Step:
    key = Key("transaction", station_id, transaction_id)
    return Step(state, waits=(key, f"the start of transaction {transaction_id} was not read yet"))


def _status(state: StationState, station: StationConfigured, change: StatusChange, _accounts: Accounts) -> Step:
    of = on_evse(state.transactions, change.connector_id, change.at)
    if of is None and any(t.evse_id == change.connector_id for t in state.transactions):
        return Step(state)  # before the first one on this connector
    if of is None or _is_long_ended(of, change.at):
        key = Key("connector", change.station_id, str(change.connector_id))
        return Step(state, waits=(key, f"no transaction on connector {change.connector_id} at this time was read yet"))
    if of.ended_at is not None and of.ended_at <= change.at:
        return Step(state)
    if not of.is_announced:
        return _waits_for_transaction(state, change.station_id, of.transaction_id)
    changed = session_messages.state_changed(station, of, change.at, change.charging_state, None)
    return Step(state, (changed,))


def _is_long_ended(of: Transaction, at: datetime) -> bool:
    return of.ended_at is not None and of.ended_at + READING_AFTER_END_MAX < at


def _connector(station: StationConfigured, of: Transaction) -> Connector:
    """The connector of a transaction; one of unknown kind when the station has changed under it."""
    place = place_of(station, of)
    return _UNKNOWN if place is None else place[1]


_UNKNOWN: Final = Connector(connector_id="", meter_id="")


def _registers(samples: tuple[Sample, ...], connector: Connector) -> list[tuple[datetime, int]]:
    return [(s.at, register) for s in samples if (register := import_register(s, connector)) is not None]


def _read(of: Transaction, samples: tuple[Sample, ...], connector: Connector) -> Transaction:
    for at, register_milliwh in _registers(samples, connector):
        of = of.read_to(at, register_milliwh)
    return of


def _with(state: StationState, of: Transaction) -> StationState:
    """The state with this transaction in place of the one of the same session."""
    others = tuple(t for t in state.transactions if t.session_id != of.session_id)
    return msgspec.structs.replace(state, transactions=(*others, of))


_STEPS: Final[dict[type[Any], Callable[[StationState, StationConfigured, Any, Accounts], Step]]] = {
    StartRequest: _start_request,
    StartAnswer: _start_answer,
    StopRequest: _stop,
    MeterValues: _meter_values,
    StatusChange: _status,
    TransactionEvent: _transaction_event,
}
