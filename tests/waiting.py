"""Waiting in tests: for a condition, never for a time."""

import time
from collections.abc import Callable

# Far beyond what any condition takes on a slow machine: reaching it is a failure, not a measurement.
DEADLINE_S = 120
POLL_INTERVAL_S = 0.02


def wait_until(is_true: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Return as soon as `is_true()` holds; fail the test when the deadline passes first."""
    end = time.monotonic() + deadline_s
    while not is_true():
        assert time.monotonic() < end, f"waited {deadline_s} s for: {what}"
        time.sleep(POLL_INTERVAL_S)
