"""What may be said of a meter, and what it then is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ledger.meter.decide import configure_meter, register_key, replace_meter
from ledger.meter.events import KeyRegistered, MeterConfigured, MeterReplaced
from ledger.meter.state import Meter, evolve
from ledger.store.fact import Fact
from ledger.values.refusal import RefusedError, RepeatedError
from tests.meters import ANOTHER_SECRET, meter

MAY = datetime(2026, 5, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ORIGIN: dict[str, Any] = {
    "source": "/back-office", "message_id": "1", "topic": "ev.meters.v1", "partition": 0, "offset": 0,
    "occurred_at": MAY, "tenant": "default", "meter_id": "M-4711",
}  # fmt: skip

KEY = KeyRegistered(**ORIGIN, public_key=meter("secp256r1").key, encoding="OCMF", valid_from=MAY)
NEXT_KEY = msgspec.structs.replace(
    KEY, message_id="2", public_key=meter("secp256r1", ANOTHER_SECRET).key, valid_from=MAY + DAY
)
REPLACED = MeterReplaced(
    **ORIGIN, last_register_milliwh=99_871_250_000, new_meter_id="M-4712", first_register_milliwh=0, at=MAY
)
RESET = msgspec.structs.replace(REPLACED, new_meter_id="M-4711")
CONFIGURED = MeterConfigured(**ORIGIN, roll_over_milliwh=1_000_000_000_000, unit="KWH", legal_metering="DE")


def given(*facts: Fact) -> Meter:
    state = Meter()
    for fact in facts:
        evolve(state, fact)
    return state


def again(fact: Any, **changes: Any) -> Any:
    """The same under another name, later."""
    return msgspec.structs.replace(fact, message_id="9", occurred_at=MAY + DAY, **changes)


def test_a_key_signs_from_its_day_until_the_next_one_does() -> None:
    known = given(register_key(Meter(), NEXT_KEY), register_key(Meter(), KEY))
    assert known.key_at(MAY - DAY) is None
    assert known.key_at(MAY) is KEY
    assert known.key_at(MAY + DAY) is NEXT_KEY


def test_of_two_keys_of_one_instant_the_last_one_counts() -> None:
    corrected = again(NEXT_KEY, public_key=KEY.public_key)
    known = given(NEXT_KEY, register_key(given(NEXT_KEY), corrected))
    assert known.key_at(MAY + DAY) is corrected
    assert register_key(known, again(NEXT_KEY)) == again(NEXT_KEY)


def test_a_key_that_could_verify_nothing_is_refused() -> None:
    with pytest.raises(RefusedError, match="neither hex nor base64"):
        register_key(Meter(), again(KEY, public_key="no key"))
    with pytest.raises(RefusedError, match="nor a point of one"):
        register_key(Meter(), again(KEY, public_key="00" * 64))
    raw = again(KEY, public_key=meter("brainpoolP384r1").raw_point.hex())
    assert register_key(Meter(), raw) == raw


def test_a_key_of_another_format_is_kept_as_it_came() -> None:
    other = again(KEY, public_key="opaque", encoding="EDL")
    assert register_key(Meter(), other) == other


@pytest.mark.parametrize(
    ("decision", "fact"), [(register_key, KEY), (replace_meter, REPLACED), (configure_meter, CONFIGURED)]
)
def test_the_same_said_again_adds_nothing(decision: Any, fact: Any) -> None:
    with pytest.raises(RepeatedError):
        decision(given(decision(Meter(), fact)), again(fact))


def test_a_replacement_says_where_the_register_before_it_ended() -> None:
    known = given(RESET, replace_meter(given(RESET), again(REPLACED, at=MAY + DAY)))
    assert known.replaced_at(MAY - DAY) is RESET
    assert known.replaced_at(MAY) is RESET
    later = known.replaced_at(MAY + DAY / 2)
    assert later is not None
    assert later.new_meter_id == "M-4712"
    assert known.replaced_at(MAY + 2 * DAY) is None


def test_a_register_ends_once_at_an_instant() -> None:
    with pytest.raises(RefusedError, match="message 1"):
        replace_meter(given(REPLACED), again(REPLACED, last_register_milliwh=5))


def test_a_meter_that_is_gone_cannot_be_replaced_again() -> None:
    with pytest.raises(RefusedError, match="M-4712"):
        replace_meter(given(REPLACED), again(RESET, at=MAY + DAY))
    earlier = again(RESET, at=MAY - DAY)
    assert replace_meter(given(REPLACED), earlier) == earlier


def test_the_last_configuration_holds() -> None:
    plain = again(CONFIGURED, unit=None, roll_over_milliwh=None)
    known = given(CONFIGURED, configure_meter(given(CONFIGURED), plain))
    assert known.configured is plain
    assert configure_meter(known, CONFIGURED) is CONFIGURED
