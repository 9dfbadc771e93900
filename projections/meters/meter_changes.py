"""Where registers break off, and where they roll over."""

from datetime import datetime

import msgspec

from ledger.meter.events import MeterConfigured, MeterReplaced
from projections.page import Page
from projections.projection import Projection, Write

CONFIGURE = """
INSERT INTO {table} AS t SELECT * FROM json_populate_recordset(NULL::{table}, %s::json)
ON CONFLICT (tenant, meter_id) DO UPDATE SET roll_over_milliwh = EXCLUDED.roll_over_milliwh
"""


class Replacement(msgspec.Struct, kw_only=True):
    """A row of `projection.meter_replacements`."""

    tenant: str
    meter_id: str
    at: datetime
    last_register_milliwh: int
    new_meter_id: str
    first_register_milliwh: int


class Configuration(msgspec.Struct, kw_only=True):
    """A row of `projection.meter_configurations`: what holds now."""

    tenant: str
    meter_id: str
    roll_over_milliwh: int | None


def replacements_of(page: Page) -> list[Write]:
    """A row for each replacement."""
    facts = [entry.fact for entry in page.entries if isinstance(entry.fact, MeterReplaced)]
    return [Write([_replacement(fact) for fact in facts])]


def _replacement(fact: MeterReplaced) -> Replacement:
    return Replacement(
        tenant=fact.tenant,
        meter_id=fact.meter_id,
        at=fact.at,
        last_register_milliwh=fact.last_register_milliwh,
        new_meter_id=fact.new_meter_id,
        first_register_milliwh=fact.first_register_milliwh,
    )


def configurations_of(page: Page) -> list[Write]:
    """The last configuration of each meter."""
    facts = [entry.fact for entry in page.entries if isinstance(entry.fact, MeterConfigured)]
    last = {(fact.tenant, fact.meter_id): fact.roll_over_milliwh for fact in facts}
    rows = [Configuration(tenant=t, meter_id=m, roll_over_milliwh=modulus) for (t, m), modulus in last.items()]
    return [Write(rows, CONFIGURE)]


METER_REPLACEMENTS = Projection("meter_replacements", "session", (MeterReplaced,), replacements_of)
METER_CONFIGURATIONS = Projection("meter_configurations", "session", (MeterConfigured,), configurations_of)
