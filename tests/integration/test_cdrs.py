"""`export cdrs` on a real ledger, and what `import-cdrs` says to it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evledger.cli.cdrs import export, import_cdrs
from ledger.application import Ledger
from tests.building import component, end, reading, start, state, tariff
from tests.integration.billing import Books
from tests.unit.cdr.building import LOCATION, TOKEN
from tests.unit.cdr.commands import Outcome, run

PLACE: dict[str, Any] = {
    "operator_id": "NL*ABC",
    "power_type": "AC_3_PHASE",
    "auth_method": "WHITELIST",
    "cdr_location": LOCATION,
    "cdr_token": TOKEN | {"uid": "04A1B2C3D4"},
}


@pytest.fixture
def books(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """A ledger of the test's own, which the command finds."""
    monkeypatch.setenv("EVLEDGER_DATABASE_URL", database_url)
    with Ledger(database_url) as ledger:
        books = Books(ledger)
        books.account("ACC-1")
        yield books
        books.close()


def exported(*options: object) -> Outcome:
    return run(export, "cdrs", *options)


def test_rated_sessions_become_cdrs_that_partners_agree_with(books: Books, tmp_path: Path) -> None:
    books.deliver(
        tariff("T-2", component("ENERGY", "0.40"), component("TIME", "3"), component("PARKING_TIME", "6")),
        start("S-2", account_id="ACC-1", tariff_id="T-2", **PLACE),
        reading("S-2", 20, "1004.000001"),
        state("S-2", 20, "SuspendedEV"),
        end("S-2", 60, "1004.000001"),
    )
    books.sessions("ACC-1", "S-1", **PLACE)
    for version in ("2.2.1", "2.3.0"):
        found = exported("--version", version)
        assert (found.exit_code, found.err) == (0, "2 CDRs written, 0 not written, 0 sessions held\n")
        assert {cdr["id"] for cdr in found.json} == {"S-1", "S-2"}
        path = tmp_path / f"{version}.jsonl"
        path.write_text(found.out, encoding="utf-8")
        assert run(import_cdrs, path)[:2] == (0, "")


def test_cdrs_cost_what_the_ledger_says(books: Books) -> None:
    books.sessions("ACC-1", "S-1", **PLACE)
    (cdr,) = exported().json
    assert cdr["total_cost"] == {"excl_vat": 3.0, "incl_vat": 3.57}
    books.bill()
    (invoice,) = books.invoices
    assert (invoice.totals.net_minor, invoice.totals.gross_minor) == (300, 357)


def test_an_out_file_is_an_array_or_lines_by_its_name(books: Books, tmp_path: Path) -> None:
    books.sessions("ACC-1", "S-1", "S-2", **PLACE)
    array, lines, nothing = tmp_path / "cdrs.json", tmp_path / "cdrs.jsonl", tmp_path / "none.json"
    found = exported("--out", array, "--json")
    assert (found.exit_code, found.json) == (0, [{"written": 2, "held": 0, "not_written": [], "differing": []}])
    assert [cdr["id"] for cdr in json.loads(array.read_text(encoding="utf-8"))] == ["S-1", "S-2"]
    assert exported("--out", lines).exit_code == 0
    assert [json.loads(line)["id"] for line in lines.read_text(encoding="utf-8").splitlines()] == ["S-1", "S-2"]
    assert exported("--out", nothing, "--to", "2026-11-01").exit_code == 0
    assert json.loads(nothing.read_text(encoding="utf-8")) == []


def test_what_lacks_required_fields_is_named_and_not_written(books: Books) -> None:
    books.sessions("ACC-1", "S-1", **PLACE)
    books.sessions("ACC-1", "S-2", **{**PLACE, "cdr_location": None, "cdr_token": None})
    found = exported()
    assert (found.exit_code, [cdr["id"] for cdr in found.json]) == (1, ["S-1"])
    assert found.err.splitlines() == [
        "S-2: not written: cdr_token is missing; cdr_location is missing",
        "1 CDRs written, 1 not written, 0 sessions held, 0 cost otherwise as written",
    ]


def test_a_session_that_four_decimals_make_cheaper_is_written_and_listed(books: Books, tmp_path: Path) -> None:
    books.deliver(tariff("T-3", component("ENERGY", "0.30", step_size=1000)))
    books.sessions("ACC-1", "S-1", kwh="1010.00004", tariff_id="T-3", **PLACE)
    found = exported("--out", tmp_path / "cdrs.json", "--json")
    assert found.exit_code == 1
    (account,) = found.json
    assert (account["written"], account["differing"]) == (
        1,
        [
            {
                "session_id": "S-1",
                "currency": "EUR",
                "rated": {"excl_vat": "3.30", "incl_vat": "3.93"},
                "written": {"excl_vat": "3.00", "incl_vat": "3.57"},
            }
        ],
    )
    assert "S-1: costs 3.00 / 3.57 EUR (before / after tax) with OCPI's four decimals, 3.30 / 3.93" in found.err


def test_a_held_session_is_no_cdr(books: Books) -> None:
    books.deliver(tariff("T-4", component("ENERGY", "0.30", vat=None)))
    books.sessions("ACC-1", "S-1", tariff_id="T-4", **PLACE)
    found = exported()
    assert (found.exit_code, found.out, found.err) == (0, "", "0 CDRs written, 0 not written, 1 sessions held\n")


def test_a_session_rated_again_is_one_cdr_with_another_id(books: Books) -> None:
    books.deliver(tariff("T-5", component("TIME", "3"), component("PARKING_TIME", "6")))
    books.sessions("ACC-1", "S-1", tariff_id="T-5", **PLACE)
    books.deliver(state("S-1", 50, "SuspendedEVSE"))
    (cdr,) = exported().json
    assert (cdr["id"], cdr["session_id"], cdr["total_cost"]["excl_vat"]) == ("S-1-2", "S-1", 2.5)


def test_the_days_are_those_of_the_end_in_utc(books: Books) -> None:
    books.sessions("ACC-1", "S-1", **PLACE)
    books.sessions("ACC-1", "S-2", minutes=24 * 60, **PLACE)
    assert [cdr["id"] for cdr in exported("--to", "2026-11-02").json] == ["S-1"]
    assert [cdr["id"] for cdr in exported("--from", "2026-11-03").json] == ["S-2"]
    assert exported("--from", "2026-11-04").json == []
    assert exported("--tenant", "other").json == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--from", "2026-11-03", "--to", "2026-11-02"], "--to 2026-11-02 is before --from 2026-11-03"),
        (["--json"], "--json needs --out: without it the CDRs themselves go to standard output"),
        (["--version", "2.1.1"], "Invalid value for '--version': '2.1.1' is not one of '2.2.1', '2.3.0'."),
    ],
)
def test_options_that_cannot_be_used_are_exit_2(options: list[str], error: str) -> None:
    found = exported(*options)
    assert found.exit_code == 2
    assert found.err.strip().endswith(error)


def test_what_a_credit_note_took_off_an_invoice_has_a_credit_cdr(books: Books) -> None:
    books.deliver(
        tariff("T-2", component("ENERGY", "0.40"), component("PARKING_TIME", "6")),
        start("S-2", account_id="ACC-1", tariff_id="T-2", **PLACE),
        reading("S-2", 30, "1010"),
        end("S-2", 60, "1010"),
    )
    books.bill()
    assert exported("--credit").json == []
    books.deliver(state("S-2", 30, "SuspendedEV"))
    books.bill()
    (credit,), (cdr,) = exported("--credit").json, exported().json
    assert (credit["id"], credit["credit"], credit["credit_reference_id"]) == ("S-2-C", True, "S-2")
    assert (credit["total_cost"]["excl_vat"], cdr["id"], cdr["total_cost"]["excl_vat"]) == (-4, "S-2-2", 7)
