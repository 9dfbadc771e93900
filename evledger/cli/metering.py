"""`evledger energy`: what registers moved by, and what of that no session took."""

from typing import Any

import click

from evledger import energy as reports
from evledger.cli.errors import NoError
from evledger.cli.output import as_json_option, print_json, tenant_option
from evledger.cli.reading import finance
from evledger.cli.tables import print_fields, print_rows
from evledger.examples import example
from evledger.settings import load_settings

METER_COLUMNS = (
    "meter_id", "sessions", "movement_kwh", "sessions_kwh", "unattributed_kwh", "jumps", "jumps_kwh", "falls",
    "falls_kwh", "alarms",
)  # fmt: skip
METER_SPARE = ("sessions", "movement_kwh", "jumps", "falls")

CHAIN_COLUMNS = (
    "began_at", "kind", "session_id", "first_register_kwh", "last_register_kwh", "session_kwh", "unattributed_kwh",
)  # fmt: skip


@click.group(short_help="Energy per meter, in double entry.", epilog=example("evledger energy report"))
def energy() -> None:
    """Energy per meter: what its register moved by, what its sessions took, and what no session took."""


@energy.command(
    "report",
    short_help="Movement of registers = sessions + unattributed.",
    epilog=example("evledger energy report", "evledger energy report --meter M-4711 --json"),
)
@click.option("--meter", "meter_id", help="One meter, with all that stands on it.")
@tenant_option
@as_json_option
def report(meter_id: str | None, tenant: str, as_json: bool) -> None:
    """What registers moved by = sessions + unattributed energy, as far as it is projected; exit 1 if it is not.

    Unattributed energy flowed between the end of a session and the next start. Jumps are above zero, falls below; what
    is more than EVLEDGER_UNATTRIBUTED_WH_MAX either way is an alarm. The worst meters come first.
    """
    limit_milliwh = load_settings().unattributed_milliwh_max
    with finance() as connection:
        rows = reports.meters(connection, tenant, limit_milliwh, meter_id)
        if meter_id is not None and not rows:
            raise NoError(f"meter {meter_id} is not in the tables: was a session of it ingested, and projected?")
        chain = [] if meter_id is None else list(reports.chain(connection, tenant, meter_id))
    total = reports.summary(rows, limit_milliwh)
    _print(total, [reports.as_shown(row) for row in rows], chain, as_json)
    if not total["balanced"]:
        wrong = ", ".join(row["meter_id"] for row in rows if not reports.is_balanced(row))
        raise NoError(f"sessions and unattributed energy are not the movement of: {wrong}")


def _print(total: dict[str, Any], rows: list[dict[str, Any]], chain: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({**total, "by_meter": rows, **({"chain": chain} if chain else {})})
        return
    print_fields(total, False, "Energy per meter")
    print_rows(rows, METER_COLUMNS, False, "Meters, the worst first", METER_SPARE)
    if chain:
        print_rows(chain, CHAIN_COLUMNS, False, "In the order of time", ("kind",))
