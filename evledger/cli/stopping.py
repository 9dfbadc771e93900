"""SIGINT and SIGTERM end long-running commands cleanly."""

import logging
import signal
from threading import Event


def stop_on_signals(stop: Event) -> None:
    """Set the event at the first SIGINT or SIGTERM; a second one ends the program at once.

    Who runs so long meets outages and waits for their end: each is a line on standard error. Other commands say what
    went wrong once, in the end.
    """
    logging.getLogger("evledger").setLevel(logging.WARNING)

    def on_signal(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
