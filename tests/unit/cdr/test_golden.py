"""Each folder of golden CDRs: a tariff, a session, and its CDR in both versions of OCPI."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evledger.cdrs import cdr_line
from ledger.session.events import Signed
from ledger.values.canonical import read_json_decimals
from ledger.values.quantity import to_microampere, to_milliwatt
from tests.unit.cdr.building import cdr_of, ended, rated, reading, state

FOLDER = Path(__file__).parents[2] / "golden" / "cdrs"
CASES = sorted(path.name for path in FOLDER.iterdir())
VERSIONS = {"2.2.1": "cdr_2_2_1.json", "2.3.0": "cdr_2_3_0.json"}


def load(case: str, name: str) -> Any:
    return read_json_decimals((FOLDER / case / name).read_bytes())


def cdr_in(case: str, version: str) -> str:
    session = load(case, "session.json")
    facts = [*map(reading_in, session["readings"]), *(state(*each) for each in session.get("states", []))]
    end = ended(session["minutes"], session["kwh"], signed=signed_in(session))
    written = cdr_of(rated(load(case, "tariff.json"), end, *facts), version)
    assert written.faults == ()
    return cdr_line(written)


def reading_in(sample: dict[str, Any]) -> Any:
    fields = {
        "power_milliw": to_milliwatt(sample["power_kw"]) if "power_kw" in sample else None,
        "current_microa": to_microampere(sample["current_a"]) if "current_a" in sample else None,
        "signed": signed_in(sample),
        "context": sample.get("context"),
    }
    return reading(sample["minutes"], sample["kwh"], **fields)


def signed_in(content: dict[str, Any]) -> Signed | None:
    return Signed(encoding="OCMF", data=content["ocmf"]) if "ocmf" in content else None


def with_texts(content: Any) -> Any:
    """Numbers as the texts that they are written with: 20.0000 is not 20 here."""
    if isinstance(content, dict):
        return {key: with_texts(value) for key, value in content.items()}
    if isinstance(content, list):
        return [with_texts(item) for item in content]
    return f"{content:f}" if isinstance(content, Decimal) else content


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_a_session_becomes_the_cdr_that_was_looked_at(case: str, version: str) -> None:
    found = with_texts(read_json_decimals(cdr_in(case, version)))
    assert found == with_texts(load(case, VERSIONS[version]))


@pytest.mark.parametrize("case", CASES)
def test_volumes_and_totals_of_a_golden_cdr_add_up(case: str) -> None:
    cdr = load(case, VERSIONS["2.2.1"])
    volumes = [(each["type"], each["volume"]) for period in cdr["charging_periods"] for each in period["dimensions"]]
    assert sum(volume for name, volume in volumes if name == "ENERGY") == cdr["total_energy"]
    assert sum(volume for name, volume in volumes if name == "PARKING_TIME") == cdr["total_parking_time"]
