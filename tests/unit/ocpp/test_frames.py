"""Envelopes and payloads: what is read, what is ignored, what is refused and with which words."""

import json
from pathlib import Path

import pytest

from tests.unit.ocpp.adapted import adapted
from tests.unit.ocpp.logs import (
    Json,
    account,
    answer,
    at_201,
    bare,
    citrineos,
    line,
    request,
    start_16,
    started_16,
    station,
    stop_16,
    transaction_201,
    values_16,
)

AT = "2026-11-02T08:00:00Z"
BEGUN = (account(), station(), start_16("m1", AT, 1000), started_16("m1", 1))


def reason(folder: Path, frame: str) -> str:
    """Why the adapter cannot read a frame."""
    (listed,) = adapted(folder, [frame]).listed
    assert listed.kind == "UNREADABLE"
    return listed.reason


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (bare("nothing"), "neither an OCPP-J frame"),
        (bare([2, "m", "Heartbeat"]), "no OCPP-J frame: must be [2, id, action, {…}] or [3, id, {…}]"),
        (bare([]), "no OCPP-J frame"),
        (bare([9, "m", {}]), "no OCPP-J frame"),
        (bare("[2, "), "truncated"),
        (bare([2, "m", "Heartbeat", {}], version="1.5"), "header ocpp-version: '1.5' is not read: 1.6 or 2.0.1"),
        (line("t", "S-1", [2, "m", "Heartbeat", {}]), "header ocpp-version: is missing"),
        (bare([2, "m", "Heartbeat", {}], station_id="a b"), "header station-id: must be printable ASCII"),
        (stop_16("m", "yesterday", 1), "$.timestamp: 'yesterday' is no instant with an offset"),
        (stop_16("m", "2026-11-02T08:00:00", 1), "$.timestamp: '2026-11-02T08:00:00' is no instant with an offset"),
        (stop_16("m", "1999-11-02T08:00:00Z", 1), "outside of the years"),
        (stop_16("m", AT, -5), "$.meterStop: must be a number that is not negative"),
        (stop_16("m", AT, "NaN"), "$.meterStop: must be a number that is not negative"),
        (stop_16("m", AT, "1e400"), "$.meterStop: is out of range"),
        (stop_16("m", AT, True), "Expected `decimal`, got `bool` - at `$.meterStop`"),
        (request("m", "StopTransaction", {"transactionId": 1}), "missing required field `timestamp`"),
        (values_16("m", AT, {"value": "much"}), "$.meterValue[0].sampledValue[0].value: must be a number"),
        (values_16("m", AT, {"value": "1", "unit": "Furlong"}), "'Furlong' is no unit of a register: Wh or kWh"),
        (values_16("m", AT, {"value": "1", "location": "Moon"}), "'Moon' is no location of OCPP"),
        (transaction_201("Started", AT, 0, transaction_id="x" * 101), "1 to 100 characters"),
        (start_16("m", AT, 0, id_tag="a b"), "$.idTag: must be printable ASCII without spaces"),
        (transaction_201("Started", AT, -1), "$.seqNo: must be 0 to 2147483647"),
        (transaction_201("Begun", AT, 0), "Invalid enum value 'Begun' - at `$.eventType`"),
        (citrineos("m", "StopTransaction", {}, version="2.1"), "$._protocol: 'ocpp2.1' is not read"),
        (json.dumps({"topic": "t", "value": '{"_origin": "cs"}'}), "missing required field `action`"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, frame: str, said: str) -> None:
    found = reason(tmp_path, frame)
    assert said in found
    assert "\n" not in found


def test_a_state_without_a_timestamp_holds_from_its_reception(tmp_path: Path) -> None:
    status = request("s", "StatusNotification", {"connectorId": 1, "status": "SuspendedEV", "errorCode": "NoError"})
    assert adapted(tmp_path, [*BEGUN, status]).events[-1]["time"] == "2026-11-02T12:00:00Z"
    unknown = status.replace("2026-11-02T12:00:00Z", "at noon")
    assert reason(tmp_path, unknown) == "$.timestamp: is missing, and so is the instant of reception"


@pytest.mark.parametrize("size", [256 * 1024 + 1, 300 * 1024])
def test_a_frame_that_is_too_long_is_not_parsed(tmp_path: Path, size: int) -> None:
    assert reason(tmp_path, bare("[" + " " * (size - 1))) == f"the value has {size} bytes: at most 262144 are read"


@pytest.mark.parametrize(
    "frame",
    [
        request("m", "Heartbeat", {}),
        request("m", "NoSuchAction", {"transactionId": 1}),
        answer("m", {"currentTime": AT}),
        bare([4, "m", "InternalError", "", {}]),
        bare([2, "m", "RemoteStartTransaction", {"idTag": "A"}], direction="to-station"),
        bare([3, "m", {"transactionId": 1}], direction="to-csms"),
        request("m", "StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"}),
        request("m", "StatusNotification", {"connectorId": 0, "status": "Charging", "timestamp": AT}),
        values_16("m", AT, {"value": "1"}, connector_id=0, transaction_id=None),
        request("m", "MeterValues", {"evseId": 0, "meterValue": []}, "2.0.1"),
        citrineos("m", "RemoteStartTransaction", {}, is_answer=False).replace('"cs\\"', '"csms\\"'),
        citrineos("m", "Heartbeat", {"currentTime": AT}, is_answer=True),
    ],
)
def test_what_says_nothing_about_charging_is_counted_and_ignored(tmp_path: Path, frame: str) -> None:
    found = adapted(tmp_path, [frame])
    assert (found.counts["ignored"], found.listed) == (1, [])


def register(folder: Path, at: str = "2026-11-02T08:30:00Z", **sampled: object) -> list[str]:
    content: Json = {"value": "2000", **sampled}
    return [data["register_kwh"] for data in adapted(folder, [*BEGUN, values_16("m", at, content)]).of("metered")]


@pytest.mark.parametrize(
    ("sampled", "kwh"),
    [
        ({}, "2.000"),
        ({"value": 2000}, "2.000"),
        ({"value": "2", "unit": "kWh"}, "2.000"),
        ({"value": "2.5", "unit": "KWH"}, "2.500"),
        ({"value": "70.14"}, "0.07014"),
        ({"value": " 70.14 "}, "0.07014"),
        ({"value": "70.1234"}, "0.070123"),  # a tenth of a milliwatt-hour is no reading
        ({"value": "70.1235"}, "0.070124"),
        ({"value": "0.0005"}, "0.000"),
        ({"value": "2E3"}, "2.000"),
    ],
)
def test_a_register_is_exact_whatever_its_unit_and_form(tmp_path: Path, sampled: Json, kwh: str) -> None:
    assert register(tmp_path, **sampled) == [kwh]


@pytest.mark.parametrize(
    ("at", "instant"),
    [
        ("2026-11-02T08:30:00Z", "2026-11-02T08:30:00Z"),
        ("2026-11-02T09:30:00+0100", "2026-11-02T08:30:00Z"),
        ("2026-11-02T09:30:00+01:00", "2026-11-02T08:30:00Z"),
        ("2026-11-02T08:30:00.1234567891Z", "2026-11-02T08:30:00.123456Z"),
        ("2026-11-02t08:30:00.5z", "2026-11-02T08:30:00.5Z"),
    ],
)
def test_an_instant_is_the_same_in_every_form_of_its_offset(tmp_path: Path, at: str, instant: str) -> None:
    found = adapted(tmp_path, [*BEGUN, values_16("m", at, {"value": "2000"})])
    assert found.events[-1]["time"] == instant


@pytest.mark.parametrize(
    ("unit", "value", "multiplier"), [("Wh", 20, 2), ("kWh", 2, 0), ("kWh", 2000, -3), ("Wh", 2000, 0)]
)
def test_a_multiplier_is_a_power_of_ten(tmp_path: Path, unit: str, value: int, multiplier: int) -> None:
    sampled = {"value": value, "unitOfMeasure": {"unit": unit, "multiplier": multiplier}}
    frame = transaction_201("Started", AT, 0, at_201(AT, sampled))
    assert adapted(tmp_path, [account(), station(), frame]).of("metered")[0]["register_kwh"] == "2.000"


def test_a_batch_without_an_import_register_yields_nothing(tmp_path: Path) -> None:
    others = [
        {"value": "55", "measurand": "SoC"},
        {"value": "3.1", "measurand": "Power.Active.Import", "unit": "kW"},
        {"value": "12", "measurand": "Energy.Active.Import.Interval"},
        {"value": "99", "measurand": "Energy.Active.Export.Register"},
    ]
    assert adapted(tmp_path, [*BEGUN, values_16("m", "2026-11-02T08:30:00Z", *others)]).of("metered") == []


def test_measurands_for_information_are_left_out_where_they_cannot_be_read(tmp_path: Path) -> None:
    others = [
        {"value": "2000"},
        {"value": "-3", "measurand": "Power.Active.Import"},
        {"value": "3", "measurand": "Current.Import", "unit": "Percent"},
        {"value": "400", "measurand": "SoC"},
    ]
    (data,) = adapted(tmp_path, [*BEGUN, values_16("m", "2026-11-02T08:30:00Z", *others)]).of("metered")
    assert data == {"register_kwh": "2.000", "context": "Sample.Periodic"}


def test_two_registers_for_one_instant_and_context_are_both_told(tmp_path: Path) -> None:
    """That they contradict each other is for the ledger to say."""
    twice = values_16("m", "2026-11-02T08:30:00Z", {"value": "2000"}, {"value": "2001"}, {"value": "2000"})
    found = adapted(tmp_path, [*BEGUN, twice]).of("metered")
    assert [data["register_kwh"] for data in found] == ["2.000", "2.001"]


@pytest.mark.parametrize(
    ("power_type", "phases", "kwh"),
    [
        ("AC_3_PHASE", "L1 L2 L3", ["6.000"]),
        ("AC_3_PHASE", "L1-N L2-N L3-N", ["6.000"]),
        ("AC_3_PHASE", "L1 L2", []),
        ("AC_2_PHASE", "L1 L2", ["4.000"]),
        ("AC_1_PHASE", "L1-N", ["2.000"]),
        (None, "L1", []),
        ("AC_3_PHASE", "N L1-L2", []),
    ],
)
def test_phases_without_a_total_are_the_register_when_all_have_reported(
    tmp_path: Path, power_type: str | None, phases: str, kwh: list[str]
) -> None:
    begun = (account(), station(power_type=power_type), *BEGUN[2:])
    sampled = [{"value": "2000", "phase": phase} for phase in phases.split()]
    found = adapted(tmp_path, [*begun, values_16("m", "2026-11-02T08:30:00Z", *sampled)])
    assert [data["register_kwh"] for data in found.of("metered")] == kwh


def test_a_total_counts_and_its_phases_do_not(tmp_path: Path) -> None:
    sampled = [{"value": "2000"}, *({"value": "700", "phase": phase} for phase in ("L1", "L2", "L3"))]
    found = adapted(tmp_path, [*BEGUN, values_16("m", "2026-11-02T08:30:00Z", *sampled)])
    assert [data["register_kwh"] for data in found.of("metered")] == ["2.000"]


def test_the_outlet_counts_before_the_inlet(tmp_path: Path) -> None:
    sampled = [{"value": "2100", "location": "Inlet"}, {"value": "2000", "location": "Outlet"}]
    found = adapted(tmp_path, [*BEGUN, values_16("m", "2026-11-02T08:30:00Z", *sampled)])
    assert [data["register_kwh"] for data in found.of("metered")] == ["2.000"]
