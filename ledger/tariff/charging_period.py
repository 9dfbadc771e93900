"""A charging period: a stretch of a session in which nothing that a price depends on is known to change."""

from enum import StrEnum

import msgspec

from ledger.values.exact import Exact


class Kind(StrEnum):
    """What runs in a period: charging time, parking time, neither of them, or the time of a reservation."""

    CHARGING = "CHARGING"
    PARKING = "PARKING"
    NEITHER = "NEITHER"
    RESERVATION = "RESERVATION"


class ChargingPeriod(msgspec.Struct, frozen=True, gc=False):
    """Instants in microseconds since 1970, energy as the session's total at both ends.

    Power and current are None where nothing is known of them (POWER_UNKNOWN). `time_correction_us` is what
    a volume of time says beyond the instants (TIME_SOURCE).
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
    time_correction_us: Exact = 0

    @property
    def energy_milliwh(self) -> Exact:
        """Energy of this period alone."""
        return self.end_energy_milliwh - self.start_energy_milliwh

    @property
    def duration_us(self) -> Exact:
        """From the start to the end."""
        return self.end_us - self.start_us

    @property
    def has_energy(self) -> bool:
        """Whether energy flows in this period."""
        return self.end_energy_milliwh != self.start_energy_milliwh

    @property
    def is_empty(self) -> bool:
        """Whether nothing passes in this period that could be charged."""
        return self.start_us == self.end_us and not self.has_energy and not self.time_correction_us
