"""`evledger bill` and `evledger import-sessions`: from messages to invoices, each once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.building import account, end, reading, start, tariff
from tests.e2e.program import Program
from tests.unit.importer.files import GOOD, HEADER, write_map

AFTER_THE_CLOSE = "2026-12-01T12:00:00Z"
BEFORE_THE_CLOSE = "2026-11-15T00:00:00Z"

pytestmark = pytest.mark.usefixtures("in_empty")


@pytest.fixture
def three_accounts(in_empty: str, program: Program, folder: Path) -> None:
    """Two accounts that are billed monthly and one per session, with a session of 3.00 EUR each in November 2026."""
    events = [tariff("T"), account("ONE", "MONTHLY"), account("TWO", "MONTHLY"), account("EACH", "PER_SESSION")]
    for name in ("ONE", "TWO", "EACH"):
        session = f"S-{name}"
        events += [start(session, account_id=name, tariff_id="T"), reading(session, 30, "1005.000"), end(session)]
    topics = {"session": "ev.sessions.v1", "tariff": "ev.tariffs.v1", "account": "ev.accounts.v1"}
    lines = [
        {"topic": topics[event.type.split(".")[1]], "key": event.subject, "value": event.to_bytes().decode()}
        for event in events
    ]
    (folder / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert program("ingest", "m.jsonl", "--json").document["parked"] == 0


def invoices(program: Program) -> list[dict[str, Any]]:
    assert program("project", "--once").code == 0
    return program("invoice", "list", "--json").documents


def issued(program: Program, *options: str) -> int:
    document = program("bill", *options, "--json").document
    assert list(document) == ["issued"]
    return int(document["issued"])


@pytest.mark.usefixtures("three_accounts")
def test_a_session_billed_at_once_and_the_months_when_they_have_ended(program: Program) -> None:
    assert issued(program, "--now", BEFORE_THE_CLOSE) == 1
    assert [found["account_id"] for found in invoices(program)] == ["EACH"]
    assert issued(program, "--now", AFTER_THE_CLOSE) == 2
    found = invoices(program)
    assert [row["number"] for row in found] == ["EVL-2026-000001", "EVL-2026-000002", "EVL-2026-000003"]
    assert [row["issued_on"] for row in found] == ["2026-11-15", "2026-12-01", "2026-12-01"]


@pytest.mark.usefixtures("three_accounts")
def test_billing_twice_issues_nothing_twice(program: Program) -> None:
    assert issued(program, "--now", AFTER_THE_CLOSE) == 3
    before = invoices(program)
    assert issued(program, "--now", AFTER_THE_CLOSE) == 0
    assert issued(program, "--now", "2027-06-01T00:00:00Z") == 0
    assert invoices(program) == before


@pytest.mark.usefixtures("three_accounts")
def test_one_account_is_closed_alone(program: Program) -> None:
    assert issued(program, "--now", AFTER_THE_CLOSE, "--account", "TWO") == 2
    assert {row["account_id"] for row in invoices(program)} == {"EACH", "TWO"}


@pytest.mark.usefixtures("three_accounts")
def test_one_period_is_closed_alone_and_only_after_its_end(program: Program) -> None:
    assert issued(program, "--now", AFTER_THE_CLOSE, "--period", "2026-10") == 1
    assert issued(program, "--now", BEFORE_THE_CLOSE, "--period", "2026-11") == 0
    assert issued(program, "--now", AFTER_THE_CLOSE, "--period", "2026-11") == 2
    assert {row["period"] for row in invoices(program)} == {None, "2026-11"}


@pytest.mark.usefixtures("three_accounts")
def test_another_tenant_has_nothing_to_close(program: Program) -> None:
    assert issued(program, "--now", BEFORE_THE_CLOSE) == 1
    assert issued(program, "--now", AFTER_THE_CLOSE, "--tenant", "other") == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--period", "2026-13"], "2026-13"),
        (["--period", "October"], "write it as 2026-10"),
        (["--now", "yesterday"], "2026-11-01T00:00:00Z"),
        (["--now", "2026-11-01"], "offset"),
        (["--now", "2026-11-01T00:00:00"], "offset"),
        (["--now", "1999-12-31T00:00:00Z"], "2000"),
        (["--follow", "--period", "2026-10"], "--follow"),
        (["--follow", "--now", AFTER_THE_CLOSE], "--follow"),
        (["--follow", "--account", "ONE"], "--follow"),
    ],
)
def test_options_that_cannot_be_used_are_one_line(program: Program, options: list[str], said: str) -> None:
    program("bill", *options, "--json").refuses(2, said)


@pytest.fixture
def past(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A file of four rows of which two can be used, and its map."""
    rows = [GOOD, ("2", *GOOD[1:5], "", "3"), ("3", *GOOD[1:4], *GOOD[4:6], "0"), ("4", "S2", *GOOD[2:])]
    file = folder / "past.csv"
    file.write_text("\n".join(",".join(row) for row in (HEADER, *rows)))
    yield file, write_map(folder)


def test_past_sessions_become_invoices(program: Program, past: tuple[Path, Path]) -> None:
    file, session_map = past
    imported = program("import-sessions", file, "--map", session_map, "--json").document
    assert (imported["rows"], imported["used"]) == (4, 2)
    assert imported["refused"] == {"missing_end": 1, "zero_energy": 1}
    assert [line["line"] for line in imported["lines"]] == [3, 4]
    assert imported["read"] == imported["appended"] > 0
    assert issued(program, "--now", "2018-07-01T00:00:00Z") == 0  # their rate of VAT is not known
    assert program("project", "--once").code == 0
    assert [row["held"] for row in program("held", "list", "--json").documents] == [["VAT_UNKNOWN"]] * 2


def test_past_sessions_with_a_rate_are_billed_once(program: Program, past: tuple[Path, Path], folder: Path) -> None:
    file, session_map = past
    priced = (folder / "tariff.json").read_text().replace('"price": 0.30', '"price": 0.30, "vat": 20')
    (folder / "tariff.json").write_text(priced)
    assert program("import-sessions", file, "--map", session_map, "--json").document["held"] == 0
    again = program("import-sessions", file, "--map", session_map, "--json").document
    assert (again["read"], again["appended"]) == (0, 0)
    assert issued(program, "--now", "2018-07-01T00:00:00Z") == 1
    (invoice,) = invoices(program)
    assert (invoice["net"], invoice["vat"], invoice["gross"], invoice["currency"]) == ("4.50", "0.90", "5.40", "GBP")


def test_the_lines_that_were_refused_are_shown_to_people(program: Program, past: tuple[Path, Path]) -> None:
    shown = program("import-sessions", past[0], "--map", past[1], "--out", "m.jsonl").text
    assert "line 3: missing_end" in shown
    assert "line 4: zero_energy" in shown
    assert program("ingest", "m.jsonl", "--json").document["parked"] == 0


def test_a_map_or_a_file_that_cannot_be_used_is_one_line(program: Program, past: tuple[Path, Path]) -> None:
    file, session_map = past
    program("import-sessions", file, "--map", "missing.toml", "--json").refuses(2, "missing.toml")
    program("import-sessions", "missing.csv", "--map", session_map, "--json").refuses(2, "missing.csv")
    program("import-sessions", session_map, "--map", session_map).refuses(2, "map.toml")
    session_map.write_text("name = ")
    program("import-sessions", file, "--map", session_map).refuses(2, "map.toml")
