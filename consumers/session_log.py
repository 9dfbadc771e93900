"""Follows the sessions log and issues invoices: `PER_SESSION` when a rated session is met, `MONTHLY` at the close.

Each page is one transaction: charges, numbers, invoices, and the position in the sessions log.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import psycopg
from eventsourcing.persistence import PersistenceError
from psycopg.rows import tuple_row

from consumers.billed_page import (
    billed_at,
    held_sessions,
    latest_costs,
    on_document,
    own_documents,
    whole_groups,
    with_links,
)
from consumers.corrections import Issuing, corrections_of, issue_credit_notes
from consumers.numbering import Numbers, Series
from ledger.account.events import AccountFact
from ledger.account.state import Account
from ledger.application import Ledger, UnavailableError, one_line, recorder_of
from ledger.intake.loading import Subjects
from ledger.intake.subject import SubjectKey
from ledger.invoice.amounts import billable
from ledger.invoice.day_cap import CapKey, cap_key, totals_after
from ledger.invoice.decide import BilledSession, Issue, issue_invoice, series_of
from ledger.invoice.events import BothSides, InvoiceIssued
from ledger.invoice.number import stream_of
from ledger.invoice.period import Period, period_of
from ledger.session.events import SessionRated
from ledger.store.charges import (
    Charge,
    Credited,
    Invoiced,
    Overtaken,
    charge,
    closed_until,
    corrections,
    day_totals,
    due,
    hold,
    mark_credited,
    mark_invoiced,
)
from ledger.store.rows import EventRows
from ledger.store.streams import head, read_page, read_positions

FOLLOWER = "biller"  # the name of its position among those that follow the sessions log

TOPICS = ("session.SessionRated", "session.SessionHeld", "session.SessionWaived")

# Positions of the sessions log for each transaction: about 2,000 rated sessions, a few megabytes of facts.
PAGE_POSITIONS = 100_000

# Charges for each transaction of a close: as many facts are in memory at once.
PAGE_CHARGES = 5_000

LOCK_KEY = 0x6269_6C6C_6572  # "biller" in ASCII: one biller at a time for each database

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class AlreadyBillingError(Exception):
    """Another biller is at work on this database."""


class Group(NamedTuple):
    """What is billed together: sessions of one payer, seller, currency and period; a document for each side of tax."""

    period_ends_at: datetime
    legal_entity: str
    account_id: str
    currency: str


class Biller:
    """Turns rated sessions into invoices. One at a time: raises AlreadyBillingError."""

    def __init__(self, ledger: Ledger, seller_zone: str) -> None:
        self._ledger = ledger
        self._seller_zone = seller_zone
        self._accounts = Subjects(lambda: ledger.connection)
        self._recorder = recorder_of(ledger.billing)
        self._locked_by: psycopg.Connection[Any] | None = None
        with self._alone():
            pass

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Under the lock, which is lost with the connection that took it. A database that goes away is
        UnavailableError.
        """
        try:
            if self._ledger.connection is not self._locked_by:
                self._take_lock(self._ledger.connection)
            yield
        except (psycopg.OperationalError, psycopg.InternalError, PersistenceError) as error:
            raise UnavailableError(one_line(error)) from error

    def _take_lock(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
        if row != (True,):
            raise AlreadyBillingError("another biller is at work on this database: stop it, or leave the work to it")
        self._locked_by = connection

    def follow(self, now: Callable[[], datetime], progress: Callable[[int, int], None]) -> int:
        """Meet every rated session up to the end of the log; how many invoices were issued.

        `now` gives the instant of issue. `progress` is told the position and the end of the log. Raises
        UnavailableError, and AlreadyBillingError when another biller began after our connection was lost.
        """
        with self._alone():
            return self._follow(now, progress)

    def _follow(self, now: Callable[[], datetime], progress: Callable[[int, int], None]) -> int:
        issued, end = 0, head(self._ledger.connection, "session")
        position = self._recorder.max_tracking_id(FOLLOWER) or 0
        while position < end:
            until = min(position + PAGE_POSITIONS, end)
            issued += self._follow_page(position, until, now())
            position = until
            progress(position, end)
        return issued

    def close(self, tenant: str, now: datetime, period: str | None = None, account_id: str | None = None) -> int:
        """Issue the invoices of all periods that ended by `now`, or of the one named; how many there were.

        Raises as `follow` does.
        """
        with self._alone():
            pages = self._due(tenant, now, period, account_id)
            return sum(self._close_page(charges, now) for charges in pages)

    def correct(self, tenant: str, now: datetime, account_id: str | None = None) -> int:
        """Credit what costs something else by now than its invoice says; how many documents were issued.

        Sessions billed by themselves get their new invoice at once, those of a statement stand on the next one. Made
        once per session, and only where the rounded amount changed and nothing holds the session. Raises as `follow`
        does.
        """
        with self._alone():
            return sum(self._correct_page(page, now) for page in self._overtaken(tenant, account_id))

    def _overtaken(self, tenant: str, account_id: str | None) -> Iterator[list[Overtaken]]:
        """Overtaken sessions in pages that end between two invoices."""

        def read(after: str, limit: int) -> list[Overtaken]:
            return corrections(self._ledger.connection, tenant, account_id, after, limit)

        return whole_groups(read, attrgetter("invoice_number"), "", PAGE_CHARGES)

    def _correct_page(self, overtaken: Sequence[Overtaken], now: datetime) -> int:
        """Credit notes and new invoices, in one transaction."""
        connection = self._ledger.connection
        self._load_accounts((item.tenant, item.account_id) for item in overtaken)
        again = [item for item in overtaken if item.billing == "PER_SESSION" and item.amount_minor]
        facts = read_positions(connection, "session", [item.rated_position for item in overtaken])
        notes = corrections_of(connection, overtaken)
        closed = closed_until(connection, sorted({(item.tenant, item.account_id) for item in overtaken}))
        with self._transaction() as cursor:
            self._recorder.lock(cursor)
            position = head(connection, "session")
            numbers = issue_credit_notes(self._recorder, cursor, notes, Issuing(now, self._seller_zone, position))
            mark_credited(cursor, [self._credited(item, numbers, facts, closed) for item in overtaken])
            documents = own_documents([billed_at(item.rated_position, facts) for item in again])
            self._issue(cursor, documents, now, [None] * len(documents))
        return len(notes) + len(documents)

    def _credited(
        self,
        item: Overtaken,
        numbers: Mapping[tuple[str, str], str],
        facts: Mapping[int, Any],
        closed: Mapping[tuple[str, str], datetime],
    ) -> Credited:
        number = numbers[item.tenant, item.invoice_number]
        credited = Credited(item.tenant, item.session_id, item.invoice_number, number)
        if item.billing != "MONTHLY":
            return credited
        account, _ = self._account(item.tenant, item.account_id)
        period = open_period(facts[item.rated_position].ended_at, account, closed.get((item.tenant, item.account_id)))
        return credited._replace(period=period.name, period_ends_at=period.ends_at)

    def _follow_page(self, after: int, until: int, now: datetime) -> int:
        facts = list(read_page(self._ledger.connection, "session", after, until, TOPICS))
        rated = latest_costs(facts)
        self._load_accounts((fact.tenant, fact.account_id) for _, fact, _ in rated.values() if fact.account_id)
        charges = self._charges(rated)
        with self._transaction() as cursor:
            held = held_sessions(facts)
            ready = charge(cursor, charges) - set(held)
            hold(cursor, held)
            documents = own_documents([billed for key, billed in rated.items() if key in ready])
            self._issue(cursor, documents, now, [None] * len(documents))
            self._recorder.track(cursor, FOLLOWER, until)
        return len(documents)

    def _close_page(self, charges: Sequence[Charge], now: datetime) -> int:
        connection = self._ledger.connection
        self._load_accounts((c.tenant, c.account_id) for c in charges)
        facts = read_positions(connection, "session", [c.rated_position for c in charges])
        documents, periods = [], []
        for _, group in groupby(charges, key=group_of):
            members = list(group)
            sides = self._by_side([billed_at(member.rated_position, facts) for member in members])
            documents.extend(sides)
            periods.extend([members[0].period] * len(sides))
        with self._transaction() as cursor:
            self._issue(cursor, documents, now, periods)
        return len(documents)

    def _by_side(self, members: Sequence[BilledSession]) -> list[list[BilledSession]]:
        """By the authoritative side of tax, as the account is now: it may have moved since the sessions were met."""
        account, _ = self._account(members[0].rated.tenant, members[0].rated.account_id)
        sides: dict[str, list[BilledSession]] = {}
        for member in members:
            sides.setdefault(billable(member.rated, account).authority, []).append(member)
        return list(sides.values())

    def _issue(
        self, cursor: Any, documents: Sequence[list[BilledSession]], now: datetime, periods: Sequence[str | None]
    ) -> None:
        """Allot numbers and append the invoices, in the transaction that issues them."""
        if not documents:
            return
        self._recorder.lock(cursor)
        rows, invoiced = EventRows(), list[Invoiced]()
        position = head(self._ledger.connection, "session")
        linked = with_links(cursor, documents)
        for fact in self._invoices(cursor, linked, now, periods, position):
            rows.append(stream_of(fact.tenant, fact.series), fact.number_in_series, fact)
            invoiced.extend(on_document(fact, session) for session in fact.sessions)
        self._recorder.write(cursor, rows)
        mark_invoiced(cursor, invoiced)

    def _invoices(
        self,
        cursor: Any,
        documents: Sequence[list[BilledSession]],
        now: datetime,
        periods: Sequence[str | None],
        position: int,
    ) -> Iterator[InvoiceIssued]:
        wanted = [self._series(sessions[0].rated, now) for sessions in documents]
        numbers = Numbers(cursor, set(wanted))
        totals = self._day_totals(cursor, documents)
        for sessions, series, period in zip(documents, wanted, periods, strict=True):
            number = numbers.allot(series)
            account, version = self._account(sessions[0].rated.tenant, sessions[0].rated.account_id)
            issue = Issue(series.name, number, now, self._seller_zone, position, version, period, totals)
            fact = issue_invoice(issue, account, sessions)
            totals.update(totals_after(fact))
            yield fact

    def _series(self, rated: SessionRated, now: datetime) -> Series:
        return Series(rated.tenant, series_of(rated.seller or "", now, self._seller_zone))

    def _day_totals(self, cursor: Any, documents: Sequence[Sequence[BilledSession]]) -> dict[CapKey, BothSides]:
        """What was billed before under the caps of the sessions' days."""
        capped = [s.rated for sessions in documents for s in sessions if s.rated.day_cap is not None]
        keys = {cap_key(rated, self._account(rated.tenant, rated.account_id)[0]) for rated in capped}
        totals = day_totals(cursor, sorted(keys))
        return {CapKey(*row[:5]): BothSides(excl_minor=row.excl_minor, incl_minor=row.incl_minor) for row in totals}

    def _charges(self, rated: dict[tuple[str, str], BilledSession]) -> list[Charge]:
        payable = [billed for billed in rated.values() if billed.rated.account_id is not None]
        accounts = sorted({(b.rated.tenant, b.rated.account_id or "") for b in payable})
        closed = closed_until(self._ledger.connection, accounts)
        return [
            self._charge(billed, closed.get((billed.rated.tenant, billed.rated.account_id or ""))) for billed in payable
        ]

    def _charge(self, billed: BilledSession, closed: datetime | None) -> Charge:
        rated = billed.rated
        account, _ = self._account(rated.tenant, rated.account_id)
        bill = billable(rated, account)
        billing = rated.terms.billing if rated.terms is not None else "PREPAID"
        period = open_period(rated.ended_at, account, closed) if billing == "MONTHLY" else None
        return Charge(
            tenant=rated.tenant,
            session_id=rated.session_id,
            revision=rated.revision,
            rated_position=billed.position,
            legal_entity=rated.seller or "",
            account_id=account.account_id,
            currency=rated.currency,
            authority=bill.authority,
            amount_minor=bill.amount_minor,
            billing=billing,
            period=None if period is None else period.name,
            period_ends_at=None if period is None else period.ends_at,
            held=bool(rated.holds),
        )

    def _load_accounts(self, accounts: Iterator[tuple[str, str]]) -> None:
        self._accounts.finish(1, ())
        self._accounts.load(SubjectKey("account", tenant, account_id) for tenant, account_id in accounts)

    def _account(self, tenant: str, account_id: str | None) -> tuple[AccountFact, int]:
        account: Account = self._accounts[SubjectKey("account", tenant, account_id or "")].state
        if account.current is None:
            raise LookupError(f"account {account_id} was never opened")
        return account.current, account.version

    def _due(self, tenant: str, now: datetime, period: str | None, account: str | None) -> Iterator[list[Charge]]:
        """Charges in pages that end between two documents."""
        wanted = {"tenant": tenant, "now": now, "period": period, "account": account}

        def read(after: Group, limit: int) -> list[Charge]:
            return due(self._ledger.connection, limit, {**wanted, **_after(after)})

        return whole_groups(read, group_of, Group(LONG_AGO, "", "", ""), PAGE_CHARGES)

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """One transaction of the billing log."""
        with (
            self._ledger.datastore.transaction(commit=True) as dicts,
            dicts.connection.cursor(row_factory=tuple_row) as cursor,
        ):
            yield cursor


def open_period(ended_at: datetime, account: AccountFact, closed: datetime | None) -> Period:
    """The period in which the session ended, in the account's zone; after its close, the next one."""
    period = period_of(ended_at, account.time_zone, account.closing_day)
    if closed is not None and period.ends_at <= closed:
        return period_of(closed, account.time_zone, account.closing_day)
    return period


def group_of(item: Charge) -> Group:
    """What a charge is billed together with."""
    return Group(item.period_ends_at or LONG_AGO, item.legal_entity, item.account_id, item.currency)


def _after(group: Group) -> dict[str, Any]:
    return {
        "after": group.period_ends_at,
        "after_entity": group.legal_entity,
        "after_account": group.account_id,
        "after_currency": group.currency,
    }
