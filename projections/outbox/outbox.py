"""The outbox follows both logs and writes down every public message once, in order, for ever."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from ledger.posting import POSTED, journal_entry
from ledger.session.events import SessionHeld, SessionRated, SessionReleased, SessionStarted
from ledger.store.columns import columns
from ledger.store.fact import TOPIC_OF, Fact
from ledger.store.serial import decode_fact
from projections.balances.customer_balances import PayerKey, receivable_changes
from projections.outbox.build import OutMessage, Surroundings, to_messages
from projections.page import Log, Page

CHANNEL = "outbox"

# The row lock on the head makes positions gapless also if two writers ever met here.
PUT = """
WITH head AS (UPDATE projection.outbox_head SET position = position + %s RETURNING position - %s AS before)
INSERT INTO projection.outbox (position, id, type, key, payload)
SELECT head.before + m.n, m.id, m.type, m.key, m.payload
FROM head, unnest(%s::text[], %s::text[], %s::text[], %s::bytea[]) WITH ORDINALITY AS m(id, type, key, payload, n)
"""

# A session's start is the first fact of its stream.
STARTS = """
SELECT originator_id, topic, state FROM ledger.session_events
WHERE originator_id = ANY(%s) AND originator_version = 1 AND topic = %s
"""

LOAD_BALANCES = """
SELECT b.tenant, b.account_id, b.currency, b.balance_minor FROM projection.outbox_balances b
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS wanted(tenant, account_id, currency)
  USING (tenant, account_id, currency)
"""

SAVE_BALANCES = """
INSERT INTO projection.outbox_balances (tenant, account_id, currency, balance_minor)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT (tenant, account_id, currency) DO UPDATE SET balance_minor = EXCLUDED.balance_minor
"""


class HeldSessionWithoutStartError(Exception):
    """A held session's stream does not begin with its start: the log is damaged; the message names the stream."""


@dataclass(frozen=True)
class Outbox:
    """The outbox as a follower of one log."""

    log: Log
    kinds: tuple[type[Fact], ...]
    name: str = "outbox"

    def project(self, connection: psycopg.Connection[Any], generation: int, page: Page) -> None:  # noqa: ARG002
        """Append the page's messages; there is one generation for ever."""
        entries = page.only(self.kinds).entries
        facts = [entry.fact for entry in entries]
        held = [entry.stream for entry in entries if isinstance(entry.fact, SessionHeld | SessionReleased)]
        around = Surroundings(_payers(connection, held), _balances(connection, facts))
        put(connection, [message for entry in entries for message in to_messages(entry, around)])
        _save(connection, around.balances)


def put(connection: psycopg.Connection[Any], messages: list[OutMessage]) -> None:
    """Append messages at the next positions, and tell the relay at commit."""
    if messages:
        connection.execute(PUT, [len(messages), len(messages), *columns(messages)])
        connection.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def _payers(connection: psycopg.Connection[Any], streams: list[UUID]) -> dict[UUID, str]:
    """Record keys of sessions: the account, or the payment of an ad-hoc session."""
    if not streams:
        return {}
    rows = connection.execute(STARTS, [streams, TOPIC_OF[SessionStarted]]).fetchall()
    payers = {stream: _payer(decode_fact(topic, state)) for stream, topic, state in rows}
    for stream in streams:
        if stream not in payers:
            raise HeldSessionWithoutStartError(f"session stream {stream} is held, but does not begin with a start")
    return payers


def _payer(fact: Fact) -> str:
    if not isinstance(fact, SessionStarted):
        raise TypeError(f"a session's start was decoded as {type(fact).__name__}")
    return fact.account_id or fact.payment_id or fact.session_id


def _balances(connection: psycopg.Connection[Any], facts: Iterable[Fact]) -> Counter[PayerKey]:
    """What the payers of these facts owed before the page."""
    payers = {payer for fact in facts if isinstance(fact, POSTED) for payer in receivable_changes(journal_entry(fact))}
    if not payers:
        return Counter()
    rows = connection.execute(LOAD_BALANCES, columns(payers)).fetchall()
    return Counter({(tenant, account, currency): minor for tenant, account, currency, minor in rows})


def _save(connection: psycopg.Connection[Any], balances: Counter[PayerKey]) -> None:
    if balances:
        connection.execute(SAVE_BALANCES, [*columns(balances), list(balances.values())])


OUTBOX = (Outbox("session", (SessionRated, SessionHeld, SessionReleased)), Outbox("billing", POSTED))
