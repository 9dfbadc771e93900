"""The biller's memory: what each session may put on a document, and what it has put on one. Written set-based."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection, Cursor

from ledger.store.columns import columns


class Charge(NamedTuple):
    """The latest revision of a session's cost, on its way to a document."""

    tenant: str
    session_id: str
    revision: int
    rated_position: int
    legal_entity: str
    account_id: str
    currency: str
    authority: str
    amount_minor: int
    billing: str
    period: str | None
    period_ends_at: datetime | None
    held: bool


class Invoiced(NamedTuple):
    """That a session is on a document now, and what it was billed under the cap of its day, if it has one."""

    tenant: str
    session_id: str
    invoice_number: str
    revision: int
    amount_minor: int
    cap_tariff_id: str | None = None
    cap_day: str | None = None
    capped_excl_minor: int | None = None
    capped_incl_minor: int | None = None


class Overtaken(NamedTuple):
    """A billed session whose latest cost is another one than the invoice has; the correction may be made."""

    tenant: str
    session_id: str
    invoice_number: str
    rated_position: int
    account_id: str
    billing: str
    amount_minor: int


class Credited(NamedTuple):
    """That a credit note took a session off its invoice, and the period in which it is billed again (MONTHLY)."""

    tenant: str
    session_id: str
    invoice_number: str
    credited_by: str
    period: str | None = None
    period_ends_at: datetime | None = None


class DayTotal(NamedTuple):
    """What an account was billed under the cap of a day, on both sides of tax; `day` is an ISO date."""

    tenant: str
    account_id: str
    tariff_id: str
    day: str
    currency: str
    excl_minor: int
    incl_minor: int


CHARGE = """
INSERT INTO ledger.charges AS c (tenant, session_id, revision, rated_position, legal_entity, account_id, currency,
                                 authority, amount_minor, billing, period, period_ends_at, held)
SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
                     %s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::boolean[])
ON CONFLICT (tenant, session_id) DO UPDATE
   SET revision = excluded.revision, rated_position = excluded.rated_position, amount_minor = excluded.amount_minor,
       authority = excluded.authority, currency = excluded.currency, held = excluded.held,
       period = CASE WHEN c.invoice_number IS NULL THEN excluded.period ELSE c.period END,
       period_ends_at = CASE WHEN c.invoice_number IS NULL THEN excluded.period_ends_at ELSE c.period_ends_at END
RETURNING tenant, session_id, invoice_number IS NULL AND NOT held AND amount_minor <> 0 AND billing = 'PER_SESSION'
"""

HOLD = """
UPDATE ledger.charges c SET held = true FROM unnest(%s::text[], %s::text[]) AS h(tenant, session_id)
 WHERE c.tenant = h.tenant AND c.session_id = h.session_id
"""

MARK = """
UPDATE ledger.charges c
   SET invoice_number = i.number, invoiced_revision = i.revision, invoiced_amount_minor = i.amount_minor,
       cap_tariff_id = i.cap_tariff_id, cap_day = i.cap_day, capped_excl_minor = i.capped_excl_minor,
       capped_incl_minor = i.capped_incl_minor
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::bigint[], %s::text[], %s::date[], %s::bigint[],
              %s::bigint[])
    AS i(tenant, session_id, number, revision, amount_minor, cap_tariff_id, cap_day, capped_excl_minor,
         capped_incl_minor)
 WHERE c.tenant = i.tenant AND c.session_id = i.session_id AND c.invoice_number IS NULL
"""

DAY_TOTALS = """
SELECT k.tenant, k.account_id, k.tariff_id, k.day, k.currency, sum(c.capped_excl_minor)::bigint,
       sum(c.capped_incl_minor)::bigint
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
    AS k(tenant, account_id, tariff_id, day, currency)
  JOIN ledger.charges c ON c.tenant = k.tenant AND c.account_id = k.account_id AND c.cap_tariff_id = k.tariff_id
                       AND c.cap_day = k.day::date AND c.currency = k.currency
 GROUP BY k.tenant, k.account_id, k.tariff_id, k.day, k.currency
"""

CLOSED = """
SELECT tenant, account_id,
       max(greatest(CASE WHEN invoice_number IS NOT NULL THEN period_ends_at END, closed_until)) FROM ledger.charges
 WHERE (invoice_number IS NOT NULL OR closed_until IS NOT NULL) AND billing = 'MONTHLY'
   AND (tenant, account_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])) GROUP BY tenant, account_id
"""

CORRECTIONS = """
SELECT tenant, session_id, invoice_number, rated_position, account_id, billing, amount_minor
  FROM ledger.charges
 WHERE invoice_number IS NOT NULL AND NOT held AND amount_minor <> invoiced_amount_minor
   AND tenant = %(tenant)s AND (%(account)s::text IS NULL OR account_id = %(account)s)
   AND invoice_number COLLATE "C" > %(after)s
 ORDER BY invoice_number COLLATE "C", session_id COLLATE "C" LIMIT %(limit)s
"""

# What was billed is no more, so the caps of days count without it; the period it was in stays closed.
CREDIT = """
UPDATE ledger.charges c
   SET credited_by = u.credited_by, closed_until = greatest(c.closed_until, c.period_ends_at),
       period = u.period, period_ends_at = u.period_ends_at, invoice_number = NULL, invoiced_revision = NULL,
       invoiced_amount_minor = NULL, cap_tariff_id = NULL, cap_day = NULL, capped_excl_minor = NULL,
       capped_incl_minor = NULL
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
    AS u(tenant, session_id, invoice_number, credited_by, period, period_ends_at)
 WHERE c.tenant = u.tenant AND c.session_id = u.session_id AND c.invoice_number = u.invoice_number
"""

CREDITED_BY = """
SELECT tenant, session_id, credited_by FROM ledger.charges
 WHERE (tenant, session_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])) AND credited_by IS NOT NULL
"""

INVOICE_OF = "SELECT invoice_number FROM ledger.charges WHERE tenant = %s AND session_id = %s"

DUE = """
SELECT tenant, session_id, revision, rated_position, legal_entity, account_id, currency, authority, amount_minor,
       billing, period, period_ends_at, held
  FROM ledger.charges
 WHERE invoice_number IS NULL AND NOT held AND amount_minor <> 0 AND billing = 'MONTHLY' AND period_ends_at <= %(now)s
   AND (%(period)s::text IS NULL OR period = %(period)s) AND (%(account)s::text IS NULL OR account_id = %(account)s)
   AND tenant = %(tenant)s
   AND (period_ends_at, legal_entity COLLATE "C", account_id COLLATE "C", currency)
       > (%(after)s::timestamptz, %(after_entity)s, %(after_account)s, %(after_currency)s)
 ORDER BY period_ends_at, legal_entity COLLATE "C", account_id COLLATE "C", currency, session_id COLLATE "C"
 LIMIT %(limit)s
"""


def charge(cursor: Cursor[Any], charges: Sequence[Charge]) -> set[tuple[str, str]]:
    """Store the latest revisions; (tenant, session id) of those to be put on a document of their own at once."""
    if not charges:
        return set()
    cursor.execute(CHARGE, columns(charges))
    return {(tenant, session_id) for tenant, session_id, is_due in cursor if is_due}


def hold(cursor: Cursor[Any], sessions: Sequence[tuple[str, str]]) -> None:
    """Keep sessions off documents; those that are on one stay there."""
    if sessions:
        cursor.execute(HOLD, columns(sessions))


def mark_invoiced(cursor: Cursor[Any], invoiced: Sequence[Invoiced]) -> None:
    """Remember which sessions are on a document. Raises LookupError when one was on another already."""
    if not invoiced:
        return
    cursor.execute(MARK, columns(invoiced))
    if cursor.rowcount != len(invoiced):
        raise LookupError(f"{cursor.rowcount} of {len(invoiced)} sessions could be put on a document")


def day_totals(cursor: Cursor[Any], keys: Sequence[tuple[str, str, str, str, str]]) -> list[DayTotal]:
    """What was billed under caps of a day: by tenant, account, tariff, day and currency; none where nothing was."""
    if not keys:
        return []
    cursor.execute(DAY_TOTALS, columns(keys))
    return [DayTotal(*row) for row in cursor]


def closed_until(
    connection: Connection[Any], accounts: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], datetime]:
    """For each (tenant, account) with a monthly invoice, the end of the last period that has one."""
    columns = [[tenant for tenant, _ in accounts], [account for _, account in accounts]]
    return {(tenant, account): ends_at for tenant, account, ends_at in connection.execute(CLOSED, columns)}


def corrections(
    connection: Connection[Any], tenant: str, account_id: str | None, after: str, limit: int
) -> list[Overtaken]:
    """Billed sessions that cost something else by now and are not held, by invoice, after the one numbered `after`."""
    wanted = {"tenant": tenant, "account": account_id, "after": after, "limit": limit}
    return [Overtaken(*row) for row in connection.execute(CORRECTIONS, wanted)]


def mark_credited(cursor: Cursor[Any], credited: Sequence[Credited]) -> None:
    """Take sessions off their invoices. Raises LookupError when one was on none, or on another one."""
    cursor.execute(CREDIT, columns(credited))
    if cursor.rowcount != len(credited):
        raise LookupError(f"{cursor.rowcount} of {len(credited)} sessions could be credited")


def credit_notes_of(cursor: Cursor[Any], sessions: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """For sessions (tenant, id) that were billed before, the credit note that took them off their invoice."""
    cursor.execute(CREDITED_BY, [[tenant for tenant, _ in sessions], [session for _, session in sessions]])
    return {(tenant, session_id): number for tenant, session_id, number in cursor}


def invoice_of(connection: Connection[Any], tenant: str, session_id: str) -> str | None:
    """The number of the invoice that the session is on, None for none."""
    row = connection.execute(INVOICE_OF, [tenant, session_id]).fetchone()
    return row[0] if row else None


def due(connection: Connection[Any], limit: int, parameters: Mapping[str, Any]) -> list[Charge]:
    """Charges of ended periods, after a group, ordered so that the charges of one document stand together."""
    rows = connection.execute(DUE, {**parameters, "limit": limit}, binary=True)
    return [Charge(*row) for row in rows]
