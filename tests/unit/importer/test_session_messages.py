import json
from decimal import Decimal
from pathlib import Path

from tests.unit.importer.files import events, imported, of_sessions, row
from tests.unit.simulator.contract import ID, check

TWO = (row(), row(Id="2", Connector="2", Start="2018-05-01 10:30", End="2018-05-01 10:45"))
PER_SITE = {'id = "OLD"': 'id = "OLD"\nper = "Site"'}


def test_every_message_keeps_the_contract(tmp_path: Path) -> None:
    rows = (*TWO, row(Id="3 a/ü", Station="St. 5", Site="Broxden Park & Ride"))
    for message in imported(tmp_path, *rows, changes=PER_SITE).messages:
        check(message)


def test_tariff_and_account_come_first_then_starts_and_ends_by_time(tmp_path: Path) -> None:
    told = [(event["type"].split(".")[1], event["time"][11:16]) for event in events(imported(tmp_path, *TWO))]
    assert told == [
        *(("tariff", "00:00"), ("account", "00:00")),
        *(("session", "09:00"), ("session", "09:30"), ("session", "09:45"), ("session", "10:00")),
    ]


def test_no_readings_are_made_up(tmp_path: Path) -> None:
    types = [event["type"] for event in of_sessions(imported(tmp_path, row()))]
    assert types == ["ev.session.started.v1", "ev.session.ended.v1"]


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    assert list(imported(tmp_path, *TWO).messages) == list(imported(tmp_path, *TWO).messages)


def test_message_ids_follow_the_content_of_the_row(tmp_path: Path) -> None:
    before = {event["id"] for event in of_sessions(imported(tmp_path, *TWO))}
    after = {event["id"] for event in of_sessions(imported(tmp_path, row(kWh="7.6"), TWO[1]))}
    assert len(before) == len(after) == 4
    assert len(before & after) == 2


def test_the_order_of_the_file_does_not_matter(tmp_path: Path) -> None:
    assert list(imported(tmp_path, *TWO).messages) == list(imported(tmp_path, *reversed(TWO)).messages)


def test_a_start_carries_what_the_map_and_the_row_say(tmp_path: Path) -> None:
    start = of_sessions(imported(tmp_path, row(Site="HIGH-STREET")))[0]
    assert start["subject"] == "old:1"
    assert start["source"] == "/imports/old"
    assert start["data"] == {
        **{"location_id": "HIGH-STREET", "station_id": "S1", "operator_id": "GB*ABC"},
        **{"evse_uid": "S1*1", "connector_id": "1", "time_zone": "Europe/London", "country": "GB"},
        **{"meter_id": "old:S1:1", "register_kwh": "0.000", "account_id": "OLD", "tariff_id": "T-1"},
    }


def test_prices_keep_their_digits(tmp_path: Path) -> None:
    message = next(iter(imported(tmp_path, row()).messages))
    tariff = json.loads(message.value, parse_float=Decimal)["data"]
    assert str(tariff["elements"][0]["price_components"][0]["price"]) == "0.30"


def test_one_account_for_each_value_of_a_column(tmp_path: Path) -> None:
    rows = (row(), row(Id="2", Site="North", Connector="2"), row(Id="3", Site="North", Connector="3"))
    told = events(imported(tmp_path, *rows, changes=PER_SITE))
    accounts = {e["subject"]: e["data"]["name"] for e in told if e["type"] == "ev.account.opened.v1"}
    assert sorted(accounts.values()) == ["Old sessions, High Street", "Old sessions, North"]
    used = {e["data"]["account_id"] for e in told if e["type"] == "ev.session.started.v1"}
    assert used == set(accounts)


def test_texts_that_differ_never_share_an_id(tmp_path: Path) -> None:
    sites = ("A B", "A-B", "a b", "A  B", "Ä B")
    rows = [row(Id=str(n), Site=site, Connector=str(n)) for n, site in enumerate(sites)]
    starts = of_sessions(imported(tmp_path, *rows))
    ids = {event["data"]["location_id"] for event in starts if "location_id" in event["data"]}
    assert len(ids) == len(sites)
    assert all(ID.fullmatch(each) for each in ids)
