"""What the signatures of a session mean for its bill."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from ledger.meter.events import KeyRegistered, MeterConfigured
from ledger.meter.judging import Judgement, Leg, MeteredSession, SignedReading, UsedPages, judge
from ledger.meter.signed_value import Stated
from ledger.meter.state import Meter, evolve
from tests.meters import ANOTHER_SECRET, BEGIN, END, meter, payload

BEGAN = Stated(12_500_000, datetime(2026, 11, 2, 8, tzinfo=UTC), "M-4711")
ENDED = Stated(20_125_000, datetime(2026, 11, 2, 9, tzinfo=UTC), "M-4711")
P256 = meter("secp256r1")
STRANGER = meter("secp256r1", ANOTHER_SECRET)
ORIGIN: dict[str, Any] = {
    "source": "/cpo/meters", "message_id": "1", "topic": "ev.meters.v1", "partition": 0, "offset": 0,
    "occurred_at": BEGAN.taken_at, "tenant": "default", "meter_id": "M-4711",
}  # fmt: skip
KEY = KeyRegistered(**ORIGIN, public_key=P256.key, encoding="OCMF", valid_from=BEGAN.taken_at)


def known(*facts: Any) -> Meter:
    state = Meter()
    for fact in facts:
        evolve(state, fact)
    return state


def signed(stated: Stated, *readings: dict[str, Any], page: str, **changes: Any) -> SignedReading:
    data = P256.record(payload(page, *readings)).decode()
    whole = {"message": f"message of {page}", "stated": stated, "encoding": "OCMF", "data": data}
    return SignedReading(**(whole | changes))


AT_BEGIN = signed(BEGAN, BEGIN, page="T7")
AT_END = signed(ENDED, END, page="T8")
WITH_KEY = known(KEY)


def judged(*readings: SignedReading, of: Meter = WITH_KEY, **changes: Any) -> Judgement:
    of_session: dict[str, Any] = {"country": "DE", "by_time": False}
    of_session |= {name: changes.pop(name) for name in of_session if name in changes}
    leg: dict[str, Any] = {"meter_id": "M-4711", "meter": of, "begin": BEGAN, "end": ENDED, "readings": readings}
    return judge(MeteredSession(legs=(Leg(**(leg | changes)),), **of_session))


def codes(judgement: Judgement) -> list[tuple[str, str]]:
    return [(hold.code, hold.because) for hold in judgement.holds]


def test_begin_and_end_signed_by_the_registered_key_may_be_billed() -> None:
    judgement = judged(AT_BEGIN, AT_END, by_time=True)
    assert judgement.holds == ()
    assert [(each.message, each.verdict.outcome, each.verdict.key_source) for each in judgement.verdicts] == [
        ("message of T7", "valid", "registered"),
        ("message of T8", "valid", "registered"),
    ]
    assert judgement.policy == "signed.1"


def test_one_record_with_begin_and_end_suffices_attached_to_both_readings() -> None:
    both = (signed(BEGAN, BEGIN, END, page="T7"), signed(ENDED, BEGIN, END, page="T7"))
    assert judged(*both).holds == ()


def test_unsigned_sessions_are_held_in_germany_only() -> None:
    assert codes(judged()) == [("SIGNATURE_MISSING", "begin"), ("SIGNATURE_MISSING", "end")]
    assert codes(judged(country="NL")) == []
    german_meter = known(KEY, MeterConfigured(**ORIGIN, legal_metering="DE"))
    assert codes(judged(country="NL", of=german_meter)) != []


def test_an_end_alone_does_not_show_where_the_session_began() -> None:
    assert ("SIGNATURE_MISSING", "begin") in codes(judged(AT_END))


def test_a_carried_key_is_not_a_registered_one() -> None:
    readings = [msgspec.structs.replace(each, carried_key=P256.key) for each in (AT_BEGIN, AT_END)]
    held = codes(judged(*readings, of=known()))
    assert ("SIGNATURE_KEY_NOT_REGISTERED", "message of T7") in held
    assert codes(judged(*readings, of=known(), country="NL")) == []


def test_a_key_counts_from_its_day_on() -> None:
    later = msgspec.structs.replace(KEY, valid_from=ENDED.taken_at)
    held = codes(judged(AT_BEGIN, AT_END, of=known(later)))
    assert held == [("SIGNATURE_KEY_UNKNOWN", "message of T7"), ("SIGNATURE_MISSING", "begin")]


def test_an_invalid_signature_holds_everywhere() -> None:
    stranger = known(msgspec.structs.replace(KEY, public_key=STRANGER.key))
    assert ("SIGNATURE_INVALID", "message of T7") in codes(judged(AT_BEGIN, AT_END, of=stranger, country="NL"))
    unreadable = msgspec.structs.replace(AT_BEGIN, data="OCMF|{")
    assert codes(judged(unreadable, country="NL")) == [("SIGNATURE_INVALID", "message of T7")]


def test_another_format_is_unsupported_and_not_invalid() -> None:
    edl = msgspec.structs.replace(AT_BEGIN, encoding="EDL", data="opaque")
    assert ("SIGNATURE_UNSUPPORTED", "message of T7") in codes(judged(edl))
    assert codes(judged(edl, country="NL")) == []


def test_a_message_that_differs_from_what_was_signed_holds_everywhere() -> None:
    differing = signed(Stated(12_500_001, BEGAN.taken_at, "M-4711"), BEGIN, page="T7")
    for country in ("DE", "NL"):
        (hold,) = judged(differing, AT_END, country=country).holds
        assert (hold.code, hold.because) == ("SIGNED_VALUE_DIFFERS", "message of T7")
        assert hold.text == "register is 12.500001 kWh in the message and 12.500 kWh in the signed record"


def test_the_billed_registers_must_be_the_signed_ones() -> None:
    other = Stated(20_000_000, ENDED.taken_at, "M-4711")
    judgement = judged(AT_BEGIN, AT_END, end=other)
    assert codes(judgement) == [("SIGNATURE_MISSING", "end")]


def test_findings_hold_by_the_policy() -> None:
    after_a_gap = signed(ENDED, END, page="T9")
    assert codes(judged(AT_BEGIN, after_a_gap)) == [("PAGINATION_GAP", "T9")]
    assert codes(judged(AT_BEGIN, after_a_gap, country="NL")) == []
    unusable = signed(ENDED, END | {"EF": "E"}, page="T8")
    assert codes(judged(AT_BEGIN, unusable, country="NL")) == [("ENERGY_NOT_USABLE", "T8")]


def test_a_clock_counts_only_for_prices_by_time() -> None:
    informative = signed(ENDED, END | {"TM": "2026-11-02T09:00:00,000+0000 I"}, page="T8")
    assert codes(judged(AT_BEGIN, informative)) == []
    assert codes(judged(AT_BEGIN, informative, by_time=True)) == [("CLOCK_NOT_LEGAL", "T8")]


def test_pages_go_on_from_the_session_before() -> None:
    judgement = judged(AT_BEGIN, AT_END, last_pages={"T": 5})
    assert codes(judgement) == [("PAGINATION_GAP", "T7")]
    assert judgement.pages == (UsedPages(meter_id="M-4711", context="T", first=7, last=8, before=5),)
    assert codes(judged(AT_BEGIN, AT_END, last_pages={"T": 6})) == []
    assert codes(judged(AT_BEGIN, AT_END, last_pages={"T": 7})) == [("PAGINATION_REPEATED", "T7")]


def test_pages_count_whatever_the_signature_is_worth() -> None:
    assert judged(AT_BEGIN, AT_END, of=known()).pages == judged(AT_BEGIN, AT_END).pages
