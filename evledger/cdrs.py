"""CDRs out of the ledger: rated sessions of a span, each in its latest revision, as OCPI CDRs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from ledger.audit.history import History, PastSession, RatedAt, pinned_tariffs, tariff_place
from ledger.audit.whatif import Span
from ledger.cdr.credit import credit_cdr
from ledger.cdr.tariffs import CdrTariffs
from ledger.cdr.version import OcpiVersion
from ledger.cdr.writing import RatedSession, WrittenCdr, write_cdr
from ledger.invoice.events import CreditNoteIssued, InvoicedSession
from ledger.session.events import SessionRated
from ledger.session.state import Session, evolve
from ledger.store.connection import Database
from ledger.store.streams import head, last_of_topic, load_streams, read_page
from ledger.tariffbook.compiled import CompiledTariffs
from ledger.tariffbook.events import TariffPublished
from ledger.values.canonical import read_json_decimals
from ledger.values.ids import stream_id

TOPIC: Final = "session.SessionRated"
CREDIT_NOTE: Final = "invoice.CreditNoteIssued"

# Positions of the log that are looked through at a time, and sessions in memory at a time (25 kB each).
PAGE_POSITIONS: Final = 50_000
PAGE_SESSIONS: Final = 1_000

RECORDED_AT = "SELECT notification_id, recorded_at FROM ledger.session_events WHERE notification_id = ANY(%s)"

SessionT = TypeVar("SessionT")

# OCPI numbers are JSON numbers; written from decimals, none becomes a float on its way.
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class ExportedCdr(NamedTuple):
    """A rated session and its CDR; None where the session is held, and so no bill to anybody."""

    rated: SessionRated
    cdr: WrittenCdr | None


class Page(NamedTuple):
    """The CDRs up to a position of the sessions log, of `end`."""

    position: int
    end: int
    cdrs: list[ExportedCdr]


def cdr_line(cdr: WrittenCdr) -> str:
    """The CDR object as JSON on one line, without its end."""
    return _encode(cdr.content).decode()


def export_cdrs(connection: Database, span: Span, version: OcpiVersion) -> Iterator[Page]:
    """The CDRs of the sessions of a span, in the order in which they were rated."""
    exporter = _Exporter(connection, version)
    end = head(connection, "session")
    for after in range(0, end, PAGE_POSITIONS):
        until = min(after + PAGE_POSITIONS, end)
        rated = {
            position: fact
            for position, fact in last_of_topic(connection, "session", TOPIC, after, until)
            if isinstance(fact, SessionRated) and span.has(fact)
        }
        for portion in _portions(list(rated)):
            yield Page(until, end, list(exporter.cdrs({position: rated[position] for position in portion})))
        yield Page(until, end, [])


def export_credit_cdrs(connection: Database, span: Span, version: OcpiVersion) -> Iterator[Page]:
    """A Credit CDR for each cost that a credit note took off an invoice, in the order of the credit notes."""
    exporter, history, end = _Exporter(connection, version), History(connection), head(connection, "billing")
    for after in range(0, end, PAGE_POSITIONS):
        until = min(after + PAGE_POSITIONS, end)
        notes = [logged.fact for logged in read_page(connection, "billing", after, until, [CREDIT_NOTE])]
        credited = [
            (session, note)
            for note in notes
            if isinstance(note, CreditNoteIssued) and note.tenant == span.tenant
            for session in note.sessions
            if span.since <= session.ended_at < span.until
        ]
        for portion in _portions(credited):
            yield Page(until, end, list(exporter.credits(history, portion)))
        yield Page(until, end, [])


def _portions(sessions: Sequence[SessionT]) -> Iterator[Sequence[SessionT]]:
    for start in range(0, len(sessions), PAGE_SESSIONS):
        yield sessions[start : start + PAGE_SESSIONS]


class _Exporter:
    """Reads what CDRs are made of; keeps compiled tariffs."""

    def __init__(self, connection: Database, version: OcpiVersion) -> None:
        self._connection = connection
        self._version = version
        self._compiled = CompiledTariffs()
        self._written = CdrTariffs()

    def cdrs(self, rated: Mapping[int, SessionRated]) -> Iterator[ExportedCdr]:
        """The CDRs of some sessions by the positions of their latest cost."""
        sessions = self._sessions(rated.values())
        published = pinned_tariffs(self._connection, rated.values())
        recorded_at = self._recorded_at(list(rated))
        for position, fact in rated.items():
            session = sessions[_session_stream(fact)]
            yield ExportedCdr(fact, self._cdr(fact, recorded_at[position], session, published[tariff_place(fact)]))

    def _cdr(
        self, fact: SessionRated, rated_at: datetime, session: Session, tariff: TariffPublished
    ) -> WrittenCdr | None:
        if session.held or session.started is None or session.ended is None:
            return None
        source = RatedSession(
            rated=fact,
            rated_at=rated_at,
            session=session,
            started=session.started,
            ended=session.ended,
            tariff=self._compiled.of(tariff.tariff_hash, tariff.tariff, fact.time_zone, session.started.groups),
            tariff_content=read_json_decimals(bytes(tariff.tariff)),
            published_at=tariff.occurred_at,
        )
        return write_cdr(source, self._version, self._written)

    def credits(
        self, history: History, credited: Sequence[tuple[InvoicedSession, CreditNoteIssued]]
    ) -> Iterator[ExportedCdr]:
        """The Credit CDRs of costs as they were billed."""
        at = [RatedAt(note.tenant, session.session_id, session.rated_position) for session, note in credited]
        past, recorded_at = history.rated(at), self._recorded_at([item.position for item in at])
        for session, note in credited:
            billed = past[session.rated_position]
            written = write_cdr(_source(billed, recorded_at[session.rated_position]), self._version, self._written)
            content = credit_cdr(written.content, note.occurred_at) if not written.faults else written.content
            yield ExportedCdr(billed.stored, written._replace(content=content))

    def _sessions(self, rated: Iterable[SessionRated]) -> dict[UUID, Session]:
        """The sessions as they stand now: what arrived after the rating may hold them."""
        sessions = {_session_stream(fact): Session() for fact in rated}
        for stream, _, fact in load_streams(self._connection, "session", dict.fromkeys(sessions, 0)):
            evolve(sessions[stream], fact)
        return sessions

    def _recorded_at(self, positions: list[int]) -> dict[int, datetime]:
        return dict(self._connection.execute(RECORDED_AT, [positions]).fetchall())


def _source(past: PastSession, rated_at: datetime) -> RatedSession:
    return RatedSession(
        rated=past.stored,
        rated_at=rated_at,
        session=past.session,
        started=past.started,
        ended=past.ended,
        tariff=past.tariff,
        tariff_content=read_json_decimals(bytes(past.published.tariff)),
        published_at=past.published.occurred_at,
    )


def _session_stream(rated: SessionRated) -> UUID:
    return stream_id(rated.tenant, "session", rated.session_id)
