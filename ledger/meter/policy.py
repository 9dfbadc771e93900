"""What a signature means for the bill: data per country and meter, never "unsigned is fine" by default where the law
asks for signed metering.

Source of the row for DE: section 33 of the German Measures and Verification Act (MessEG), by which a value may be used
only if it comes from a measuring instrument and can be traced back to it.
"""

from typing import Final, Literal

import msgspec

from ledger.meter.ocmf.transaction import Code
from ledger.meter.ocmf.verify import Verdict

Consequence = Literal["bill", "hold"]

# Of a reading: it has no signature; one that is valid by a registered or by a carried key; or another verdict.
Standing = Literal["unsigned", "registered", "carried", "invalid", "no_key", "unsupported"]

# Why a session is held, by the standing of a reading.
HOLD_CODES: Final[dict[Standing, str]] = {
    "unsigned": "SIGNATURE_MISSING",
    "carried": "SIGNATURE_KEY_NOT_REGISTERED",
    "invalid": "SIGNATURE_INVALID",
    "no_key": "SIGNATURE_KEY_UNKNOWN",
    "unsupported": "SIGNATURE_UNSUPPORTED",
}

# What a key that is registered later may change.
KEY_LACKS: Final = frozenset({HOLD_CODES["carried"], HOLD_CODES["no_key"]})

# The meter itself says that its energy does not count: no country bills that.
_NEVER_BILLED: Final = frozenset({Code.METER_NOT_GOOD, Code.ENERGY_NOT_USABLE})


class SignaturePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What each standing of a reading leads to, and which findings hold a transaction.

    `time_findings` hold only where a price goes by time. `name` is stored with what was decided by it.
    """

    name: str
    unsigned: Consequence
    carried: Consequence
    invalid: Consequence
    no_key: Consequence
    unsupported: Consequence
    registered: Consequence = "bill"
    findings: frozenset[Code] = _NEVER_BILLED
    time_findings: frozenset[Code] = frozenset({Code.TIME_NOT_USABLE})

    def of(self, verdict: Verdict | None) -> Consequence:
        """The consequence of a reading's verdict; None: it has no signature."""
        consequence: Consequence = getattr(self, standing(verdict))
        return consequence

    def holds(self, code: Code, *, by_time: bool) -> bool:
        """Whether a finding holds the transaction; `by_time`: some price of it goes by time."""
        return code in self.findings or (by_time and code in self.time_findings)


SIGNED: Final = SignaturePolicy(
    name="signed.1",
    unsigned="hold",
    carried="hold",
    invalid="hold",
    no_key="hold",
    unsupported="hold",
    findings=frozenset(Code) - {Code.TIME_NOT_USABLE, Code.CLOCK_NOT_LEGAL},
    time_findings=frozenset({Code.TIME_NOT_USABLE, Code.CLOCK_NOT_LEGAL}),
)
OPEN: Final = SignaturePolicy(
    name="open.1",
    unsigned="bill",
    carried="bill",
    invalid="hold",
    no_key="bill",
    unsupported="bill",
)

# By the country whose law of metering applies; all others are OPEN.
POLICIES: Final = {"DE": SIGNED}


def signature_policy(country: str, legal_metering: str | None = None) -> SignaturePolicy:
    """The policy of a session: by the law that its meter was configured for, else by the country it stands in.

    Both are ISO 3166-1 codes of two letters.
    """
    return POLICIES.get(legal_metering or country, OPEN)


def is_signing_required(country: str) -> bool:
    """Whether unsigned readings are held where the session stood, whatever its meter was configured for."""
    return POLICIES.get(country, OPEN).unsigned == "hold"


def standing(verdict: Verdict | None) -> Standing:
    """How a reading stands; None: it has no signature."""
    if verdict is None:
        return "unsigned"
    if verdict.outcome == "valid":
        return verdict.key_source or "carried"
    return verdict.outcome
