"""Pages for tests of projections."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import asdict

from ledger.store.fact import Fact
from ledger.store.streams import LoggedFact
from projections.page import Log, Page
from projections.projection import Projection
from tests.unit.projections.facts import stream_of

RECORDED_AT = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def page_of(log: Log, *facts: tuple[str, Fact]) -> Page:
    """A page of (stream name, fact) pairs at positions 1, 2, 3 …; the version in the stream is the position too."""
    entries = tuple(
        LoggedFact(position, RECORDED_AT, stream_of(name), position, fact)
        for position, (name, fact) in enumerate(facts, start=1)
    )
    return Page(log, 0, len(entries), entries)


def rows_of(projection: Projection, *facts: tuple[str, Fact]) -> list[list[dict[str, Any]]]:
    """The rows of each write that a page leads to."""
    page = page_of(projection.log, *facts).only(projection.kinds)
    return [[asdict(row) for row in write.rows] for write in projection.to_writes(page)]
