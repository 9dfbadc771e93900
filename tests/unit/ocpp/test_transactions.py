"""Which session a frame belongs to, what waits for what, and what goes on when it comes."""

from pathlib import Path

import pytest

from tests.unit.ocpp.adapted import adapted
from tests.unit.ocpp.logs import (
    account,
    at_201,
    start_16,
    started_16,
    station,
    status_16,
    stop_16,
    transaction_201,
    values_16,
)

KNOWN = (account(), station(connectors=2))
BEGUN = (*KNOWN, start_16("m1", "2026-11-02T08:00:00Z", 1000), started_16("m1", 1))
AGAIN = (start_16("n1", "2026-11-03T08:00:00Z", 9000), started_16("n1", 1))
FIRST, SECOND = "S-1:1:20261102T080000Z", "S-1:1:20261103T080000Z"


def subjects(folder: Path, *lines: str) -> list[str]:
    """The session of each message but the starts."""
    events = adapted(folder, lines).events
    return [event["subject"] for event in events if not event["type"].endswith("started.v1")]


def waiting(folder: Path, *lines: str) -> list[str]:
    return [listed.reason for listed in adapted(folder, lines).listed]


def test_an_id_that_comes_again_is_another_session(tmp_path: Path) -> None:
    lines = (
        values_16("a", "2026-11-02T08:30:00Z", {"value": "4000"}),
        values_16("b", "2026-11-03T08:30:00Z", {"value": "9500"}),
        stop_16("c", "2026-11-02T09:00:00Z", 8000),
        stop_16("d", "2026-11-03T09:00:00Z", 9900),
    )
    assert subjects(tmp_path, *BEGUN, *AGAIN, *lines) == [FIRST, SECOND, FIRST, SECOND]


def test_a_stop_before_the_start_of_its_id_waits_for_the_earlier_start(tmp_path: Path) -> None:
    lines = (*KNOWN, *AGAIN, stop_16("c", "2026-11-02T09:00:00Z", 8000))
    assert waiting(tmp_path, *lines) == ["the start of transaction 1 was not read yet"]
    assert subjects(tmp_path, *lines, *BEGUN[2:]) == [FIRST]


def test_a_second_stop_at_another_instant_waits_for_the_next_start(tmp_path: Path) -> None:
    ended = (*BEGUN, stop_16("c", "2026-11-02T09:00:00Z", 8000))
    lines = (*ended, stop_16("d", "2026-11-03T09:00:00Z", 9900))
    assert waiting(tmp_path, *lines) == ["the start of transaction 1 was not read yet"]
    assert subjects(tmp_path, *lines, *AGAIN) == [FIRST, SECOND]


def test_a_reading_soon_after_the_end_belongs_to_the_session_and_a_late_one_waits(tmp_path: Path) -> None:
    ended = (*BEGUN, stop_16("c", "2026-11-02T09:00:00Z", 8000))
    assert subjects(tmp_path, *ended, values_16("d", "2026-11-02T09:00:10Z", {"value": "8001"})) == [FIRST, FIRST]
    lines = (*ended, values_16("d", "2026-11-03T08:30:00Z", {"value": "9500"}))
    assert waiting(tmp_path, *lines) == ["the start of transaction 1 was not read yet"]
    assert subjects(tmp_path, *lines, *AGAIN) == [FIRST, SECOND]


def test_a_sample_of_the_begin_may_be_stamped_before_the_start(tmp_path: Path) -> None:
    assert subjects(tmp_path, *BEGUN, values_16("a", "2026-11-02T07:59:30Z", {"value": "1000"})) == [FIRST]
    early = values_16("a", "2026-11-02T07:58:00Z", {"value": "1000"})
    assert waiting(tmp_path, *BEGUN, early) == ["the start of transaction 1 was not read yet"]


@pytest.mark.parametrize("transaction_id", [None, 0])
def test_values_without_a_transaction_belong_to_the_one_on_their_connector(
    tmp_path: Path, transaction_id: int | None
) -> None:
    def at(instant: str, connector_id: int = 1) -> str:
        return values_16(instant, instant, {"value": "4000"}, transaction_id=transaction_id, connector_id=connector_id)

    stop = stop_16("c", "2026-11-02T09:00:00Z", 8000)
    lines = (at("2026-11-02T08:30:00Z"), at("2026-11-02T08:30:00Z", 2), stop, at("2026-11-02T09:00:01Z"))
    found = adapted(tmp_path, [*BEGUN, *lines])
    assert [event["type"].split(".")[2] for event in found.events] == ["started", "metered", "ended"]
    assert found.listed == []


def test_a_repeated_start_under_another_message_id_is_the_same_session(tmp_path: Path) -> None:
    again = (start_16("m9", "2026-11-02T08:00:00Z", 1000), started_16("m9", 1))
    found = adapted(tmp_path, [*BEGUN, *again])
    assert [event["subject"] for event in found.events] == [FIRST]
    assert found.listed == []


def test_a_start_that_never_got_its_answer_is_listed(tmp_path: Path) -> None:
    found = waiting(tmp_path, *KNOWN, start_16("m1", "2026-11-02T08:00:00Z", 1000))
    assert found == ["waits for the answer, which has the transaction's id"]
    assert waiting(tmp_path, *KNOWN, started_16("m1", 1)) == ["answer to a request that was not read yet"]


def test_a_connector_that_the_station_does_not_have_waits_for_the_station(tmp_path: Path) -> None:
    lines = (account(), station(), start_16("m1", "2026-11-02T08:00:00Z", 1000, connector_id=2), started_16("m1", 1))
    assert waiting(tmp_path, *lines) == ["station S-1 has no connector on EVSE 2"]
    assert adapted(tmp_path, [*lines, station(connectors=2)]).of("started")[0]["evse_uid"] == "S-1-2"


def test_states_between_start_and_end_change_the_session_and_others_do_not(tmp_path: Path) -> None:
    lines = (
        *BEGUN,
        status_16("a", "2026-11-02T07:59:00Z", "Charging"),
        status_16("b", "2026-11-02T08:00:05Z", "Charging"),
        status_16("c", "2026-11-02T08:10:00Z", "SuspendedEVSE"),
        status_16("d", "2026-11-02T08:20:00Z", "Preparing"),
        status_16("e", "2026-11-02T08:20:00Z", "Charging", connector_id=2),
        status_16("f", "2026-11-02T08:50:00Z", "Finishing"),
        stop_16("g", "2026-11-02T09:00:00Z", 8000),
        status_16("h", "2026-11-02T09:00:01Z", "Finishing"),
    )
    found = adapted(tmp_path, lines)
    states = [data["charging_state"] for data in found.of("state-changed")]
    assert states == ["Charging", "SuspendedEVSE", "EVConnected"]
    assert [listed.reason for listed in found.listed] == ["no transaction on connector 2 at this time was read yet"]


def test_an_end_without_a_register_has_that_of_the_last_reading(tmp_path: Path) -> None:
    lines = (
        *KNOWN,
        transaction_201("Started", "2026-11-02T08:00:00Z", 0, at_201("2026-11-02T08:00:00Z", {"value": 1000})),
        transaction_201("Updated", "2026-11-02T08:30:00Z", 2, at_201("2026-11-02T08:30:00Z", {"value": 5000})),
        transaction_201("Updated", "2026-11-02T08:15:00Z", 1, at_201("2026-11-02T08:15:00Z", {"value": 3000})),
        transaction_201("Ended", "2026-11-02T09:00:00Z", 3),
    )
    assert adapted(tmp_path, lines).of("ended") == [{"register_kwh": "5.000", "seq_no": 3}]


def test_a_begin_of_zero_goes_through_as_it_is(tmp_path: Path) -> None:
    """Whether it can be true is for the ledger to judge."""
    start = transaction_201("Started", "2026-11-02T08:00:00Z", 0, at_201("2026-11-02T08:00:00Z", {"value": 0}))
    assert adapted(tmp_path, [*KNOWN, start]).of("started")[0]["register_kwh"] == "0.000"


def test_a_token_is_found_without_regard_to_case(tmp_path: Path) -> None:
    lines = (account("ACC-7", "abcdef"), station(), start_16("m1", "2026-11-02T08:00:00Z", 0, id_tag="ABCDEF"))
    (start,) = adapted(tmp_path, [*lines, started_16("m1", 1)]).of("started")
    assert (start["account_id"], start["token_uid"]) == ("ACC-7", "ABCDEF")


def test_an_id_is_made_of_what_was_measured(tmp_path: Path) -> None:
    """The station repeats under another message id; another register is another message."""
    values = [values_16(name, "2026-11-02T08:30:00Z", {"value": value}) for name, value in (("a", "1"), ("b", "1"))]
    other = values_16("a", "2026-11-02T08:30:00Z", {"value": "2"})
    assert len(adapted(tmp_path, [*BEGUN, *values]).of("metered")) == 1
    assert len(adapted(tmp_path, [*BEGUN, *values, other]).of("metered")) == 2


@pytest.mark.parametrize(("second", "is_carried"), [("00.9", True), ("03", False)])
def test_an_end_carries_the_record_that_was_signed_in_its_second(tmp_path: Path, second: str, is_carried: bool) -> None:
    """The record of another instant stays with its own reading."""
    signed = {"signedMeterData": "T0NNRnx7fXx7fQ==", "encodingMethod": "OCMF", "signingMethod": "", "publicKey": ""}
    values = at_201(
        "2026-11-02T09:00:00Z",
        {"value": 8000, "context": "Transaction.End"},
        {"value": 8.0, "context": "Transaction.End", "signedMeterValue": signed},
    )
    start = transaction_201("Started", "2026-11-02T08:00:00Z", 0, at_201("2026-11-02T08:00:00Z", {"value": 1000}))
    found = adapted(tmp_path, [*KNOWN, start, transaction_201("Ended", f"2026-11-02T09:00:{second}Z", 1, values)])
    assert found.of("metered")[-1]["signed"] == {"encoding": "OCMF", "data": "OCMF|{}|{}"}
    assert ("signed" in found.of("ended")[0]) is is_carried
    assert found.of("ended")[0]["register_kwh"] == "8.000"
