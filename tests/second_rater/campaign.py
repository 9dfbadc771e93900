"""Many random cases through both raters: `python -m tests.second_rater.campaign --examples 10000 --seed 1`.

Prints how often each rule was exercised. Exit 1 where the raters differ or a rule was never exercised.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.second_rater.comparison import differences
from tests.second_rater.exercised import RULES, exercised
from tests.second_rater.strategies import Case, cases

# One run of hypothesis: it remembers what it has drawn, so small runs keep the memory small.
EXAMPLES_PER_RUN = 500


@dataclass
class Campaign:
    """What has been seen so far."""

    examples: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def compare(self, case: Case) -> None:
        """AssertionError, which hypothesis then minimises, where the raters differ."""
        self.examples += 1
        found = differences(case)
        assert not found, f"the raters differ (first, second): {found}"
        self.counts.update(exercised(case))

    def run(self, examples: int, seed_of_run: int) -> None:
        def compare(case: Case) -> None:
            self.compare(case)

        unhurried = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        seed(seed_of_run)(unhurried(given(cases())(compare)))()

    def never(self) -> list[str]:
        return [name for name in RULES if not self.counts[name]]


def main(arguments: list[str] | None = None, clock: Callable[[], float] = time.monotonic) -> int:
    """Runs until the examples are done or the seconds have passed."""
    options = parser().parse_args(arguments)
    campaign, began = Campaign(), clock()
    try:
        while campaign.examples < options.examples and clock() - began < options.seconds:
            campaign.run(min(EXAMPLES_PER_RUN, options.examples - campaign.examples), options.seed + campaign.examples)
    except AssertionError as difference:
        sys.stdout.write("\n".join([str(difference), *getattr(difference, "__notes__", ()), ""]))
        return 1
    sys.stdout.write("".join(f"{campaign.counts[name]:8}  {name}\n" for name in RULES))
    sys.stdout.write(f"{campaign.examples:8}  cases, no difference\n")
    sys.stdout.writelines(f"never exercised: {name}\n" for name in campaign.never())
    return int(bool(campaign.never()))


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m tests.second_rater.campaign", description=__doc__)
    found.add_argument("--examples", type=int, default=10_000)
    found.add_argument("--seed", type=int, default=1)
    found.add_argument("--seconds", type=int, default=3_600)
    return found


if __name__ == "__main__":
    sys.exit(main())
