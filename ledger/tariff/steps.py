"""step_size: once per session for energy, once for charging and parking time together, once for a reservation's
time (OCPI PriceComponent)."""

from ledger.tariff.policy import Policies
from ledger.tariff.running_lines import RunningLine, RunningLines
from ledger.values.exact import Exact, round_up_to, simplified


def surpluses(running: RunningLines, policies: Policies) -> dict[RunningLine, Exact]:
    """What rounding up adds to the last line of energy, and to the last of both kinds of time.

    What is rounded up is the total of that line's own dimension, by that line's step. Where charging follows
    parking the last line is the one that charges, or the one that parked (STEP_SIZE_AFTER_PARKING).
    """
    found: dict[RunningLine, Exact] = {}
    for last in (running.last_energy, _last_time(running, policies)):
        if last is not None:
            total = last.total if isinstance(last.total, int) else simplified(last.total)
            surplus = round_up_to(total, last.rate.step_volume) - total
            if surplus:
                found[last] = surplus
    return found


def _last_time(running: RunningLines, policies: Policies) -> RunningLine | None:
    if policies.step_size_after_parking == "parking" and running.last_parking_time is not None:
        return running.last_parking_time
    return running.last_time
