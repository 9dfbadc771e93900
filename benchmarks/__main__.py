"""`python -m benchmarks NAME --events N --json`, or `all`: figures as ratios to a limit taken in the same run."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from benchmarks import bill, ingest, kafka, ocmf, rate, rebuild
from benchmarks.results import write_results

BENCHMARKS: dict[str, Callable[[int], dict[str, Any]]] = {
    "ingest": ingest.run,
    "rebuild": rebuild.run,
    "bill": bill.run,
    "kafka": kafka.run,
    "rate": rate.run,
    "ocmf": ocmf.run,
}

# Cost per event and memory must not grow with the number of events: both sizes are shown.
SMALL, LARGE = 100_000, 1_000_000
KAFKA_EVENTS = 300_000
RATE_SESSIONS = 20_000
OCMF_RECORDS = 20_000
SHORT = 20_000

FULL_RUNS = (
    ("ingest", SMALL),
    ("ingest", LARGE),
    ("rebuild", SMALL),
    ("rebuild", LARGE),
    ("bill", SMALL),
    ("bill", LARGE),
    ("kafka", KAFKA_EVENTS),
    ("rate", RATE_SESSIONS),
    ("ocmf", OCMF_RECORDS),
)
# Two consumers must both have joined before all is read.
KAFKA_SHORT = 100_000
# Sessions and records, of which a second's worth is enough to see that it works.
RATE_SHORT = 2_000
OCMF_SHORT = 4_000
SHORT_RUNS = (
    ("ingest", SHORT),
    ("rebuild", SHORT),
    ("bill", SHORT),
    ("kafka", KAFKA_SHORT),
    ("rate", RATE_SHORT),
    ("ocmf", OCMF_SHORT),
)


def main() -> None:
    """Run one benchmark, or all of them; `all` also writes benchmarks/RESULTS.md, unless it is the short form."""
    arguments = _arguments()
    if arguments.name != "all":
        events = arguments.events or _events_of(arguments.name)
        _print(arguments.name, BENCHMARKS[arguments.name](events), arguments.json)
        return
    figures = []
    for name, events in SHORT_RUNS if arguments.short else FULL_RUNS:
        found = BENCHMARKS[name](events)
        _print(name, found, arguments.json)
        figures.append((name, found))
    if not arguments.short:
        write_results(figures)


def _events_of(name: str) -> int:
    """The smallest number of the full run."""
    return min(events for known, events in FULL_RUNS if known == name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*BENCHMARKS, "all"])
    parser.add_argument("--events", "--sessions", type=int, help="how many; `rate` and `bill` count sessions")
    parser.add_argument("--short", action="store_true", help="with `all`: small runs that only show that it works")
    parser.add_argument("--json", action="store_true", help="one JSON document per benchmark")
    return parser.parse_args()


def _print(name: str, figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.write(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
