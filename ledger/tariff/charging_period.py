"""A charging period: a stretch of a session in which nothing that a price depends on is known to change."""

from enum import StrEnum

import msgspec

from ledger.values.exact import Exact


class Kind(StrEnum):
    """What runs in a period: charging time, parking time, or neither of them."""

    CHARGING = "CHARGING"
    PARKING = "PARKING"
    NEITHER = "NEITHER"


class ChargingPeriod(msgspec.Struct, frozen=True, gc=False):
    """Instants in microseconds since 1970, energy as the session's total at both ends.

    Power and current are None where nothing is known of them: a restriction on them then does not match.
    """

    start_us: Exact
    end_us: Exact
    kind: Kind
    start_energy_milliwh: Exact
    end_energy_milliwh: Exact
    power_milliwatt_min: Exact | None = None
    power_milliwatt_max: Exact | None = None
    current_microampere_min: Exact | None = None
    current_microampere_max: Exact | None = None

    @property
    def energy_milliwh(self) -> Exact:
        """Energy of this period alone."""
        return self.end_energy_milliwh - self.start_energy_milliwh

    @property
    def duration_us(self) -> Exact:
        """From the start to the end."""
        return self.end_us - self.start_us
