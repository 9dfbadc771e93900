"""The OCPP adapter over the real database: state, waiting, repeats, and what is stored together."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from consumers.files import to_record
from consumers.ocpp import known, rows
from consumers.ocpp.inbound import read_inbound
from consumers.ocpp.outcomes import AdapterTotals
from consumers.ocpp.pipeline import OcppPipeline
from ledger.application import Ledger, UnavailableError
from ledger.intake.message import Record
from ledger.store.positions import ControlTotals, acquire, control_totals, next_offsets
from ledger.store.recorder import FencedError
from tests.building import Feed, to_json
from tests.unit.ocpp.adapted import READER
from tests.unit.ocpp.logs import (
    TOKEN,
    account,
    answer,
    bare,
    request,
    start_16,
    started_16,
    station,
    stop_16,
    values_16,
)
from tests.waiting import wait_until

GOLDEN = Path(__file__).parents[1] / "golden" / "ocpp"
GROUP, TOPIC = "evledger-ocpp", "frames"


class Adapter:
    """An adapter on one partition; what is delivered is stored on return."""

    def __init__(self, ledger: Ledger, group: str = GROUP) -> None:
        self.ledger = ledger
        self.pipeline = OcppPipeline(ledger, partial(read_inbound, READER), "default", group)
        self.offset, self.epoch = acquire(ledger.connection, group, "test", {(TOPIC, 0): 0})[TOPIC, 0]

    def deliver(self, *lines: str) -> AdapterTotals:
        """One batch; what it did."""
        before = self.pipeline.totals
        records = [self._record(number, text) for number, text in enumerate(lines, self.offset)]
        self.pipeline.handle(records, {(TOPIC, 0): self.epoch})
        self.offset += len(lines)
        return AdapterTotals(*(b - a for a, b in zip(before, self.pipeline.totals, strict=True)))

    def _record(self, offset: int, text: str) -> Record:
        return msgspec.structs.replace(to_record(TOPIC, 0, text.encode()), offset=offset)

    def said(self) -> list[dict[str, Any]]:
        """The events in the outbox, in its order."""
        rows = self.ledger.connection.execute("SELECT value FROM ledger.ocpp_outbox ORDER BY position").fetchall()
        return [json.loads(value) for (value,) in rows]

    def kinds(self) -> list[str]:
        return [event["type"].split(".")[2] for event in self.said()]

    def parked(self) -> list[tuple[str, str, str]]:
        query = "SELECT kind, outcome, reason FROM ledger.parked_messages ORDER BY parked_id"
        return self.ledger.connection.execute(query).fetchall()

    @property
    def totals(self) -> ControlTotals:
        return control_totals(self.ledger.connection)


@pytest.fixture
def own_ledger(database_url: str) -> Iterator[Ledger]:
    with Ledger(database_url) as ledger:
        yield ledger


@pytest.fixture
def adapter(own_ledger: Ledger) -> Iterator[Adapter]:
    adapter = Adapter(own_ledger)
    yield adapter
    assert adapter.totals.are_complete()


SESSION = (
    start_16("m1", "2026-11-02T08:00:00Z", 1_000_000),
    started_16("m1", 1),
    values_16("m2", "2026-11-02T08:30:00Z", {"value": "1004000"}),
    stop_16("m3", "2026-11-02T09:00:00Z", 1_008_000),
)


@pytest.mark.parametrize("case", sorted(path.name for path in GOLDEN.iterdir()))
@pytest.mark.parametrize("size", [1, 100], ids=["a record a batch", "one batch"])
def test_whatever_the_batches_are_a_log_becomes_the_same_messages(adapter: Adapter, case: str, size: int) -> None:
    lines = (GOLDEN / case / "frames.jsonl").read_text().splitlines()
    for first in range(0, len(lines), size):
        adapter.deliver(*lines[first : first + size])
    wanted = [json.loads(text)["value"] for text in (GOLDEN / case / "messages.jsonl").read_text().splitlines()]
    assert sorted(json.dumps(event) for event in adapter.said()) == sorted(json.dumps(json.loads(w)) for w in wanted)
    assert [row for row in adapter.parked() if row[1] == "PARKED"] == []


def test_a_second_run_over_the_same_records_adds_nothing(adapter: Adapter, own_ledger: Ledger) -> None:
    lines = (account(), station(), *SESSION)
    adapter.deliver(*lines)
    said = adapter.said()
    again = Adapter(own_ledger, "another group").deliver(*lines)
    assert adapter.said() == said
    assert again.messages == 0
    assert again.duplicates >= 3  # the station, the reading, the end; start and answer are known by their state


def test_frames_of_an_unknown_station_and_token_wait_and_go_on_in_order(adapter: Adapter) -> None:
    adapter.deliver(*SESSION)
    assert adapter.said() == []
    assert {row[:2] for row in adapter.parked()} == {("WAITING", "PARKED")}
    assert {row[2] for row in adapter.parked()} == {"station S-1 is not known yet"}
    adapter.deliver(station())
    assert adapter.said() == []
    assert "no account holds the token yet" in {row[2] for row in adapter.parked()}
    assert adapter.deliver(account()).resumed == 3  # the answer was used when the station came
    assert adapter.kinds() == ["started", "metered", "ended"]
    assert {row[1] for row in adapter.parked()} == {"APPENDED"}


def test_what_waited_goes_on_a_bounded_number_of_frames_at_a_time(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed = []
    plus = AdapterTotals.plus

    def counted(mine: AdapterTotals, its: AdapterTotals) -> AdapterTotals:
        resumed.append(its.resumed)
        return plus(mine, its)

    readings = [values_16(f"r{n}", f"2026-11-02T08:{n:02}:00Z", {"value": str(1_000_000 + n)}) for n in range(1, 10)]
    adapter.deliver(account(), *SESSION[:2], *readings, SESSION[3])
    monkeypatch.setattr(rows, "RESUMED_MAX", 5)
    monkeypatch.setattr(AdapterTotals, "plus", counted)
    adapter.deliver(station())
    assert resumed == [5, 5, 2]
    assert adapter.kinds() == ["started", *["metered"] * 9, "ended"]
    assert {row[1] for row in adapter.parked()} == {"APPENDED"}


def test_frames_that_go_on_waiting_for_their_station_do_not_keep_the_others(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    unplugged = (start_16("x1", "2026-11-02T07:00:00Z", 0, connector_id=9), started_16("x1", 9))
    adapter.deliver(account(), *unplugged, *SESSION)
    monkeypatch.setattr(rows, "RESUMED_MAX", 1)
    adapter.deliver(station())
    assert adapter.kinds() == ["started", "metered", "ended"]
    assert [reason for _, outcome, reason in adapter.parked() if outcome == "PARKED"] == [
        "station S-1 has no connector on EVSE 9"
    ]


def test_an_account_that_the_ledger_learnt_of_from_a_file_lets_its_frames_go_on(
    adapter: Adapter, own_ledger: Ledger
) -> None:
    adapter.deliver(station(), *SESSION)
    feed = Feed(own_ledger, "accounts")
    feed.deliver(to_record("accounts", 0, account().encode()))
    adapter.pipeline.look()
    assert adapter.kinds() == ["started", "metered", "ended"]
    feed.close()


def test_a_look_follows_the_ledger_to_its_end(
    adapter: Adapter, own_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "FOLLOWED_MAX", 1)
    adapter.deliver(station(), *SESSION)
    feed = Feed(own_ledger, "accounts")
    feed.deliver(
        *[to_record("accounts", 0, account(f"ACC-{n}", token).encode()) for n, token in enumerate(("A", "B", TOKEN))]
    )
    adapter.pipeline.look()
    assert adapter.kinds() == ["started", "metered", "ended"]
    feed.close()


def test_a_station_that_came_with_a_file_lets_its_frames_go_on(adapter: Adapter, own_ledger: Ledger) -> None:
    adapter.deliver(account(), *SESSION)
    feed = Feed(own_ledger, "a file")
    feed.deliver(to_record("stations", 0, station().encode()), to_record("stations", 0, station().encode()))
    assert feed.outcomes() == (1, 1, 0)
    adapter.pipeline.look()
    assert adapter.kinds() == ["started", "metered", "ended"]
    feed.close()


def test_a_token_that_its_account_gave_up_starts_nothing_any_more(adapter: Adapter) -> None:
    adapter.deliver(station(), account("ACC-1", TOKEN))
    later = json.loads(account("ACC-1", "ANOTHER"))
    later["value"] = later["value"].replace("2025-01-01", "2025-02-01")
    adapter.deliver(json.dumps(later))
    adapter.deliver(*SESSION)
    assert adapter.said() == []
    adapter.deliver(account("ACC-2", TOKEN))
    assert adapter.said()[0]["data"]["account_id"] == "ACC-2"


def next_offset(adapter: Adapter) -> int:
    return next_offsets(adapter.ledger.connection, GROUP)[TOPIC, 0]


def test_whatever_a_frame_is_it_has_one_outcome(adapter: Adapter) -> None:
    bad = [
        bare("not json"),
        bare([9]),
        bare([2, "m", "StopTransaction", {"transactionId": 1}]),
        bare([2, "m", "MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": "now", "sampledValue": []}]}]),
        bare("[" * 100_000),
        bare(json.dumps([2, "m", "MeterValues", {"x": "x" * 300 * 1024}])),
        bare([2, "m", "Heartbeat", {}], version="1.5"),
    ]
    ignored = [request("h", "Heartbeat", {}), request("b", "NoSuchAction", {}), answer("h", {"currentTime": "now"})]
    found = adapter.deliver(*ignored, *bad)
    assert next_offset(adapter) == len(bad) + len(ignored)
    assert (found.read, found.parked, found.ignored) == (len(bad) + len(ignored), len(bad), len(ignored))
    assert {row[:2] for row in adapter.parked()} == {("UNREADABLE", "PARKED")}
    assert all(reason and "\n" not in reason for _, _, reason in adapter.parked())
    query = "SELECT action, frames FROM ledger.ocpp_ignored ORDER BY action"
    counted = adapter.ledger.connection.execute(query).fetchall()
    assert counted == [("Heartbeat", 1), ("NoSuchAction", 1), ("answer", 1)]


def test_an_adapter_that_lost_its_partition_stores_nothing(adapter: Adapter, own_ledger: Ledger) -> None:
    successor = Adapter(own_ledger)
    with pytest.raises(FencedError):
        adapter.deliver(account(), station(), *SESSION)
    assert adapter.said() == []
    successor.deliver(account(), station(), *SESSION)
    assert adapter.kinds() == ["started", "metered", "ended"]


def test_a_second_configuration_under_the_same_name_is_refused(adapter: Adapter) -> None:
    adapter.deliver(station(), station(power_type="DC"))
    assert [row[0] for row in adapter.parked()] == ["REFUSED"]
    assert adapter.totals == ControlTotals(2, 1, 0, 1, 0)


def test_messages_of_the_adapter_are_taken_by_the_ledger(adapter: Adapter, own_ledger: Ledger) -> None:
    adapter.deliver(account(), station(), *SESSION)
    feed = Feed(own_ledger, "sessions")
    records = [
        Record("", 0, 0, event["subject"].encode(), to_json(event)) for event in (*adapter.said(), *adapter.said())
    ]
    feed.deliver(to_record("accounts", 0, account().encode()), *records)
    assert feed.outcomes() == (4, 3, 0)
    feed.close()


def test_a_batch_that_fails_before_its_end_leaves_nothing_and_comes_out_whole_the_next_time(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter.deliver(account(), station())

    def fail(*_: object) -> None:
        raise psycopg.OperationalError("the server went away")

    with monkeypatch.context() as patch, pytest.raises(UnavailableError, match="the server went away"):
        patch.setattr(rows, "move", fail)
        adapter.deliver(*SESSION)
    assert (adapter.said(), adapter.parked(), next_offset(adapter)) == ([], [], 2)
    adapter.deliver(*SESSION)
    assert adapter.kinds() == ["started", "metered", "ended"]


def test_a_parked_frame_that_a_later_version_cannot_read_stays_parked(adapter: Adapter) -> None:
    adapter.deliver(station(), *SESSION)
    connection = adapter.ledger.connection
    connection.execute("UPDATE ledger.parked_messages SET value = '[2, 1]' WHERE reason LIKE 'the start of%'")
    adapter.deliver(account())
    assert adapter.kinds() == ["started"]
    assert [row[:2] for row in adapter.parked()] == [("REFUSED", "APPENDED"), *[("UNREADABLE", "PARKED")] * 2]


def test_two_adapters_never_work_at_the_same_time_so_nothing_that_comes_is_missed(
    adapter: Adapter, database_url: str
) -> None:
    """One brings the account while the other finds that nobody holds the token."""
    adapter.deliver(station())
    with Ledger(database_url) as other_ledger, psycopg.connect(database_url) as holder:
        other = Adapter(other_ledger, "other")
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [rows.LOCK_KEY])
        with ThreadPoolExecutor(2) as threads:
            frames = threads.submit(adapter.deliver, *SESSION)
            wait_until(lambda: waiting_for_the_lock(database_url) == 1, "the frames to wait for their turn")
            brought = threads.submit(other.deliver, account())
            wait_until(lambda: waiting_for_the_lock(database_url) == 2, "the account to wait for its turn")
            holder.rollback()
            assert (frames.result().parked, brought.result().ignored) == (3, 1)
    adapter.pipeline.look()
    assert adapter.kinds() == ["started", "metered", "ended"]


WAITING_FOR_THE_LOCK = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def waiting_for_the_lock(url: str) -> int:
    with psycopg.connect(url) as connection:
        ((count,),) = connection.execute(WAITING_FOR_THE_LOCK).fetchall()
        return int(count)
