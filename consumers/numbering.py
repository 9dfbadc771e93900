"""Numbers of documents, allotted in the transaction that issues them."""

from collections.abc import Collection
from typing import Any, NamedTuple

from psycopg import Cursor

from ledger.invoice.number import stream_of
from ledger.store.streams import last_versions


class Series(NamedTuple):
    """A series of numbers; its name is unique within a tenant."""

    tenant: str
    name: str


class Numbers:
    """The numbers of some series from the next one on. The caller holds the log's lock, so nobody else allots any."""

    def __init__(self, cursor: Cursor[Any], wanted: Collection[Series]) -> None:
        streams = {series: stream_of(*series) for series in wanted}
        versions = last_versions(cursor, "billing", list(streams.values()))
        self._last = {series: versions[stream] for series, stream in streams.items()}

    def allot(self, series: Series) -> int:
        """The series' next number."""
        self._last[series] += 1
        return self._last[series]
