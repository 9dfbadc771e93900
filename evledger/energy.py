"""What `energy report` says: the movement of registers against sessions and unattributed energy."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from evledger.listing import FETCH_ROWS
from ledger.values.energy import from_milliwh
from ledger.values.time import from_instant

# The meters with most unattributed energy, of either sign, come first.
METERS = """
SELECT e.meter_id, e.sessions, e.movement_milliwh, e.sessions_milliwh, e.unattributed_milliwh, e.jumps,
       e.jumps_milliwh, e.falls, e.falls_milliwh, coalesce(a.alarms, 0) AS alarms, e.roll_overs, e.installed,
       e.began_at, e.ended_at
  FROM finance.meter_energy e
  LEFT JOIN (SELECT meter_id, count(*) AS alarms FROM finance.meter_chain
              WHERE tenant = %(tenant)s AND (%(meter)s::text IS NULL OR meter_id = %(meter)s)
                AND abs(unattributed_milliwh) > %(limit)s GROUP BY meter_id) a USING (meter_id)
 WHERE e.tenant = %(tenant)s AND (%(meter)s::text IS NULL OR e.meter_id = %(meter)s)
 ORDER BY e.jumps_milliwh - e.falls_milliwh DESC, e.meter_id COLLATE "C"
"""

CHAIN = """
SELECT kind, session_id, began_at, ended_at, first_register_milliwh, last_register_milliwh, unattributed_milliwh,
       session_milliwh, roll_overs
  FROM finance.meter_chain WHERE tenant = %(tenant)s AND meter_id = %(meter)s ORDER BY place
"""

COUNTS = ("sessions", "jumps", "falls", "alarms", "roll_overs")
ENERGIES = ("movement", "sessions", "unattributed", "jumps", "falls")

Row = dict[str, Any]


def meters(connection: Connection[Any], tenant: str, limit_milliwh: int, meter_id: str | None = None) -> list[Row]:
    """A row for each meter, those with most unattributed energy first; energies are integer milliwatt-hours."""
    parameters = {"tenant": tenant, "limit": limit_milliwh, "meter": meter_id}
    rows = connection.cursor(row_factory=dict_row).execute(METERS, parameters).fetchall()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    """Sums of integers come as numeric."""
    return int(value) if isinstance(value, Decimal) else value


def summary(rows: Sequence[Row], limit_milliwh: int) -> Row:
    """All meters together, and whether sessions and unattributed energy are what the registers moved by."""
    totals = {f"{name}_milliwh": sum(row[f"{name}_milliwh"] for row in rows) for name in ENERGIES}
    return {
        "meters": len(rows),
        **{name: sum(row[name] for row in rows) for name in COUNTS},
        **in_kwh(totals),
        "limit_kwh": from_milliwh(limit_milliwh),
        "balanced": all(is_balanced(row) for row in rows),
    }


def is_balanced(row: Mapping[str, Any]) -> bool:
    """Sessions and unattributed energy are the movement of the register."""
    return bool(row["sessions_milliwh"] + row["unattributed_milliwh"] == row["movement_milliwh"])


def chain(connection: Connection[Any], tenant: str, meter_id: str) -> Iterator[Row]:
    """What stands on a meter, in the order of time, each with the unattributed energy before it."""
    with connection.transaction(), connection.cursor("chain", row_factory=dict_row) as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(CHAIN, {"tenant": tenant, "meter": meter_id})
        for row in cursor:
            yield as_shown(row)


def as_shown(row: Mapping[str, Any]) -> Row:
    """Energies in kWh, instants as texts."""
    return {name: from_instant(value) if isinstance(value, datetime) else value for name, value in in_kwh(row).items()}


def in_kwh(row: Mapping[str, Any]) -> Row:
    """Each energy as a decimal text in kWh, under its name with that unit."""
    return {_renamed(name): _kwh(name, value) for name, value in row.items()}


def _renamed(name: str) -> str:
    return name.removesuffix("_milliwh") + "_kwh" if name.endswith("_milliwh") else name


def _kwh(name: str, value: Any) -> Any:
    return from_milliwh(value) if name.endswith("_milliwh") and value is not None else value
