"""What persons and ticks decide is stored in one transaction, and decided again where another process was faster."""

from collections.abc import Callable
from typing import Final

from ledger.application import Ledger, StaleError
from ledger.intake.batch import Batch
from ledger.intake.loading import Loader

# Consumers write to the same sessions and settle the same parked messages; to lose this often against them is a fault.
STALE_ATTEMPTS_MAX: Final = 20

# What is decided here is in no partition of a topic, so none of them moves.
NO_GROUP: Final = ""


class Attempts:
    """Decides and stores through the ledger's one door, nothing remembered between two attempts."""

    def __init__(self, ledger: Ledger, loader: Loader) -> None:
        self._ledger = ledger
        self._loader = loader
        self._number = 0

    def until_stored(self, decide: Callable[[int], Batch]) -> Batch:
        """The batch that was stored; one that changes nothing is not. `decide` is told the batch's number.

        Raises what `decide` raises, StaleError, UnavailableError.
        """
        for attempt in range(1, STALE_ATTEMPTS_MAX + 1):
            self._loader.subjects.clear()
            self._number += 1
            batch = decide(self._number)
            if not (batch.touched or batch.settled):
                break
            try:
                self._ledger.commit(batch, NO_GROUP, {})
            except StaleError:
                if attempt == STALE_ATTEMPTS_MAX:
                    raise
            else:
                break
        return batch
