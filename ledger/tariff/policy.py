"""The readings of the OCPI text that it leaves open, each a named policy with a default.

A result says by which policies it was made. Each policy is applied in one place, named beside it.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec


class PolicyError(ValueError):
    """A policy or a reading of it that is not known."""


class Policies(msgspec.Struct, frozen=True):
    """One reading for each open question; the first of each list is the default."""

    # A session that ends charging after it parked: whose step rounds? Applied in `steps.surpluses`.
    step_size_after_parking: Literal["last_relevant", "parking"] = "last_relevant"
    # A restriction on power or current, and a period that carries none. Applied in `axis.Axis.mask`.
    power_unknown: Literal["no_match", "match"] = "no_match"
    # A price that switches inside a period. Applied in `course.Course.reach`.
    restriction_scope: Literal["split", "period_start"] = "split"
    # What tells durations in a CDR. Applied in `cdr.cdr_periods`.
    time_source: Literal["instants", "volumes"] = "instants"
    # Whether min_price and max_price bind. Applied in `pricer.price`.
    price_bounds: Literal["apply", "ignore"] = "apply"
    # How and where amounts become minor units of the currency. Applied in `rounding.rounded_minor`.
    rounding: Literal["half_up_total", "half_even_total", "half_up_line", "half_up_dimension"] = "half_up_total"

    def as_dict(self) -> dict[str, str]:
        """Name and reading of each, as they are stored with a result."""
        return msgspec.structs.asdict(self)


DEFAULT: Final = Policies()
# The defaults as they are stored with a rated session.
POLICIES: Final = DEFAULT.as_dict()
# The readings of each policy, the default first.
OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    field.name: get_args(field.type) for field in msgspec.structs.fields(Policies)
}


def policies_of(chosen: Mapping[str, str]) -> Policies:
    """The defaults with some readings chosen by name. PolicyError names what is not known, and what is."""
    for name, reading in chosen.items():
        if name not in OPTIONS:
            raise PolicyError(f"policy {name[:40]!r} is unknown: it is one of {', '.join(OPTIONS)}")
        if reading not in OPTIONS[name]:
            raise PolicyError(f"policy {name} cannot be {reading[:40]!r}: it is one of {', '.join(OPTIONS[name])}")
    return msgspec.convert(dict(chosen), Policies)
