"""What stations really send, row by row: the messages, and then the bill.

What only a station's own protocol knows (a batch with nothing but a clock sample, units that are not said, the offset
`+0000`) is tested where it is read: tests/unit/ocpp, tests/unit/meter.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from consumers.ticks import Ticker
from ledger.application import Ledger
from ledger.session.plausibility.rules import DEFAULT_RULES
from projections.projector import Projector
from tests.building import AT, Event, component, end, minute, parked, reading, start, state, tariff
from tests.integration.billing import Books
from tests.integration.read_side import select

DAY = 24 * 60
PRICES = (component("ENERGY", "0.30"), component("PARKING_TIME", "6"))

SESSIONS = "SELECT status, held_codes FROM finance.session_costs WHERE session_id = 'S'"


class Bill(NamedTuple):
    """What became of session S: its status, the codes that hold it, the net of its invoice, and what is on it."""

    status: str
    codes: tuple[str, ...]
    net_minor: int | None
    quantities: dict[str, str]


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.deliver(tariff("P", *PRICES))
        books.account("A")
        yield books
        books.close()


def begun(minutes: int = 0, kwh: str = "1000.000", **data: Any) -> Event:
    return start("S", minutes, kwh, account_id="A", tariff_id="P", max_power_kw="11", **data)


def bill(books: Books) -> Bill:
    """Bill what there is to bill, and look."""
    books.bill()
    Projector(books.ledger.url).catch_up()
    (row,) = select(books.ledger.url, SESSIONS)
    lines = [line for invoice in books.invoices for line in invoice.lines]
    net = books.invoices[-1].totals.net_minor if books.invoices else None
    return Bill(row["status"], tuple(row["held_codes"]), net, {line.dimension: line.quantity for line in lines})


def held_for(*codes: str) -> Bill:
    """Nothing is billed."""
    return Bill("HELD", codes, None, {})


def billed(net_minor: int, **quantities: str) -> Bill:
    return Bill("BILLED", (), net_minor, quantities)


def test_a_placeholder_of_zero_at_the_begin(books: Books) -> None:
    """910.031 kWh would have been billed instead of 0.083."""
    books.deliver(begun(kwh="0"), reading("S", 1, "910.031"), end("S", 2, "910.114"))
    assert bill(books) == held_for("IMPLAUSIBLE_JUMP")


def test_a_clock_aligned_register_is_a_reading_like_any_other(books: Books) -> None:
    """It tells that no energy flowed after half an hour, so the rest was parking."""
    clock = {"context": "Sample.Clock"}
    books.deliver(begun(), reading("S", 30, "1005", **clock), state("S", 30, "SuspendedEV"), end("S", kwh="1005"))
    assert bill(books) == billed(450, ENERGY="5.000", PARKING_TIME="0.5")


@pytest.mark.parametrize(
    ("registers", "code"),
    [
        (["1000.002760", "1000.005520", "1000.011040"], "ENERGY_BELOW_POWER"),
        (["3760", "6520", "12040"], "IMPLAUSIBLE_JUMP"),
    ],
    ids=["kWh labelled Wh", "Wh labelled kWh"],
)
def test_units_that_are_labelled_wrong(books: Books, registers: list[str], code: str) -> None:
    power = {"power_kw": "11.04"}
    books.deliver(begun(), reading("S", 15, registers[0], **power), reading("S", 30, registers[1], **power))
    books.deliver(end("S", 60, registers[2]))
    assert bill(books) == held_for(code)


def test_a_stop_register_below_the_start_register(books: Books) -> None:
    books.deliver(begun(), end("S", kwh="990"))
    assert bill(books) == held_for("END_BELOW_START")


def test_a_register_that_a_reboot_reset(books: Books) -> None:
    books.deliver(begun(), reading("S", 20, "1003"), reading("S", 30, "0.500"), end("S", kwh="1004"))
    assert bill(books).codes == ("IMPLAUSIBLE_JUMP", "METER_WENT_BACKWARDS")
    assert books.invoices == []


def test_the_same_sample_twice_and_one_that_contradicts_it(books: Books) -> None:
    same = reading("S", 30, "1005")
    books.deliver(begun(), same, same, same.under(id="again"), reading("S", 30, "1006").under(id="other"), end("S"))
    appended, duplicates, refused = books.feed.outcomes()
    assert (appended, duplicates, refused) == (3 + 3, 2, 1)
    assert bill(books) == billed(300, ENERGY="10.000")


def test_an_end_is_never_parked_for_a_sample_of_its_instant(books: Books) -> None:
    books.deliver(begun(), reading("S", 60, "1009.900"), end("S"))
    assert bill(books) == billed(300, ENERGY="10.000")


def test_readings_out_of_order(books: Books) -> None:
    books.deliver(begun(), reading("S", 45, "1008"), reading("S", 15, "1003"), end("S"), reading("S", 30, "1005"))
    assert bill(books) == billed(300, ENERGY="10.000")


def test_a_meter_that_creeps_after_the_end(books: Books) -> None:
    """A few watt-hours: noted, and no part of the session."""
    books.deliver(begun(), end("S"), reading("S", 75, "1010.008"))
    assert bill(books) == billed(300, ENERGY="10.000")


def test_a_meter_that_runs_on_after_the_end(books: Books) -> None:
    books.deliver(begun(), end("S"), reading("S", 75, "1010.101"))
    assert bill(books) == held_for("ENERGY_AFTER_END")


def test_a_fraction_of_a_watt_hour_is_exact(books: Books) -> None:
    """The step of the tariff, a watt-hour, is rounded up once; the energy is not."""
    books.deliver(begun(kwh="1000.000001"), end("S", kwh="1010.123457"))
    assert bill(books) == billed(304, ENERGY="10.124")
    assert books.invoices[0].sessions[0].energy_milliwh == 10_123_456


def test_an_end_that_never_comes_and_then_does(books: Books) -> None:
    books.deliver(begun(), reading("S", 30, "1005"), start("NEXT", 30 + 2 * DAY, account_id="A", tariff_id="P"))
    Ticker(books.ledger, DEFAULT_RULES).tick(minute(30) + timedelta(hours=48))
    assert bill(books) == held_for("END_ESTIMATED")
    books.deliver(end("S"))
    assert bill(books) == billed(300, ENERGY="10.000")


def test_a_second_end_with_other_data(books: Books) -> None:
    books.deliver(begun(), end("S"), end("S", 61, "1011"))
    assert [row.kind for row in parked(books.ledger, "ev.sessions.v1")] == ["REFUSED"]
    assert bill(books) == held_for("TWO_ENDS")


def test_a_change_of_the_clock_in_the_middle(books: Books) -> None:
    """On 25 October 2026 an hour comes twice: by the wall clock an hour of parking, and two hours in truth."""
    begins = round((datetime(2026, 10, 25, 0, 30, tzinfo=UTC) - AT) / timedelta(minutes=1))
    books.deliver(begun(begins), reading("S", begins + 30, "1003"), state("S", begins + 30, "SuspendedEV"))
    books.deliver(end("S", begins + 150, "1003"))
    assert bill(books) == billed(90 + 1200, ENERGY="3.000", PARKING_TIME="2")


def test_more_energy_than_the_connector_delivers(books: Books) -> None:
    books.deliver(begun(), reading("S", 30, "1005"), reading("S", 31, "1005.321"), end("S"))
    assert bill(books) == held_for("IMPLAUSIBLE_JUMP")


def test_a_register_that_is_frozen_while_the_station_charges(books: Books) -> None:
    books.deliver(begun(), state("S", 0, "Charging"), reading("S", 10, "1001"), end("S", 40, "1001"))
    assert bill(books) == held_for("METER_FROZEN")


def test_a_register_that_stands_still_before_any_state_was_said(books: Books) -> None:
    books.deliver(begun(), reading("S", 10, "1001"), end("S", 600, "1001"))
    assert bill(books) == billed(30, ENERGY="1.000")


def test_energy_that_flows_while_the_car_is_said_to_be_parked(books: Books) -> None:
    """All of it is charging, as a station that says SuspendedEV first and Idle last would have it."""
    books.deliver(begun(), state("S", 1, "SuspendedEV"), reading("S", 30, "1005"), state("S", 59, "Idle"), end("S"))
    assert bill(books) == billed(300, ENERGY="10.000")


def test_a_message_that_is_missing_by_the_station_s_numbers(books: Books) -> None:
    books.deliver(begun(seq_no=0), end("S", seq_no=2))
    assert bill(books) == held_for("SEQ_GAP")
    books.deliver(reading("S", 30, "1005", seq_no=1))
    assert bill(books) == billed(300, ENERGY="10.000")


def test_a_message_that_never_comes_is_waited_for(books: Books) -> None:
    books.deliver(begun(seq_no=0), end("S", seq_no=2))
    Ticker(books.ledger, DEFAULT_RULES).tick(minute(60) + timedelta(hours=24))
    assert bill(books) == billed(300, ENERGY="10.000")
