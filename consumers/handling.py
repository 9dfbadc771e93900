"""What the loop asks of whoever handles its records."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from ledger.intake.message import Record

TotalsT_co = TypeVar("TotalsT_co", covariant=True)


class Handler(Protocol[TotalsT_co]):
    """Handles batches of records, in order, as one consumer group."""

    group: str

    @property
    def totals(self) -> TotalsT_co:
        """What was done so far."""

    def handle(self, records: Sequence[Record], epochs: Mapping[tuple[str, int], int]) -> None:
        """Handle one batch under the epochs of its partitions; it may be on its way on return.

        Raises FencedError when a partition was lost, UnavailableError when the database stays away.
        """

    def drain(self) -> None:
        """Wait until everything that was handled is stored. Raises as `handle` does."""

    def wait(self, timeout_s: int) -> None:
        """Give what is on its way some time, from another thread."""

    def forget(self) -> None:
        """Drop what is remembered, and what is on its way."""
