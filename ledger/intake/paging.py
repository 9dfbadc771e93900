"""Pages of signed records, per meter across sessions: what each judgement of a batch rests on, and what it adds."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from ledger.meter.judging import UsedPages
from ledger.session.events import SessionStarted
from ledger.session.state import Session
from ledger.store.connection import Database
from ledger.store.signed_pages import LastPage, PageChanges, Place, SessionName, pages_before, sessions_after

# OCMF knows two: transactions, and readings outside of them.
CONTEXTS: Final = ("F", "T")


class Paging:
    """One batch's view of the pages.

    Sessions are judged in the order of their starts, each upon the pages of those before it, stored or not: `ahead` are
    those of the batch before, which may still be on its way. `judged` are the sessions whose signatures were judged.
    """

    def __init__(self, ahead: "Paging | None" = None) -> None:
        self.judged: set[SessionName] = set()
        self._ahead = ahead
        if ahead is not None:
            ahead._ahead = None  # what was before that one is stored by now
        self._before: dict[Place, LastPage] = {}
        self._here: dict[tuple[str, str, str], list[LastPage]] = {}
        self._rests_on: dict[Place, int | None] = {}
        self._changed: dict[SessionName, dict[Place, int]] = {}
        self._moved: set[Place] = set()

    def look(self, connection: Database, sessions: Iterable[tuple[SessionStarted, Sequence[str]]]) -> None:
        """Before these sessions are judged, with the ids of their meters. One query."""
        places = [
            _place(started, meter_id, context)
            for started, meter_ids in sessions
            for meter_id in meter_ids
            for context in CONTEXTS
        ]
        self.judged.update(place.session for place in places)
        unknown = self.judged if self._ahead is None else self.judged | self._ahead.judged
        self._before.update(pages_before(connection, places, unknown))

    def last_pages(self, started: SessionStarted, meter_id: str) -> Mapping[str, int]:
        """The last page per context that the meter used before a session."""
        found = ((context, self._last(_place(started, meter_id, context))) for context in CONTEXTS)
        return {context: last.number for context, last in found if last is not None}

    def note(self, session: Session, before: Sequence[UsedPages]) -> None:
        """A session was judged, that had used the pages `before` by what was known until then.

        A waived one keeps its last judgement, whatever comes before it now.
        """
        started, verified = session.started, session.verified
        if started is None or verified is None:
            return
        now, then = _pages(started, verified.judgement.pages), _pages(started, before)
        for used in verified.judgement.pages if not session.is_waived else ():
            self._rests_on[_place(started, used.meter_id, used.context)] = used.before
        for place, number in now.items():
            insort(self._here.setdefault(place[:3], []), LastPage(*place[3:], number))
        if now != then:
            self._changed[started.tenant, started.session_id] = now
            self._moved.update(place for place in now.keys() | then.keys() if now.get(place) != then.get(place))

    def concerned(self, connection: Database) -> set[SessionName]:
        """The stored sessions that come right after pages which changed here, and were not judged with them."""
        stored = sessions_after(connection, self._moved)
        on_their_way = set() if self._ahead is None else self._ahead.after(self._moved)
        return (stored | on_their_way) - self.judged

    @property
    def changes(self) -> PageChanges:
        """What is to be stored, and what must still be so when it is."""
        return PageChanges(self._changed, self._moved, self._rests_on, self.judged)

    def until(self, place: Place) -> list[LastPage]:
        """The last page before a place that a session of this batch used; none where none did."""
        here = self._here.get(place[:3], [])
        return here[: bisect_left(here, place[3:], key=_order)][-1:]

    def after(self, places: Iterable[Place]) -> set[SessionName]:
        """The sessions of this batch that come right after these places."""
        return {(place.tenant, last.session_id) for place in places for last in self._from(place)[:1]}

    def _from(self, place: Place) -> list[LastPage]:
        here = self._here.get(place[:3], [])
        return here[bisect_right(here, place[3:], key=_order) :]

    def _last(self, place: Place) -> LastPage | None:
        here = [each for paging in (self, self._ahead) if paging is not None for each in paging.until(place)]
        return max([*here, *filter(None, [self._before.get(place)])], default=None)


def _order(last: LastPage) -> tuple[datetime, str]:
    return last[:2]


def _place(started: SessionStarted, meter_id: str, context: str) -> Place:
    return Place(started.tenant, meter_id, context, started.occurred_at, started.session_id)


def _pages(started: SessionStarted, used: Iterable[UsedPages]) -> dict[Place, int]:
    return {_place(started, pages.meter_id, pages.context): pages.last for pages in used}
