"""The adapter's tables: everything that it must know again after a kill, read and written a batch at a time."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Cursor, sql

from consumers.ocpp.adapting import Key, token_key
from consumers.ocpp.session_messages import SessionMessage
from consumers.ocpp.transactions import Transaction
from ledger.intake.station import StationConfigured, read_station, waits_key_of
from ledger.store.columns import columns
from ledger.store.parking import Waiting
from ledger.store.positions import FENCE, Progress, fence_parameters
from ledger.store.recorder import FencedError

# Batches of all adapters of a database are worked on one at a time: one may bring what a frame in another waits for,
# and CitrineOS spreads the frames of a station over partitions.
LOCK_KEY = 0x6F63_7070_01

# Wakes whoever relays.
CHANNEL = "ocpp_outbox"

# Of each station so many of its latest transactions are looked at, beside those that frames name: more than its
# connectors have in the hours in which a value without a transaction, or a state, can come late.
TRANSACTIONS_RECENT_MAX = 50


def lock(cursor: Cursor[Any]) -> None:
    """Wait for our turn; it lasts until the transaction ends."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])


STATIONS = "SELECT configuration FROM ledger.ocpp_stations WHERE tenant = %s AND station_id = ANY(%s)"


def load_stations(cursor: Cursor[Any], tenant: str, station_ids: Iterable[str]) -> list[StationConfigured]:
    """Those of these stations that are known."""
    rows = cursor.execute(STATIONS, [tenant, list(station_ids)]).fetchall()
    return [read_station(configuration) for (configuration,) in rows]


TOKENS = """
SELECT DISTINCT ON (token_uid) token_uid, account_id FROM ledger.ocpp_tokens
 WHERE tenant = %s AND token_uid = ANY(%s) ORDER BY token_uid, changed_at DESC, account_id
"""


def load_accounts(cursor: Cursor[Any], tenant: str, token_uids: Iterable[str]) -> dict[str, str]:
    """The accounts that hold these tokens (in capital letters); of several the one that said so last."""
    return dict(cursor.execute(TOKENS, [tenant, list(token_uids)]).fetchall())


class AccountTokens(NamedTuple):
    """What an account's message says about its tokens."""

    account_id: str
    changed_at: datetime
    tokens: tuple[str, ...]


DROP_TOKENS = """
DELETE FROM ledger.ocpp_tokens t USING unnest(%s::text[], %s::timestamptz[]) AS a(account_id, changed_at)
 WHERE t.tenant = %s AND t.account_id = a.account_id AND t.changed_at <= a.changed_at
"""

PUT_TOKENS = """
INSERT INTO ledger.ocpp_tokens (tenant, token_uid, account_id, changed_at, waits_key)
SELECT %s, n.* FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::uuid[])
         AS n(token_uid, account_id, changed_at, waits_key)
 WHERE NOT EXISTS (SELECT FROM ledger.ocpp_tokens t WHERE t.tenant = %s AND t.account_id = n.account_id)
ON CONFLICT DO NOTHING
"""


def put_tokens(cursor: Cursor[Any], tenant: str, accounts: Sequence[AccountTokens]) -> None:
    """Store what accounts hold from now on, unless something newer is known of them."""
    newest = {a.account_id: a for a in sorted(accounts, key=_changed)}.values()
    if not newest:
        return
    names = [[a.account_id for a in newest], [a.changed_at for a in newest]]
    cursor.execute(DROP_TOKENS, [*names, tenant])
    rows = [
        (key.name, account.account_id, account.changed_at, parked_under(tenant, key))
        for account in newest
        for key in dict.fromkeys(map(token_key, account.tokens))
    ]
    if rows:
        cursor.execute(PUT_TOKENS, [tenant, *columns(rows), tenant])


def _changed(account: AccountTokens) -> datetime:
    return account.changed_at


TRANSACTIONS = """
SELECT t.* FROM unnest(%(stations)s::text[]) AS wanted(station_id), LATERAL (
  SELECT * FROM ledger.ocpp_transactions WHERE tenant = %(tenant)s AND station_id = wanted.station_id
   ORDER BY started_at DESC NULLS FIRST LIMIT %(recent)s) t
UNION
SELECT t.* FROM unnest(%(named_stations)s::text[], %(named)s::text[]) AS wanted(station_id, transaction_id)
  JOIN ledger.ocpp_transactions t ON t.tenant = %(tenant)s AND t.station_id = wanted.station_id
   AND t.transaction_id = wanted.transaction_id
"""


def load_transactions(
    cursor: Cursor[Any], tenant: str, station_ids: Sequence[str], named: Iterable[tuple[str, str]]
) -> list[Transaction]:
    """The latest transactions of these stations, and all that have one of these names (station, transaction id)."""
    stations, transactions = columns(sorted(set(named)), width=2)
    parameters = {
        "tenant": tenant,
        "stations": list(station_ids),
        "recent": TRANSACTIONS_RECENT_MAX,
        "named_stations": stations,
        "named": transactions,
    }
    return [_transaction(*row[1:]) for row in cursor.execute(TRANSACTIONS, parameters)]


def _transaction(session_id: str, station_id: str, transaction_id: str, *rest: Any) -> Transaction:
    return Transaction(station_id, transaction_id, session_id, *rest)


SAVE_TRANSACTIONS = """
INSERT INTO ledger.ocpp_transactions AS t
SELECT %s, r.* FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::int[], %s::int[], %s::text[],
  %s::bigint[], %s::int[], %s::text[], %s::boolean[], %s::timestamptz[], %s::timestamptz[], %s::bigint[]) AS r
ON CONFLICT (tenant, session_id) DO UPDATE SET
  (started_at, evse_id, connector_id, token_uid, register_milliwh, seq_no, message_id, is_announced, ended_at, last_at,
   last_register_milliwh)
  = (excluded.started_at, excluded.evse_id, excluded.connector_id, excluded.token_uid, excluded.register_milliwh,
   excluded.seq_no, excluded.message_id, excluded.is_announced, excluded.ended_at, excluded.last_at,
   excluded.last_register_milliwh)
"""


def save_transactions(cursor: Cursor[Any], tenant: str, transactions: Iterable[Transaction]) -> None:
    """Store transactions as they are now."""
    rows = [_row(*msgspec.structs.astuple(transaction)) for transaction in transactions]
    if rows:
        cursor.execute(SAVE_TRANSACTIONS, [tenant, *columns(rows)])


def _row(station_id: str, transaction_id: str, session_id: str, *rest: Any) -> tuple[Any, ...]:
    return session_id, station_id, transaction_id, *rest


PUT_MESSAGES = """
INSERT INTO ledger.ocpp_outbox (tenant, session_id, message_id, value)
SELECT tenant, session_id, message_id, value
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[]) WITH ORDINALITY
    AS m(tenant, session_id, message_id, value, n) ORDER BY n
ON CONFLICT DO NOTHING RETURNING session_id, message_id
"""


def put_messages(cursor: Cursor[Any], messages: Iterable[SessionMessage]) -> set[tuple[str, str]]:
    """Into the outbox, each once; the names (session, message id) that are new."""
    rows = [(m.tenant, m.session_id, m.id, m.to_value()) for m in messages]
    if not rows:
        return set()
    new = set(cursor.execute(PUT_MESSAGES, columns(rows)).fetchall())
    cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return new


COUNT_IGNORED = """
INSERT INTO ledger.ocpp_ignored AS i SELECT %s, n.* FROM unnest(%s::text[], %s::int[], %s::text[], %s::bigint[]) AS n
ON CONFLICT (consumer_group, topic, partition, action) DO UPDATE SET frames = i.frames + excluded.frames
"""

# An action is the station's text: so much of it tells what it was.
ACTION_LENGTH_MAX = 60


def count_ignored(cursor: Cursor[Any], group: str, ignored: "Counter[tuple[str, int, str]]") -> None:
    """Count frames that say nothing about charging, by topic, partition and action."""
    if ignored:
        cursor.execute(COUNT_IGNORED, [group, *columns([(*name, frames) for name, frames in ignored.items()])])


MOVE = sql.SQL("WITH {fence} SELECT topic, partition FROM fence").format(fence=sql.SQL(FENCE))


def move(cursor: Cursor[Any], group: str, progress: Sequence[Progress]) -> None:
    """Move positions with their totals. Raises FencedError when a partition is another one's by now."""
    moved = set(cursor.execute(MOVE, fence_parameters(group, progress)).fetchall())
    lost = {(p.topic, p.partition) for p in progress} - moved
    if lost:
        raise FencedError(lost)


CAME = """
SELECT DISTINCT p.waits_for FROM ledger.parked_messages p
  JOIN (SELECT waits_key FROM ledger.ocpp_stations WHERE tenant = %(tenant)s AND stored_at > %(since)s
        UNION SELECT waits_key FROM ledger.ocpp_tokens WHERE tenant = %(tenant)s AND stored_at > %(since)s) AS came
    ON p.waits_for = came.waits_key
 WHERE p.outcome = 'PARKED' AND p.consumer_group = %(group)s
"""


def came_since(cursor: Cursor[Any], tenant: str, group: str, since: datetime) -> list[UUID]:
    """Keys that frames wait under, and that were stored since an instant, by whomever."""
    rows = cursor.execute(CAME, {"tenant": tenant, "group": group, "since": since}).fetchall()
    return [key for (key,) in rows]


# A station that is configured after a year has hundreds of thousands of frames: so many of those that waited for a
# station or a token go on in one transaction, as many as a batch has records.
RESUMED_MAX = 5_000

PARKED_FRAMES = """
SELECT parked_id, consumer_group, topic, partition, "offset", record_key, value, headers, waits_for
  FROM ledger.parked_messages
 WHERE outcome = 'PARKED' AND consumer_group = %s AND waits_for = ANY(%s) AND parked_id > %s
 ORDER BY parked_id LIMIT %s
"""


def parked_frames(
    cursor: Cursor[Any], group: str, keys: Iterable[UUID], after: int, at_most: int | None
) -> list[Waiting]:
    """Frames that wait under these keys and were parked after the one numbered `after`, in the order of arrival."""
    parameters = [group, list(keys), after, at_most]
    return [Waiting(*row) for row in cursor.execute(PARKED_FRAMES, parameters, binary=True)]


def clock(cursor: Cursor[Any]) -> datetime:
    """The database's clock, by which it says when something was stored."""
    row = cursor.execute("SELECT clock_timestamp()").fetchone()
    if row is None:
        raise LookupError("the clock gave no answer")
    instant: datetime = row[0]
    return instant


def followed_to(cursor: Cursor[Any], tenant: str) -> int:
    """How far the billing log was followed for the tokens of accounts."""
    row = cursor.execute("SELECT position FROM ledger.ocpp_followed WHERE tenant = %s", [tenant]).fetchone()
    return int(row[0]) if row else 0


FOLLOWED = """
INSERT INTO ledger.ocpp_followed VALUES (%s, %s) ON CONFLICT (tenant) DO UPDATE SET position = excluded.position
"""


def follow_to(cursor: Cursor[Any], tenant: str, position: int) -> None:
    cursor.execute(FOLLOWED, [tenant, position])


def parked_under(tenant: str, key: Key) -> UUID:
    """The key of what a frame waits for, as parked messages have it."""
    return waits_key_of(tenant, key.kind, *filter(None, (key.station_id, key.name)))
