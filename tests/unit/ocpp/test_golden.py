"""Each folder of golden logs: frames as stations send them, and the messages that they become.

The figures of `keba_signed_201` are those of a real transaction of a KEBA P30 (github.com/m-hegele/notes), of
`reused_id_16` those of a station of United Chargers, of `begin_zero_201` of citrineos-core pull request 1060, of
`creep_and_main_meter_16` of lbbrhzn/ocpp issues 1069 and 1742 and sap-labs-france/ev-dashboard issue 1817.
"""

import json
from pathlib import Path

import pytest

from consumers.messages.reader import MessageReader
from consumers.ocpp.files import FileAdapter
from evledger.simulator.record import Message, to_line
from ledger.intake import message
from ledger.intake.message import Record
from ledger.values.energy import to_milliwh
from tests.unit.ocpp.adapted import READER

FOLDER = Path(__file__).parents[2] / "golden" / "ocpp"
CASES = sorted(path.name for path in FOLDER.iterdir())


def lines_of(case: str, reader: MessageReader = READER) -> list[str]:
    adapter = FileAdapter(reader, "default")
    found = adapter.adapt(FOLDER / case / "frames.jsonl")
    return [to_line(Message("ev.sessions.v1", each.session_id, each.to_value())) for each in found]


def messages(case: str) -> list[dict[str, object]]:
    return [json.loads(line)["value"] for line in (FOLDER / case / "messages.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("case", CASES)
def test_a_log_becomes_its_messages(case: str) -> None:
    assert "".join(lines_of(case)) == (FOLDER / case / "messages.jsonl").read_text()


@pytest.mark.parametrize("case", CASES)
def test_every_message_fits_the_contract(case: str) -> None:
    for value in messages(case):
        subject = json.loads(str(value))["subject"]
        arrival = READER.read(Record("ev.sessions.v1", 0, 0, subject.encode(), str(value).encode()))
        assert isinstance(arrival, message.Message), arrival


def test_the_real_transaction_delivers_its_energy_with_its_signed_record() -> None:
    events = [json.loads(str(value)) for value in messages("keba_signed_201")]
    start, end = events[0]["data"], events[-1]["data"]
    assert to_milliwh(end["register_kwh"]) - to_milliwh(start["register_kwh"]) == 19_718_700
    assert end["signed"]["data"].startswith('OCMF|{"FV":"1.1"')
    assert [each["data"]["charging_state"] for each in events if "charging_state" in each["data"]] == [
        "SuspendedEV",
        "Idle",
    ]
