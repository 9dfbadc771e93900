"""SIGINT and SIGTERM end long-running commands cleanly."""

import signal
from threading import Event


def stop_on_signals(stop: Event) -> None:
    """Set the event at the first SIGINT or SIGTERM; a second one ends the program at once."""

    def on_signal(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
