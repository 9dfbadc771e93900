"""Messages about spot prices."""

from typing import Any

import pytest

from consumers.messages.price import MAX_SLOTS
from ledger.intake.message import content_sha256
from ledger.tariffbook.events import PriceSlot
from ledger.values.time import to_instant
from tests.unit.messages.samples import event, fact_of, reason


def published(**data: Any) -> dict[str, Any]:
    """A publication; `data` changes fields."""
    return event("priced", data=data)


def slots(*ends: tuple[str, str], per_kwh: str = "0.1") -> list[dict[str, str]]:
    """Slots of 2 November between two times of the day."""
    day = "2026-11-02T"
    return [{"from": f"{day}{begin}:00Z", "until": f"{day}{end}:00Z", "per_kwh": per_kwh} for begin, end in ends]


def test_slots_are_kept_in_utc_with_their_shortest_price() -> None:
    fact = fact_of(published())
    assert (fact.series, fact.currency) == ("NL-DA", "EUR")
    assert fact.slots == tuple(
        PriceSlot(from_=to_instant(f"2026-11-02T{begin}:00Z"), until=to_instant(f"2026-11-02T{end}:00Z"), per_kwh=price)
        for begin, end, price in (("08:00", "08:15", "-0.0123"), ("08:15", "08:30", "0.1"))
    )


def test_a_slot_may_follow_after_a_gap_and_be_of_any_length() -> None:
    assert len(fact_of(published(slots=slots(("08:00", "09:00"), ("09:15", "09:30")))).slots) == 2


def test_the_same_prices_are_a_repeat_however_they_are_written() -> None:
    written = [content_sha256(fact_of(published(slots=slots(("08:00", "08:15"), per_kwh=p)))) for p in ("0.1", "0.10")]
    other = content_sha256(fact_of(published(slots=slots(("08:00", "08:15"), per_kwh="0.11"))))
    assert written[0] == written[1] != other


@pytest.mark.parametrize("per_kwh", ["-0.0123", "0", "-999999999999.999999", "999999999999.999999"])
def test_a_price_may_be_below_zero(per_kwh: str) -> None:
    assert fact_of(published(slots=slots(("08:00", "08:15"), per_kwh=per_kwh))).slots[0].per_kwh == per_kwh


@pytest.mark.parametrize(
    "per_kwh", ["+1", "--1", "1e3", "", ".5", "1.", "1.1234567", "1234567890123", "0,1", "１", "1\n"]
)
def test_a_price_that_is_no_decimal_text_is_unreadable(per_kwh: str) -> None:
    assert reason(published(slots=slots(("08:00", "08:15"), per_kwh=per_kwh))).startswith("$.data.slots[0].per_kwh: ")


def test_a_price_that_is_a_number_is_unreadable() -> None:
    wrong = [{**slots(("08:00", "08:15"))[0], "per_kwh": 0.1}]
    assert reason(published(slots=wrong)) == "$.data.slots[0].per_kwh: must be a JSON string, not 0.1"


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (slots(("08:00", "08:00")), "$.data.slots[0].until: is not after $.data.slots[0].from"),
        (slots(("08:15", "08:00")), "$.data.slots[0].until: is not after $.data.slots[0].from"),
        (
            slots(("08:00", "08:20"), ("08:15", "08:30")),
            "$.data.slots[1].from: is before the end of the slot before it",
        ),
        (
            slots(("08:15", "08:30"), ("08:00", "08:15")),
            "$.data.slots[1].from: is before the end of the slot before it",
        ),
        ([], "$.data.slots: "),
        (slots(("08:00", "08:15")) * (MAX_SLOTS + 1), "$.data.slots: "),
        ([{"from": "2026-11-02", "until": "2026-11-03T00:00:00Z", "per_kwh": "1"}], "$.data.slots[0].from: must be an"),
    ],
)
def test_slots_without_length_out_of_order_overlapping_or_too_many_are_unreadable(wrong: Any, line: str) -> None:
    assert reason(published(slots=wrong)).startswith(line)


def test_a_currency_must_exist() -> None:
    assert reason(published(currency="EUX")) == "$.data.currency: is no currency of ISO 4217, not 'EUX'"
