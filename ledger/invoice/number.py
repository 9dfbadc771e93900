"""A document's number: its series, and its place there."""

from typing import Final
from uuid import UUID

from ledger.values.ids import stream_id

# A larger number is simply longer; it stays unique.
NUMBER_DIGITS: Final = 6


def number_of(series: str, number_in_series: int) -> str:
    """The number as it is printed: `EVL-2026-000017`."""
    return f"{series}-{number_in_series:0{NUMBER_DIGITS}}"


def stream_of(tenant: str, series: str) -> UUID:
    """The stream of a series; the version of a fact in it is the number in the series."""
    return stream_id(tenant, "series", series)


def place_of(tenant: str, number: str) -> tuple[UUID, int]:
    """The stream and the version of the document with a number. Raises ValueError for a text that is no number."""
    series, _, digits = number.rpartition("-")
    return stream_of(tenant, series), int(digits)
