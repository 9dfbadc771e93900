"""step_size: once per session for energy, once for charging and parking time together (OCPI PriceComponent)."""

from ledger.tariff.running import Running, RunningLine
from ledger.values.exact import Exact, round_up_to


def round_up_steps(running: Running) -> None:
    """Put the surplus of rounding up on the last line of energy, and on the last of both kinds of time.

    What is rounded up is the total of that line's own dimension, by that line's step. Where charging follows
    parking the last line is the one that charges (STEP_SIZE_AFTER_PARKING).
    """
    for last in (running.last_energy, running.last_time):
        if last is not None:
            last.surplus = _surplus(running, last)


def _surplus(running: Running, last: RunningLine) -> Exact:
    total: Exact = 0
    for line in running.lines_of(last.rate.dimension):
        total += line.volume
    return round_up_to(total, last.rate.step_volume) - total
