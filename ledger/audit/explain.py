"""Why an invoice costs what it costs: each step from the registers to the cent, recomputed from the events.

The steps add up exactly: readings to energy, quantities times prices to exact costs, one rounding to the session's
amount, shares of it to the lines, lines to the VAT categories, categories to the document.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from ledger.audit.history import History, PastSession, RatedAt
from ledger.invoice.events import CreditNoteIssued, DayCap, Document, InvoicedSession, InvoiceIssued, InvoiceLine
from ledger.invoice.number import place_of
from ledger.session.decide import as_reported
from ledger.session.events import Authority, MeterRecorded, SessionEnded, SessionStarted, SignaturesVerified
from ledger.session.rating import price_session
from ledger.session.state import message_name
from ledger.store.connection import Database
from ledger.store.streams import facts_at, last_versions
from ledger.tariff.report import Line
from ledger.tariff.report_json import line_json
from ledger.values.energy import from_milliwh
from ledger.values.money import exact_to_text, minor_to_text
from ledger.values.time import from_instant, from_us, to_us

SIDES: Final[Mapping[Authority, str]] = {"NET": "before tax", "GROSS": "after tax"}


class Step(msgspec.Struct, frozen=True):
    """One price over one stretch of the session; `readings` are the instants and registers that it rests on."""

    line: dict[str, str | int | None]
    readings: tuple[str, ...]


class SessionExplained(msgspec.Struct, frozen=True):
    """A session from its registers to its share of the document."""

    session_id: str
    started: str
    ended: str
    energy_kwh: str
    readings: int
    tariff: str
    tariff_hash: str
    steps: tuple[Step, ...]
    exact: str
    side: str
    rounded: str
    rounding: str
    lines: tuple[str, ...]
    day_cap: str | None = None
    substituted: tuple[str, ...] = ()
    credited_by: str | None = None
    registers_because: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """An invoice, all the way down."""

    number: str
    account_id: str
    currency: str
    sessions: tuple[SessionExplained, ...]
    vat: tuple[str, ...]
    totals: str


class UnknownInvoiceError(Exception):
    """No invoice was issued under this number."""


def find_invoice(connection: Database, tenant: str, number: str) -> InvoiceIssued:
    """The invoice with this number. Raises UnknownInvoiceError."""
    fact = _issued_as(connection, tenant, number)
    if isinstance(fact, CreditNoteIssued):
        raise UnknownInvoiceError(_corrected_instead(fact))
    if isinstance(fact, InvoiceIssued):
        return fact
    raise UnknownInvoiceError(f"no invoice was issued under {number}: `evledger invoice list` shows the numbers")


def _issued_as(connection: Database, tenant: str, number: str) -> Document | None:
    """The document with exactly this number; 17 for 000017 is none."""
    try:
        place = place_of(tenant, number)
    except ValueError:
        return None
    if place[1] > last_versions(connection, "billing", [place[0]])[place[0]]:
        return None
    fact = facts_at(connection, "billing", [place]).get(place)
    return fact if isinstance(fact, Document) and fact.number == number else None


def _corrected_instead(note: CreditNoteIssued) -> str:
    return f"{note.number} is a credit note: explain the invoice it corrects, {note.corrects}"


def explain(connection: Database, issued: InvoiceIssued, line: int | None = None) -> Explanation:
    """The explanation of an invoice, or of the session behind one of its lines. Raises LookupError for no such line."""
    wanted = _sessions(issued, line)
    at = [RatedAt(issued.tenant, session.session_id, session.rated_position) for session in wanted]
    past = History(connection).rated(at)
    return Explanation(
        number=issued.number,
        account_id=issued.account_id,
        currency=issued.currency,
        sessions=tuple(_explained(issued, session, past[session.rated_position]) for session in wanted),
        vat=tuple(_vat(issued)),
        totals=_totals(issued),
    )


def _sessions(issued: InvoiceIssued, line: int | None) -> Sequence[InvoicedSession]:
    if line is None:
        return issued.sessions
    if not 1 <= line <= len(issued.lines):
        raise LookupError(f"invoice {issued.number} has lines 1 to {len(issued.lines)}, not {line}")
    session_id = issued.lines[line - 1].session_id
    return [session for session in issued.sessions if session.session_id == session_id]


def _explained(issued: InvoiceIssued, invoiced: InvoicedSession, past: PastSession) -> SessionExplained:
    report = price_session(past.session, past.started, past.ended, past.pricing)
    pin = past.stored.tariff_pin
    exact = report.incl if issued.authority == "GROSS" else report.excl
    start, end = past.started, past.ended
    return SessionExplained(
        session_id=invoiced.session_id,
        started=f"{from_instant(start.occurred_at)} {from_milliwh(start.register_milliwh)}",
        ended=f"{from_instant(end.occurred_at)} {from_milliwh(end.register_milliwh)}",
        energy_kwh=from_milliwh(end.register_milliwh - start.register_milliwh),
        readings=len(past.session.readings_within(start.occurred_at, end.occurred_at)),
        tariff=f"{pin.tariff_id} version {pin.tariff_version}",
        tariff_hash=pin.tariff_hash,
        steps=tuple(Step(line_json(line), tuple(_readings(line, past))) for line in report.lines),
        exact=exact_to_text(exact if exact is not None else Fraction(0)),
        side=SIDES[issued.authority],
        rounded=minor_to_text(invoiced.amount_minor, issued.currency),
        rounding=past.stored.policies["rounding"],
        lines=tuple(_line(line, issued) for line in issued.lines if line.session_id == invoiced.session_id),
        day_cap=None if invoiced.day_cap is None else _day_cap(invoiced.day_cap, issued),
        substituted=tuple(_substituted(past)),
        credited_by=invoiced.credited_by,
        registers_because=past.session.converted_because,
        signatures=tuple(_signatures(past.session.verified)),
    )


def _substituted(past: PastSession) -> Iterator[str]:
    """Registers that a person put in place of reported ones; both are in the log."""
    registers: tuple[SessionStarted | MeterRecorded | SessionEnded, ...]
    registers = (past.started, *past.session.readings, past.ended)
    for fact in registers:
        reported = as_reported(past.session, fact)
        if reported is not fact and message_name(fact) not in past.session.converted:
            counts, said = from_milliwh(fact.register_milliwh), from_milliwh(reported.register_milliwh)
            yield f"{message_name(fact)}: {counts} kWh counts in place of {said} kWh"


def _signatures(verified: SignaturesVerified | None) -> Iterator[str]:
    """The verdicts by which the session was billed."""
    for each in () if verified is None else verified.judgement.verdicts:
        verdict = each.verdict
        key = "" if verdict.key_id is None else f", key {verdict.key_id[:16]}…"
        yield f"{each.message}: {verdict.outcome}, {verdict.reason}{key}"


def _day_cap(cap: DayCap, issued: InvoiceIssued) -> str:
    """What was billed before, this session, and what is above the cap; then the credit on the document's side."""
    before, cost = cap.before.on(cap.side), cap.billed.on(cap.side) + cap.over_minor
    figures = (before, cost, before + cost, cap.over_minor, cap.cap_minor, cap.credit_minor)
    billed, added, total, over, limit, credit = (minor_to_text(amount, issued.currency) for amount in figures)
    text = f"cap of the day {cap.day}: {billed} billed before + {added} = {total} {SIDES[cap.side]}"
    if not cap.over_minor:
        return f"{text}, not above {limit}"
    return f"{text}, {over} above {limit}: credit {credit} {SIDES[issued.authority]}"


def _readings(line: Line, past: PastSession) -> Iterator[str]:
    """The registers at both ends of the stretch, or on both sides of an end that lies between two readings."""
    known: list[tuple[int, int]] = [(to_us(past.started.occurred_at), past.started.register_milliwh)]
    readings = past.session.readings_within(past.started.occurred_at, past.ended.occurred_at)
    known += [(to_us(reading.occurred_at), reading.register_milliwh) for reading in readings]
    known.append((to_us(past.ended.occurred_at), past.ended.register_milliwh))
    before = [item for item in known if item[0] <= line.from_us][-1:]
    after = [item for item in known if item[0] >= line.until_us][:1]
    inside = [item for item in known if line.from_us < item[0] < line.until_us]
    for at_us, register in dict.fromkeys([*before, *inside[:1], *inside[-1:], *after]):
        yield f"{_instant(at_us)} {from_milliwh(register)}"


def _instant(at_us: int) -> str:
    return from_instant(from_us(at_us))


def _line(line: InvoiceLine, issued: InvoiceIssued) -> str:
    amount = line.net_minor if line.gross_minor is None else line.gross_minor
    side = "net" if line.gross_minor is None else "gross"
    text = f"line {line.line}: {line.dimension} {line.quantity} {line.unit} at {line.unit_price}"
    share = f"{side} {minor_to_text(amount, issued.currency)}"
    net = "" if line.gross_minor is None else f", of it net {minor_to_text(line.net_minor, issued.currency)}"
    return f"{text} → {share}{net} (VAT {line.vat_percent} %, {line.category})"


def _vat(issued: InvoiceIssued) -> Iterator[str]:
    for total in issued.totals.by_vat:
        net, vat = (minor_to_text(amount, issued.currency) for amount in (total.net_minor, total.vat_minor))
        if issued.authority == "NET":
            yield f"{total.vat_percent} % of net {net} = {vat}, once for the document's sum"
        else:
            gross = minor_to_text(total.net_minor + total.vat_minor, issued.currency)
            yield f"{total.vat_percent} % within gross {gross} = {vat}, once for the document's sum; net {net}"


def _totals(issued: InvoiceIssued) -> str:
    net, vat, gross = (
        minor_to_text(amount, issued.currency)
        for amount in (issued.totals.net_minor, issued.totals.vat_minor, issued.totals.gross_minor)
    )
    return f"net {net} + VAT {vat} = gross {gross} {issued.currency}"
