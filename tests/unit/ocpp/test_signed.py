"""Signed values: in which forms they come, what unit they are in, and that the record stays byte for byte."""

import base64
import json
from pathlib import Path

import pytest

from tests.unit.ocpp.adapted import adapted
from tests.unit.ocpp.logs import Json, account, at_201, start_16, started_16, station, transaction_201, values_16

AT = "2026-11-02T08:30:00Z"
BEGUN_16 = (account(), station(), start_16("m1", "2026-11-02T08:00:00Z", 0), started_16("m1", 1))
OCMF = 'OCMF|{"RD":[{"RV":2.5,"RU":"kWh"}], "FV" : "1.0"}|{"SD":"30"}'
OCMF_WH = OCMF.replace("kWh", "Wh")


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def of_16(folder: Path, *sampled: Json) -> list[Json]:
    return adapted(folder, [*BEGUN_16, values_16("s", AT, *sampled)]).of("metered")


def of_201(folder: Path, value: object, data: str, encoding: str = "OCMF", **sampled: object) -> Json:
    signed = {"signedMeterData": data, "signingMethod": "", "encodingMethod": encoding, "publicKey": ""}
    values = at_201(AT, {"value": value, "signedMeterValue": signed, **sampled})
    return adapted(folder, [account(), station(), transaction_201("Started", AT, 0, values)]).of("metered")[0]


@pytest.mark.parametrize(
    ("value", "data", "sampled", "kwh"),
    [
        (2.5, packed(OCMF), {}, "2.500"),
        (2.5, packed(OCMF_WH), {}, "0.0025"),
        (2500, packed(OCMF), {"unitOfMeasure": {"unit": "Wh"}}, "2.500"),
        (2.5, packed("another format"), {}, "2.500"),
    ],
    ids=["the record's unit", "the record's unit, Wh", "the sample's unit", "kWh where nothing says"],
)
def test_a_signed_value_without_a_unit_is_in_the_unit_of_its_record(
    tmp_path: Path, value: float, data: str, sampled: Json, kwh: str
) -> None:
    assert of_201(tmp_path, value, data, **sampled)["register_kwh"] == kwh


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (packed(OCMF), OCMF),
        (packed("<signed>ä €</signed>"), "<signed>ä €</signed>"),
        (OCMF, OCMF),  # not packed, against the specification
        (base64.b64encode(b"\xff\x00\xfe").decode(), "/wD+"),  # no text: it stays packed
        (packed("a\x00b"), packed("a\x00b")),
    ],
)
def test_a_record_is_kept_byte_for_byte(tmp_path: Path, data: str, kept: str) -> None:
    assert of_201(tmp_path, 2.5, data)["signed"] == {"encoding": "OCMF", "data": kept}


def test_a_record_of_1_6_comes_as_it_is_or_as_an_object(tmp_path: Path) -> None:
    as_object = {"signedMeterData": packed(OCMF), "encodingMethod": "OCMF", "signingMethod": "", "publicKey": "3059"}
    raw = {"value": "2500"}
    signed: list[Json] = [{"value": text, "format": "SignedData"} for text in (OCMF, json.dumps(as_object), "AP;0;3;…")]
    found = [of_16(tmp_path, raw, each)[0]["signed"] for each in signed]
    assert found == [
        {"encoding": "OCMF", "data": OCMF},
        {"encoding": "OCMF", "data": OCMF, "public_key": "3059"},
        {"encoding": "UNKNOWN", "data": "AP;0;3;…"},
    ]


def test_a_record_beside_a_raw_register_is_one_message(tmp_path: Path) -> None:
    """Whether they agree is for the ledger to say."""
    (data,) = of_16(tmp_path, {"value": "2499"}, {"value": OCMF, "format": "SignedData"})
    assert (data["register_kwh"], data["signed"]["data"]) == ("2.499", OCMF)


def test_a_record_alone_says_its_register_where_it_can_be_read(tmp_path: Path) -> None:
    (data,) = of_16(tmp_path, {"value": OCMF, "format": "SignedData"})
    assert (data["register_kwh"], data["signed"]["data"]) == ("2.500", OCMF)
    assert of_16(tmp_path, {"value": "AP;0;3", "format": "SignedData"}) == []
