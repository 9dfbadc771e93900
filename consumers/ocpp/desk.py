"""The states of many stations at work: what waits, what it waits for, and what goes on when that comes."""

from collections import deque
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import NamedTuple

import msgspec

from consumers.messages.ocpp.events import Event
from consumers.ocpp.adapting import Key, StationState, adapt, token_key
from consumers.ocpp.session_messages import SessionMessage
from ledger.intake.station import StationConfigured


class Entry(NamedTuple):
    """An event with its place in the order of arrival, which is its name here."""

    number: int
    event: Event


class Sent(NamedTuple):
    """A message, and the entry that led to it."""

    number: int
    message: SessionMessage


class Desk:
    """Events to messages over states in memory. Whoever owns the desk loads the states, and stores them.

    `waiting`: entries by what they wait for. `reasons`: why, by entry. `brought`: what came since the owner last
    looked, for which entries may wait elsewhere.
    """

    def __init__(self) -> None:
        self.states: dict[str, StationState] = {}
        self.accounts: dict[str, str] = {}
        self._held: dict[str, set[str]] = {}
        self.waiting: dict[Key, list[Entry]] = {}
        self.reasons: dict[int, tuple[Key, str]] = {}
        self.brought: set[Key] = set()

    def configure(self, station: StationConfigured) -> list[Sent]:
        """A station as it is from now on; what waited for it goes on."""
        self._put(station.station_id, msgspec.structs.replace(self._state(station.station_id), station=station))
        return self._bring([Key("station", station.station_id)])

    def open_account(self, account_id: str, tokens: Iterable[str]) -> list[Sent]:
        """An account with all the tokens that it holds from now on; what waited for one of them goes on."""
        for token in self._held.pop(account_id, ()):
            del self.accounts[token]
        return self.know_tokens({token_key(token).name: account_id for token in tokens})

    def know_tokens(self, accounts: Mapping[str, str]) -> list[Sent]:
        """Tokens (in capital letters) with the accounts that hold them; what waited for one of them goes on."""
        self.hold(accounts)
        return self._bring([token_key(token) for token in accounts])

    def hold(self, accounts: Mapping[str, str]) -> None:
        """The same, for tokens that nothing here waits for yet."""
        for token, account_id in accounts.items():
            self._held.get(self.accounts.get(token, ""), set()).discard(token)
            self.accounts[token] = account_id
            self._held.setdefault(account_id, set()).add(token)

    def missing(self, kind: str) -> set[Key]:
        """What entries wait for, of one kind."""
        return {key for key, _ in self.reasons.values() if key.kind == kind}

    def arrive(self, entries: Iterable[Entry]) -> list[Sent]:
        """Entries in the order of their arrival, and what goes on because of them."""
        queue, sent = deque(entries), list[Sent]()
        while queue:
            entry = queue.popleft()
            step = adapt(self._state(entry.event.station_id), entry.event, self.accounts)
            self._put(entry.event.station_id, step.state)
            sent.extend(Sent(entry.number, message) for message in step.messages)
            self._note(entry, step.waits)
            released = self._released(step.brings, entry)
            released += [entry] if step.again else []
            queue.extendleft(sorted(released, key=attrgetter("number"), reverse=True))
        return sent

    def _bring(self, keys: list[Key]) -> list[Sent]:
        return self.arrive(sorted(self._released(keys, None), key=attrgetter("number")))

    def _note(self, entry: Entry, waits: tuple[Key, str] | None) -> None:
        self.reasons.pop(entry.number, None)
        if waits is not None:
            self.reasons[entry.number] = waits
            self.waiting.setdefault(waits[0], []).append(entry)

    def _released(self, keys: Iterable[Key], by: Entry | None) -> list[Entry]:
        """What waited for these keys, but for the entry that brought them."""
        released: list[Entry] = []
        for key in keys:
            self.brought.add(key)
            there = self.waiting.pop(key, [])
            released.extend(entry for entry in there if entry is not by)
            if by in there:
                self.waiting[key] = [by]
        return released

    def _state(self, station_id: str) -> StationState:
        return self.states.get(station_id, _EMPTY)

    def _put(self, station_id: str, state: StationState) -> None:
        self.states[station_id] = state


_EMPTY = StationState()
