"""A document's number: its series, and its place there."""

from uuid import UUID

from ledger.values.ids import stream_id


def place_of(tenant: str, number: str) -> tuple[UUID, int]:
    """The stream and the version of the document with a number. Raises ValueError for a text that is no number."""
    series, _, digits = number.rpartition("-")
    return stream_id(tenant, "series", series), int(digits)
