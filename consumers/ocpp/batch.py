"""One batch of the adapter in one transaction: load what it needs, work on it, store what came of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor

from consumers.messages.faults import UnreadableError
from consumers.messages.ocpp.events import (
    Event,
    MeterValues,
    Nothing,
    StartAnswer,
    StartRequest,
    StopRequest,
    TransactionEvent,
)
from consumers.messages.ocpp.frames import read_event
from consumers.ocpp import rows
from consumers.ocpp.adapting import StationState, token_key
from consumers.ocpp.desk import Desk, Entry, Sent
from consumers.ocpp.inbound import Inbound
from consumers.ocpp.known import follow_accounts, tokens_of
from consumers.ocpp.outcomes import AdapterTotals, Epochs, Outcomes
from consumers.ocpp.rows import AccountTokens, parked_under
from consumers.ocpp.transactions import Transaction
from ledger.account.events import AccountFact
from ledger.intake.loading import record_of
from ledger.intake.message import Record
from ledger.intake.station import StationConfigured, station_row
from ledger.store.parking import Waiting
from ledger.store.stations import StationName, StationRow, known_station_messages, put_stations
from ledger.values.refusal import RefusedError, RepeatedError

Read = Callable[[Record], Inbound]

# Entries are numbered: what was parked before by its parked id, so that it comes first; then the batch's records.
FIRST_OF_BATCH = 2**62


# What many frames can wait for; what waits for a transaction or an answer is of one session.
OF_MANY = frozenset({"station", "token"})


class Rest(NamedTuple):
    """Frames that wait under keys that have come, parked after the one numbered `after`."""

    keys: frozenset[UUID]
    after: int = 0


class Batch:
    """The work of one transaction. The caller begins it, calls `take`, `follow` or `resume`, then `store`, and commits.

    `rests`: what has to go on in further transactions, because more frames waited than one takes.
    """

    def __init__(self, connection: Connection[Any], cursor: Cursor[Any], read: Read, tenant: str, group: str) -> None:
        self._connection = connection
        self._cursor = cursor
        self._read = read
        self._tenant = tenant
        self._group = group
        self._desk = Desk()
        self._loaded: dict[str, StationState] = {}
        self._asked: set[UUID] = set()
        self._room = rows.RESUMED_MAX
        self.rests: list[Rest] = []
        self._sent: list[Sent] = []
        self._outcomes = Outcomes(tenant, group)
        self._stations: list[StationRow] = []
        self._known: dict[StationName, str] = {}
        self._accounts: list[AccountTokens] = []

    def take(self, records: Sequence[Record]) -> None:
        """Records in their order, and what had waited for one of them."""
        inbound = [self._inbound(record) for record in records]
        self._load(inbound)
        for number, (record, each) in enumerate(zip(records, inbound, strict=True), FIRST_OF_BATCH):
            self._arrive(number, record, each)
        self._resume()

    def follow(self, keys: Iterable[UUID] = ()) -> bool:
        """Tokens of accounts that the ledger has learnt of, a page of its log, and frames that are parked under `keys`.

        Whether the log may go on.
        """
        accounts = follow_accounts(self._connection, self._cursor, self._tenant)
        for account in accounts or ():
            self._open(account)
        self.resume(Rest(frozenset(keys)))
        return accounts is not None

    def resume(self, rest: Rest) -> None:
        """Frames that waited go on, as many of them as one transaction takes."""
        self._fetch_part(rest)
        self._resume()

    def store(self, epochs: Epochs) -> AdapterTotals:
        """Write everything. Raises FencedError when a partition is another one's by now."""
        new = rows.put_messages(self._cursor, (message for _, message in self._sent))
        put_stations(self._cursor, self._stations)
        rows.put_tokens(self._cursor, self._tenant, self._accounts)
        rows.save_transactions(self._cursor, self._tenant, self._changed())
        self._outcomes.settle(self._sent, self._desk.reasons, new)
        return self._outcomes.store(self._cursor, epochs)

    def _changed(self) -> Iterator[Transaction]:
        for station_id, state in self._desk.states.items():
            loaded = {t.session_id: t for t in self._loaded.get(station_id, StationState()).transactions}
            yield from (t for t in state.transactions if t != loaded.get(t.session_id))

    def _inbound(self, record: Record) -> Inbound | UnreadableError:
        try:
            return self._read(record)
        except UnreadableError as error:
            return error

    def _arrive(self, number: int, record: Record, inbound: Inbound | UnreadableError) -> None:
        if isinstance(inbound, UnreadableError):
            self._outcomes.refuse(record, "UNREADABLE", str(inbound))
        elif isinstance(inbound, Nothing):
            self._outcomes.ignore(record, inbound.action)
        elif isinstance(inbound, StationConfigured):
            self._configure(record, inbound)
        elif isinstance(inbound, AccountFact):
            self._outcomes.ignore(record, type(inbound).__name__)
            if inbound.tenant == self._tenant:
                self._open(tokens_of(inbound))
        else:
            self._outcomes.enter(number, record, inbound)
            self._sent += self._desk.arrive([Entry(number, inbound)])

    def _configure(self, record: Record, station: StationConfigured) -> None:
        try:
            row = station_row(station, self._known)
        except RepeatedError:
            self._outcomes.repeat(record)
        except RefusedError as refusal:
            self._outcomes.refuse(record, "REFUSED", str(refusal))
        else:
            self._known[station.message_name] = row.content_sha256
            self._stations.append(row)
            self._outcomes.accept(record)
            if station.tenant == self._tenant and self._is_newer(station):
                self._sent += self._desk.configure(station)

    def _is_newer(self, station: StationConfigured) -> bool:
        current = self._desk.states.get(station.station_id, StationState()).station
        return current is None or current.occurred_at <= station.occurred_at

    def _open(self, account: AccountTokens) -> None:
        self._accounts.append(account)
        self._sent += self._desk.open_account(account.account_id, account.tokens)

    def _resume(self) -> None:
        """What is parked under a key that was brought here, until nothing more is."""
        while self._desk.brought:
            of_many = frozenset(parked_under(self._tenant, key) for key in self._desk.brought if key.kind in OF_MANY)
            of_few = frozenset(parked_under(self._tenant, key) for key in self._desk.brought if key.kind not in OF_MANY)
            self._desk.brought.clear()
            self._fetch_part(Rest(of_many))
            self._fetch(Rest(of_few))

    def _fetch_part(self, rest: Rest) -> None:
        """Frames go on as long as there is room; what remains is for another transaction."""
        keys = rest.keys - self._asked
        found = self._fetch(rest, self._room)
        if keys and len(found) == self._room:
            self.rests.append(Rest(keys, found[-1].parked_id if found else rest.after))
        self._room -= len(found)

    def _fetch(self, rest: Rest, at_most: int | None = None) -> list[Waiting]:
        """Frames go on in the order in which they came; which these were."""
        keys = rest.keys - self._asked
        self._asked |= keys
        found = rows.parked_frames(self._cursor, self._group, keys, rest.after, at_most) if keys else []
        entries = [entry for row in found for entry in self._entries(row)]
        self._load([entry.event for entry in entries])
        self._sent += self._desk.arrive(entries)
        return found

    def _entries(self, row: Waiting) -> Iterator[Entry]:
        """The frame that was parked; none when this version reads it otherwise than the one that parked it."""
        record = record_of(row)
        try:
            event = read_event(record)
        except UnreadableError as error:
            self._outcomes.give_up(row, str(error))
            return
        if isinstance(event, Nothing):
            self._outcomes.give_up(row, f"{event.action} says nothing about charging")
        else:
            self._outcomes.resume(row)
            yield Entry(row.parked_id, event)

    def _load(self, inbound: Iterable[Inbound | UnreadableError]) -> None:
        """Bring states and accounts into memory that these need and that are not there yet."""
        events = [each for each in inbound if isinstance(each, Event)]
        stations = [each for each in inbound if isinstance(each, StationConfigured)]
        self._known |= known_station_messages(self._cursor, [(s.tenant, s.station_id) for s in stations])
        self._load_stations({each.station_id for each in (*events, *stations)} - self._loaded.keys(), events)
        started = [each for each in events if isinstance(each, StartRequest | TransactionEvent)]
        waiting = [t for state in self._desk.states.values() for t in state.transactions if not t.is_announced]
        tokens = {token_key(each.token_uid).name for each in (*started, *waiting) if each.token_uid}
        unknown = tokens - self._desk.accounts.keys()
        if unknown:
            self._desk.hold(rows.load_accounts(self._cursor, self._tenant, unknown))

    def _load_stations(self, station_ids: set[str], events: Iterable[Event]) -> None:
        if not station_ids:
            return
        named = [
            (each.station_id, each.transaction_id)
            for each in events
            if isinstance(each, StartAnswer | StopRequest | MeterValues | TransactionEvent) and each.transaction_id
        ]
        stations = {s.station_id: s for s in rows.load_stations(self._cursor, self._tenant, station_ids)}
        own = defaultdict[str, list[Transaction]](list)
        for transaction in rows.load_transactions(self._cursor, self._tenant, sorted(station_ids), named):
            own[transaction.station_id].append(transaction)
        for station_id in station_ids:
            loaded = StationState(station=stations.get(station_id), transactions=tuple(own[station_id]))
            self._loaded[station_id] = loaded
        self._desk.states.update({station_id: self._loaded[station_id] for station_id in station_ids})
