"""The readings of the OCPI text that it leaves open, each a named policy.

The values here are the defaults. They are stored with every result, so that a result says how it was made.
Each is applied in one place, named beside it.
"""

from typing import Final

# A session that ends charging after it parked: whose step rounds? Applied in `steps.round_up_steps`.
STEP_SIZE_AFTER_PARKING: Final = "last_relevant"
# A restriction on power or current, and a period that carries none. Applied in `compiled.Axis.mask`.
POWER_UNKNOWN: Final = "no_match"
# A price that switches inside a period. Applied in `spans.spans`.
RESTRICTION_SCOPE: Final = "split"
# What tells durations in a CDR: instants or volumes. Applied in `cdr.cdr_periods`.
TIME_SOURCE: Final = "instants"
# Whether min_price and max_price bind. Applied in `bounds.bound_lines`.
PRICE_BOUNDS: Final = "apply"
# The one rounding, to the currency's minor unit. Applied in `report.Report`.
ROUNDING: Final = "half_up_total"

POLICIES: Final = {
    "step_size_after_parking": STEP_SIZE_AFTER_PARKING,
    "power_unknown": POWER_UNKNOWN,
    "restriction_scope": RESTRICTION_SCOPE,
    "time_source": TIME_SOURCE,
    "price_bounds": PRICE_BOUNDS,
    "rounding": ROUNDING,
}
