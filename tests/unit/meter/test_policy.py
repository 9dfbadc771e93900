"""What a signature means for the bill, by country and meter."""

import pytest

from ledger.meter.ocmf.transaction import Code
from ledger.meter.ocmf.verify import KeySource, Outcome, Verdict
from ledger.meter.policy import HOLD_CODES, OPEN, SIGNED, Consequence, SignaturePolicy, signature_policy, standing


def verdict(outcome: Outcome, key_source: KeySource | None = None) -> Verdict:
    return Verdict(outcome=outcome, reason="said", key_source=key_source)


BY_REGISTERED = verdict("valid", "registered")
BY_CARRIED = verdict("valid", "carried")
INVALID = verdict("invalid", "registered")


@pytest.mark.parametrize(
    ("judged", "in_germany", "elsewhere"),
    [
        (BY_REGISTERED, "bill", "bill"),
        (BY_CARRIED, "hold", "bill"),
        (None, "hold", "bill"),
        (INVALID, "hold", "hold"),
        (verdict("no_key"), "hold", "bill"),
        (verdict("unsupported"), "hold", "bill"),
    ],
)
def test_germany_wants_a_valid_signature_by_a_registered_key(
    judged: Verdict | None, in_germany: Consequence, elsewhere: Consequence
) -> None:
    assert signature_policy("DE").of(judged) == in_germany
    assert signature_policy("NL").of(judged) == elsewhere


def test_the_law_that_a_meter_is_configured_for_goes_before_the_country() -> None:
    assert signature_policy("NL", "DE") is SIGNED
    assert signature_policy("DE", "NL") is OPEN
    assert signature_policy("DE") is SIGNED


def test_every_standing_that_can_hold_has_a_code() -> None:
    verdicts = [None, BY_CARRIED, INVALID, verdict("no_key"), verdict("unsupported")]
    assert {standing(each) for each in verdicts} == HOLD_CODES.keys()
    assert standing(BY_REGISTERED) == "registered"


@pytest.mark.parametrize("policy", [SIGNED, OPEN], ids=lambda policy: policy.name)
def test_what_the_meter_says_is_unusable_is_billed_nowhere(policy: SignaturePolicy) -> None:
    assert policy.holds(Code.ENERGY_NOT_USABLE, by_time=False)
    assert policy.holds(Code.METER_NOT_GOOD, by_time=False)
    assert policy.holds(Code.TIME_NOT_USABLE, by_time=True)
    assert not policy.holds(Code.TIME_NOT_USABLE, by_time=False)


def test_pages_and_clocks_count_where_the_law_asks_for_signed_metering() -> None:
    assert SIGNED.holds(Code.PAGINATION_GAP, by_time=False)
    assert not OPEN.holds(Code.PAGINATION_GAP, by_time=False)
    assert SIGNED.holds(Code.CLOCK_NOT_LEGAL, by_time=True)
    assert not SIGNED.holds(Code.CLOCK_NOT_LEGAL, by_time=False)
    assert not OPEN.holds(Code.CLOCK_NOT_LEGAL, by_time=True)
