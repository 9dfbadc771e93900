"""One row per charging session: what it delivered, what it costs, and why it may not be billed."""

from collections.abc import Iterable
from datetime import datetime
from functools import singledispatch
from uuid import UUID

import msgspec

from ledger.session.events import SessionEnded, SessionHeld, SessionRated, SessionStarted, TariffPin
from ledger.store.fact import Fact
from projections.page import Page
from projections.projection import Projection, Write

# A page holds at most one row of a session here; what the page does not say (NULL, no codes) stays as it was. The
# cost is replaced as a whole, because a later revision may know one side of tax less, and so are the holds: a cost
# names all that are left.
CHANGE = """
UPDATE {table} AS t SET
  ended_at = coalesce(u.ended_at, t.ended_at),
  last_register_milliwh = coalesce(u.last_register_milliwh, t.last_register_milliwh),
  legal_entity = coalesce(u.legal_entity, t.legal_entity),
  held_codes = CASE WHEN u.revision IS NOT NULL THEN u.held_codes WHEN u.held_codes = '{{}}' THEN t.held_codes
    ELSE ARRAY(
    SELECT DISTINCT code COLLATE "C" FROM unnest(t.held_codes || u.held_codes) AS code ORDER BY 1) END,
  tariff_id = coalesce(u.tariff_id, t.tariff_id),
  tariff_version = coalesce(u.tariff_version, t.tariff_version),
  revision = coalesce(u.revision, t.revision),
  rated_at = coalesce(u.rated_at, t.rated_at),
  energy_milliwh = coalesce(u.energy_milliwh, t.energy_milliwh),
  currency = coalesce(u.currency, t.currency),
  authority = coalesce(u.authority, t.authority),
  amount_minor = coalesce(u.amount_minor, t.amount_minor),
  excl_minor = CASE WHEN u.revision IS NULL THEN t.excl_minor ELSE u.excl_minor END,
  incl_minor = CASE WHEN u.revision IS NULL THEN t.incl_minor ELSE u.incl_minor END
FROM json_populate_recordset(NULL::{table}, %s::json) AS u WHERE t.stream_id = u.stream_id
"""


class SessionCost(msgspec.Struct, kw_only=True):
    """A row of `projection.session_costs`, or the part of it that one page says."""

    stream_id: UUID
    tenant: str | None = None
    session_id: str | None = None
    account_id: str | None = None
    payment_id: str | None = None
    legal_entity: str | None = None
    location_id: str | None = None
    evse_uid: str | None = None
    station_id: str | None = None
    operator_id: str | None = None
    country: str | None = None
    time_zone: str | None = None
    tariff_id: str | None = None
    tariff_version: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    first_register_milliwh: int | None = None
    last_register_milliwh: int | None = None
    held_codes: tuple[str, ...] = ()
    revision: int | None = None
    rated_at: datetime | None = None
    energy_milliwh: int | None = None
    currency: str | None = None
    authority: str | None = None
    amount_minor: int | None = None
    excl_minor: int | None = None
    incl_minor: int | None = None


def to_writes(page: Page) -> list[Write]:
    """Insert the sessions that start in the page, complete with what else it says; then change the older ones."""
    started: dict[UUID, SessionCost] = {}
    changed: dict[UUID, SessionCost] = {}
    for entry in page.entries:
        stream = entry.stream
        if isinstance(entry.fact, SessionStarted):
            started[stream] = _opened(stream, entry.fact)
        else:
            _apply(entry.fact, started.get(stream) or changed.setdefault(stream, SessionCost(stream_id=stream)))
    return [Write(list(started.values())), Write(list(changed.values()), CHANGE)]


def _opened(stream: UUID, fact: SessionStarted) -> SessionCost:
    row = SessionCost(
        stream_id=stream,
        tenant=fact.tenant,
        session_id=fact.session_id,
        account_id=fact.account_id,
        payment_id=fact.payment_id,
        legal_entity=fact.seller or fact.legal_entity,
        location_id=fact.location_id,
        evse_uid=fact.evse_uid,
        station_id=fact.station_id,
        operator_id=fact.operator_id,
        country=fact.country,
        time_zone=fact.time_zone,
        tariff_id=fact.tariff_id,
        started_at=fact.occurred_at,
        first_register_milliwh=fact.register_milliwh,
    )
    if fact.tariff_pin:
        _pin(fact.tariff_pin, row)
    return row


def _pin(pin: TariffPin, row: SessionCost) -> None:
    row.tariff_id = pin.tariff_id
    row.tariff_version = pin.tariff_version


def _hold(row: SessionCost, codes: Iterable[str]) -> None:
    row.held_codes = tuple(sorted({*row.held_codes, *codes}))


@singledispatch
def _apply(fact: Fact, _row: SessionCost) -> None:
    raise TypeError(f"session_costs does not read {type(fact).__name__}")


@_apply.register
def _(fact: SessionEnded, row: SessionCost) -> None:
    row.ended_at = fact.occurred_at
    row.last_register_milliwh = fact.register_milliwh


@_apply.register
def _(fact: SessionHeld, row: SessionCost) -> None:
    _hold(row, [reason.code for reason in fact.reasons])


@_apply.register
def _(fact: SessionRated, row: SessionCost) -> None:
    _pin(fact.tariff_pin, row)
    row.held_codes = tuple(sorted(fact.holds))
    row.legal_entity = fact.seller or row.legal_entity
    row.revision = fact.revision
    row.rated_at = fact.occurred_at
    row.energy_milliwh = fact.energy_milliwh
    row.currency = fact.currency
    row.authority = fact.authority
    row.amount_minor = fact.amount_minor
    row.excl_minor = fact.cost.excl_minor
    row.incl_minor = fact.cost.incl_minor


SESSION_COSTS = Projection(
    "session_costs", "session", (SessionStarted, SessionEnded, SessionHeld, SessionRated), to_writes
)
