"""`evledger ocmf verify`: signed readings in a file, and the verdict on each."""

import json
from pathlib import Path

import pytest

from tests.e2e.program import Program, write_messages
from tests.meters import BEGIN, CURVE_NAMES, END, PAYLOAD, meter, payload

P256 = meter("secp256r1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "records.txt"


@pytest.mark.parametrize("name", CURVE_NAMES)
def test_a_record_of_each_curve_is_valid(program: Program, file: Path, name: str) -> None:
    of = meter(name)
    file.write_bytes(of.record(PAYLOAD))
    (line,) = program("ocmf", "verify", file, "--public-key", of.key, "--json").documents
    assert (line["verdict"], line["algorithm"]) == ("valid", of.algorithm)
    assert (line["meter_serial"], line["pagination"]) == ("M-4711", "T7")
    assert [(reading["transaction"], reading["value"], reading["unit"]) for reading in line["readings"]] == [
        ("B", "12.500", "kWh"),
        ("E", "20.125", "kWh"),
    ]


def test_white_space_inside_the_payload_belongs_to_the_signed_bytes(program: Program, file: Path) -> None:
    spaced = PAYLOAD.replace(b"\n", b"\r\n\t")
    file.write_bytes(P256.record(spaced) + b"\r\n\r\n" + P256.record(PAYLOAD))
    lines = program("ocmf", "verify", file, "--public-key", P256.key).documents
    assert [line["verdict"] for line in lines] == ["valid", "valid"]


def test_one_record_that_is_not_valid_makes_the_answer_no(program: Program, file: Path) -> None:
    altered = P256.record(PAYLOAD).replace(b"20.125", b"10.125")
    unknown = P256.record(PAYLOAD, SA="ECDSA-secp521r1-SHA512")
    file.write_bytes(b"\n".join([P256.record(PAYLOAD), altered, unknown, b"OCMF|{\xff|{}"]))
    outcome = program("ocmf", "verify", file, "--public-key", P256.key, "--json")
    verdicts = [json.loads(line)["verdict"] for line in outcome.out.splitlines()]
    assert (outcome.code, verdicts) == (1, ["valid", "invalid", "unsupported", "invalid"])
    assert outcome.err == f"evledger: {file}: 3 of 4 records are not valid: 2 invalid, 1 unsupported\n"


@pytest.mark.parametrize("key", [(), ("--public-key", "no key")], ids=["none", "unreadable"])
def test_without_a_key_no_record_is_valid(program: Program, file: Path, key: tuple[str, ...]) -> None:
    file.write_bytes(P256.record(PAYLOAD))
    outcome = program("ocmf", "verify", file, *key, "--json")
    assert (outcome.code, json.loads(outcome.out)["verdict"]) == (1, "no_key")


def test_a_person_sees_a_line_for_each_record(program: Program, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(P256.record(payload("T7", BEGIN, END, MS="M\u202e1")))
    monkeypatch.setattr("evledger.cli.ocmf.is_for_people", lambda as_json: not as_json)
    shown = program("ocmf", "verify", file, "--public-key", P256.key).text
    assert shown.startswith("record 1: valid: the signature verifies with the registered key; meter M\\u202e1, T7")
    assert "B 2026-11-02T08:00:00Z 12.5 kWh; E 2026-11-02T09:00:00Z 20.125 kWh\n" in shown


def test_a_file_without_a_record_is_unusable(program: Program, file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"no record")
    program("ocmf", "verify", file).refuses(2, str(file), "one begins at OCMF|")
    program("ocmf", "verify", tmp_path / "absent").refuses(2, "absent")
    program("ocmf", "verify", tmp_path).refuses(2, str(tmp_path))


@pytest.mark.usefixtures("in_empty")
def test_what_is_stored_of_a_session_verifies_with_its_meters_key(program: Program, folder: Path) -> None:
    messages = write_messages(folder / "m.jsonl", 25, 3)
    assert program("ingest", messages).code == 0
    keys = [json.loads(line)["key"] for line in messages.read_text().splitlines()]
    german = next(key for key in keys if key.startswith("DE-ABC"))
    dutch = next(key for key in keys if key.startswith("NL-ABC"))
    (line,) = program("ocmf", "verify", "--session", german, "--json").documents
    assert (line["verdict"], line["key_source"]) == ("valid", "registered")
    program("ocmf", "verify", "--session", dutch).refuses(2, dutch, "holds no OCMF record")
    program("ocmf", "verify", "--session", "none").refuses(1, "session none is not known")
    program("ocmf", "verify", messages, "--session", german).refuses(2, "--session")
