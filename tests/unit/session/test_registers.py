"""Registers as one count: units, roll-over and exchanges, from what is known of the meter."""

from datetime import datetime
from typing import Any

from ledger.meter.events import MeterConfigured, MeterReplaced
from ledger.meter.state import Meter
from ledger.meter.state import evolve as evolve_meter
from ledger.session.consequences import consequences
from ledger.session.events import RegistersConverted, RegisterSubstituted, SessionRated
from ledger.session.registers import convert_registers
from ledger.session.signatures import Meters
from ledger.session.state import Session, evolve
from tests.building import end, fact_of, minute, reading
from tests.unit.session.build import compiled, cost_in, given, held_codes, started

ORIGIN: dict[str, Any] = {
    "source": "/meters", "message_id": "m", "topic": "ev.meters.v1", "partition": 0, "offset": 0,
    "tenant": "default", "meter_id": "M1",
}  # fmt: skip
KWH = 1_000_000
BEFORE = minute(-60)


def meter(*facts: Any) -> Meter:
    state = Meter()
    for fact in facts:
        evolve_meter(state, fact)
    return state


def configured(at: datetime = BEFORE, **fields: Any) -> MeterConfigured:
    return MeterConfigured(**ORIGIN, occurred_at=at, **fields)


def replaced(minutes: int, last_kwh: int, first_kwh: int) -> MeterReplaced:
    registers = {"last_register_milliwh": last_kwh * KWH, "first_register_milliwh": first_kwh * KWH}
    return MeterReplaced(**ORIGIN, occurred_at=minute(0), new_meter_id="M2", at=minute(minutes), **registers)


def concluded(session: Session, known: Meter) -> tuple[RegistersConverted | None, list[Any]]:
    """What follows for the session with its meter known, folded."""
    converted = convert_registers(session, known)
    if converted is not None:
        evolve(session, converted)
    facts = consequences(session, compiled(), meters=Meters(known)).facts
    for fact in facts:
        evolve(session, fact)
    return converted, facts


def rolled_over() -> Session:
    facts = [started(kwh="99995"), fact_of(reading("S", 30, "99999.5")), fact_of(reading("S", 40, "1"))]
    return given(*facts, fact_of(end("S", 60, "5")))


def test_a_roll_over_with_a_known_modulus_is_counted_on() -> None:
    converted, facts = concluded(rolled_over(), meter(configured(roll_over_milliwh=100_000 * KWH)))
    assert converted is not None
    assert converted.because == ("roll-over at 100000.000 kWh",)
    assert [each.register_milliwh for each in converted.registers] == [100_001 * KWH, 100_005 * KWH]
    assert cost_in(facts).energy_milliwh == 10 * KWH
    assert (held_codes(facts), cost_in(facts).substituted) == ([], ())


def test_a_roll_over_without_a_modulus_is_held() -> None:
    _, facts = concluded(rolled_over(), meter())
    assert "END_BELOW_START" in held_codes(facts)


def test_a_fall_that_is_no_roll_over_stays_one() -> None:
    session = given(started(kwh="60000"), fact_of(end("S", 60, "59990")))
    converted, facts = concluded(session, meter(configured(roll_over_milliwh=100_000 * KWH)))
    assert converted is None
    assert held_codes(facts) == ["END_BELOW_START"]


def test_an_exchange_within_the_session_goes_on_at_the_new_register() -> None:
    session = given(started(kwh="1000"), fact_of(reading("S", 20, "1004")), fact_of(end("S", 60, "3")))
    converted, facts = concluded(session, meter(replaced(30, 1005, 0)))
    assert converted is not None
    assert converted.because == ("exchange /meters m",)
    assert cost_in(facts).energy_milliwh == 8 * KWH
    assert held_codes(facts) == []


def test_at_the_instant_of_the_exchange_the_register_tells_which_meter_was_read() -> None:
    for kwh in ("1005", "0"):
        session = given(started(kwh="1000"), fact_of(reading("S", 30, kwh)), fact_of(end("S", 60, "3")))
        _, facts = concluded(session, meter(replaced(30, 1005, 0)))
        assert cost_in(facts).energy_milliwh == 8 * KWH


def test_an_exchange_outside_of_the_session_changes_nothing() -> None:
    session = given(started(kwh="1000"), fact_of(end("S", 60, "1010")))
    assert convert_registers(session, meter(replaced(90, 1010, 0), replaced(-10, 500, 1000))) is None


def mislabelled(*kwh: str) -> Session:
    """10 kW over an hour, by powers; its registers are as given."""
    first, *middle, last = kwh
    samples = [fact_of(reading("S", 20 * place, register, power_kw="10")) for place, register in enumerate(middle, 1)]
    return given(started(kwh=first), *samples, fact_of(end("S", 60, last)))


def test_kilowatt_hours_labelled_watt_hours_are_repaired_by_the_meters_unit() -> None:
    session = mislabelled("1.000", "1.003333", "1.006667", "1.010")
    converted, facts = concluded(session, meter(configured(unit="KWH")))
    assert converted is not None
    assert converted.because == ("unit KWH",)
    assert (cost_in(facts).energy_milliwh, held_codes(facts)) == (10 * KWH, [])


def test_watt_hours_labelled_kilowatt_hours_are_repaired_by_the_meters_unit() -> None:
    session = mislabelled("1000000", "1003333", "1006667", "1010000")
    converted, facts = concluded(session, meter(configured(unit="WH")))
    assert converted is not None
    assert (cost_in(facts).energy_milliwh, held_codes(facts)) == (10 * KWH, [])


def test_without_a_policy_a_mistaken_unit_is_held() -> None:
    assert held_codes(concluded(mislabelled("1.000", "1.003333", "1.006667", "1.010"), meter())[1]) == [
        "ENERGY_BELOW_POWER"
    ]
    assert "IMPLAUSIBLE_JUMP" in held_codes(
        concluded(mislabelled("1000000", "1003333", "1006667", "1010000"), meter())[1]
    )


def test_a_unit_that_is_not_mistaken_changes_nothing() -> None:
    for unit in ("KWH", "WH"):
        session = mislabelled("1000", "1003.333", "1006.667", "1010")
        assert convert_registers(session, meter(configured(unit=unit))) is None


def test_a_placeholder_at_the_begin_is_not_taken_for_another_unit() -> None:
    session = mislabelled("0", "910.010", "910.020", "910.031")
    converted, facts = concluded(session, meter(configured(unit="WH")))
    assert converted is None
    assert "IMPLAUSIBLE_JUMP" in held_codes(facts)


def test_what_is_known_later_is_converted_once_and_releases() -> None:
    session = rolled_over()
    concluded(session, meter())
    known = meter(configured(roll_over_milliwh=100_000 * KWH))
    converted, facts = concluded(session, known)
    assert converted is not None
    assert [type(fact).__name__ for fact in facts] == ["SessionReleased", "SessionRated"]
    assert concluded(session, known) == (None, [])


def test_a_late_reading_is_converted_with_the_others() -> None:
    session = rolled_over()
    known = meter(configured(roll_over_milliwh=100_000 * KWH))
    concluded(session, known)
    evolve(session, fact_of(reading("S", 50, "3")))
    converted, facts = concluded(session, known)
    assert converted is not None
    assert len(converted.registers) == 3
    assert held_codes(facts) == []


def test_a_billed_session_keeps_to_the_configuration_of_its_time() -> None:
    session = rolled_over()
    session.rated = cost_in(concluded(rolled_over(), meter(configured(roll_over_milliwh=100_000 * KWH)))[1])
    assert isinstance(session.rated, SessionRated)
    assert convert_registers(session, meter(configured(minute(90), roll_over_milliwh=100_000 * KWH))) is None


def test_a_persons_word_stays() -> None:
    session = rolled_over()
    known = meter(configured(roll_over_milliwh=100_000 * KWH))
    concluded(session, known)
    word = {"tenant": "default", "session_id": "S", "occurred_at": minute(70), "because": "seen", "actor": "ann"}
    reported = {"reading": "/test ended@60", "reported_milliwh": 5 * KWH}
    evolve(session, RegisterSubstituted(**word, **reported, register_milliwh=100_004 * KWH))
    _, facts = concluded(session, known)
    assert cost_in(facts).energy_milliwh == 9 * KWH
    assert cost_in(facts).substituted == ("/test ended@60",)
