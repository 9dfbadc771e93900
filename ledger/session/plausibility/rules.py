"""The rules of plausibility as data: codes, limits, and what each leads to.

The rules a session was judged by are stored with what was found, so that a replay judges alike after a limit moved.
"""

from typing import Final, Literal

import msgspec

from ledger.store.fact import Value

Policy = Literal["note", "hold"]

IMPLAUSIBLE_JUMP: Final = "IMPLAUSIBLE_JUMP"
ENERGY_BELOW_POWER: Final = "ENERGY_BELOW_POWER"
METER_FROZEN: Final = "METER_FROZEN"
SAMPLE_AFTER_END: Final = "SAMPLE_AFTER_END"
ENERGY_AFTER_END: Final = "ENERGY_AFTER_END"
ENERGY_WHILE_PARKED: Final = "ENERGY_WHILE_PARKED"
SEQ_GAP: Final = "SEQ_GAP"

# What each rule leads to, unless the settings say otherwise.
POLICIES: Final[dict[str, Policy]] = {
    IMPLAUSIBLE_JUMP: "hold",
    ENERGY_BELOW_POWER: "hold",
    METER_FROZEN: "hold",
    SAMPLE_AFTER_END: "note",
    ENERGY_AFTER_END: "hold",
    ENERGY_WHILE_PARKED: "note",
    SEQ_GAP: "hold",
}

# Moves when a rule judges otherwise, or a default below does: what was stored under a version stays readable by it.
RULES_VERSION: Final = 1


class Rules(Value, frozen=True, kw_only=True):
    """Limits and policies in force; what is at the default of its version is left out where it is stored.

    Between two samples a meter moves by at most the connector's power over the time, with `power_margin_percent` of
    it, and one `register_step_milliwh`. A start that does not state the power gets that of its OCPI PowerType: AC up to
    what a type 1 (80 A at 240 V) or type 2 plug (63 A at 400 V) carries. `tolerance_milliwh` is what a meter may creep
    after the end, or in a parking state. `policies` has the codes that lead to something else than usual.
    """

    version: int
    register_step_milliwh: int = 100_000
    power_margin_percent: int = 120
    ac_1_phase_power_w: int = 19_200
    ac_2_phase_power_w: int = 29_100
    ac_3_phase_power_w: int = 43_700
    power_w: int = 400_000
    tolerance_milliwh: int = 100_000
    frozen_s: int = 1_800
    seq_gap_wait_s: int = 86_400
    end_wait_s: int = 172_800
    policies: dict[str, Policy] = msgspec.field(default_factory=dict)

    def policy_of(self, code: str) -> Policy:
        """What a code leads to."""
        return self.policies.get(code, POLICIES[code])

    def power_milliw_max(self, power_type: str | None) -> int:
        """The power of a connector that does not state its own, in milliwatts."""
        by_type = {
            "AC_1_PHASE": self.ac_1_phase_power_w,
            "AC_2_PHASE": self.ac_2_phase_power_w,
            "AC_2_PHASE_SPLIT": self.ac_2_phase_power_w,
            "AC_3_PHASE": self.ac_3_phase_power_w,
        }
        return by_type.get(power_type or "", self.power_w) * 1_000


DEFAULT_RULES: Final = Rules(version=RULES_VERSION)
