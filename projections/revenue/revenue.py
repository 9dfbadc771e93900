"""Revenue by day of the invoice, seller, station, operator and tariff: a cube that the revenue views add up."""

from collections import defaultdict
from typing import NamedTuple

import msgspec

from ledger.invoice.events import DOCUMENTS, Document, InvoicedSession
from projections.page import Page
from projections.projection import Projection, Write

ADD = """
INSERT INTO {table} AS t SELECT * FROM json_populate_recordset(NULL::{table}, %s::json)
ON CONFLICT (tenant, day, currency, legal_entity, station_id, operator_id, tariff_id) DO UPDATE SET
  net_minor = t.net_minor + EXCLUDED.net_minor, sessions = t.sessions + EXCLUDED.sessions,
  energy_milliwh = t.energy_milliwh + EXCLUDED.energy_milliwh
"""


class CubeKey(NamedTuple):
    """A cell; a missing station, operator or tariff is the empty text."""

    tenant: str
    day: str
    currency: str
    legal_entity: str
    station_id: str
    operator_id: str
    tariff_id: str


class Cell(msgspec.Struct, kw_only=True):
    """What is added to a cell."""

    net_minor: int = 0
    sessions: int = 0
    energy_milliwh: int = 0


class CellRow(Cell, kw_only=True):
    """A row of `projection.revenue`."""

    tenant: str
    day: str
    currency: str
    legal_entity: str
    station_id: str
    operator_id: str
    tariff_id: str


def to_writes(page: Page) -> list[Write]:
    """What the page's documents add, and credit notes take away: one row per cell."""
    cells: defaultdict[CubeKey, Cell] = defaultdict(Cell)
    for entry in page.entries:
        if isinstance(entry.fact, Document):
            _add(entry.fact, cells)
    rows = [CellRow(**key._asdict(), **msgspec.structs.asdict(cell)) for key, cell in cells.items()]
    return [Write(rows, ADD)]


def _add(fact: Document, cells: defaultdict[CubeKey, Cell]) -> None:
    """Nets come from the lines, which add up to the document's net; sessions and energy from its sessions."""
    sessions = {session.session_id: session for session in fact.sessions}
    for line in fact.lines:
        cells[_key(fact, sessions.get(line.session_id), line.tariff_id)].net_minor += fact.sign * line.net_minor
    for session in fact.sessions:
        cell = cells[_key(fact, session, session.tariff_id)]
        cell.sessions += fact.sign
        cell.energy_milliwh += fact.sign * session.energy_milliwh


def _key(fact: Document, session: InvoicedSession | None, tariff_id: str) -> CubeKey:
    return CubeKey(
        tenant=fact.tenant,
        day=fact.issued_on,
        currency=fact.currency,
        legal_entity=fact.legal_entity,
        station_id=(session and session.station_id) or "",
        operator_id=(session and session.operator_id) or "",
        tariff_id=tariff_id,
    )


REVENUE = Projection("revenue", "billing", DOCUMENTS, to_writes)
