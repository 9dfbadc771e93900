"""What `list`, `show`, `replay` and `audit` say of a ledger."""

import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from evledger.cli import audit
from tests.e2e.conftest import DEMO_SESSIONS
from tests.e2e.program import Program

SESSION_KEYS = [
    "session_id", "status", "account_id", "tariff_id", "tariff_version", "started_at", "ended_at", "energy_kwh",
    "currency", "excl_vat", "incl_vat", "invoice_number", "correction_due",
]  # fmt: skip
STATUSES = {"ACTIVE", "ENDED", "HELD", "RATED", "BILLED", "FREE", "WAIVED"}

UNKNOWN = [
    (["session", "show", "nobody"], "session nobody is not in the tables"),
    (["invoice", "show", "EVL-1999-000001"], "invoice EVL-1999-000001 is not in the tables"),
    (["account", "show", "nobody"], "account nobody was never opened"),
    (["parked", "show", "999999999"], "evledger parked list"),
    (["held", "show", "nobody"], "evledger held list"),
    (["replay", "EVL-1999-000001"], "never issued: EVL-1999-000001"),
]


@pytest.fixture(autouse=True)
def demo(in_demo: None) -> None:
    """All of these read the demo's ledger."""


def first(program: Program, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = program(kind, "list", "--json").documents[0]
    return found


def test_sessions_are_listed_in_the_shape_of_the_contract(program: Program) -> None:
    rows = program("session", "list", "--json").documents
    assert len(rows) == DEMO_SESSIONS
    assert {tuple(row)[: len(SESSION_KEYS)] for row in rows} == {tuple(SESSION_KEYS)}
    assert {row["status"] for row in rows} <= STATUSES
    assert all(isinstance(row["tariff_version"], int) and isinstance(row["correction_due"], bool) for row in rows)
    assert all(row["invoice_number"] for row in rows if row["status"] == "BILLED")


def test_amounts_and_energy_are_exact_texts(program: Program) -> None:
    for row in program("session", "list", "--json").documents:
        assert isinstance(row["energy_kwh"], str)
        assert Decimal(row["excl_vat"] or 0) <= Decimal(row["incl_vat"] or 0)


def test_a_session_shown_is_the_one_listed(program: Program) -> None:
    listed = first(program, "session")
    assert program("session", "show", listed["session_id"], "--json").document == listed
    assert listed["session_id"] in program("session", "show", listed["session_id"]).text


def test_every_list_has_its_ids_whole_for_people(program: Program) -> None:
    shown = program("session", "list").text
    assert all(row["session_id"] in shown for row in program("session", "list", "--json").documents)
    shown = program("invoice", "list").text
    assert all(row["number"] in shown for row in program("invoice", "list", "--json").documents)


def test_an_invoice_adds_up(program: Program) -> None:
    for row in program("invoice", "list", "--json").documents:
        assert Decimal(row["net"]) + Decimal(row["vat"]) == Decimal(row["gross"])
        shown = program("invoice", "show", row["number"], "--json").document
        assert {name: shown[name] for name in row} == row
        assert sum(Decimal(line["net"]) for line in shown["lines"]) == Decimal(row["net"])


def test_an_invoice_for_people_has_its_number_and_sums(program: Program) -> None:
    row = first(program, "invoice")
    shown = program("invoice", "show", row["number"]).text
    assert f"net {row['net']} + VAT {row['vat']} = gross {row['gross']} {row['currency']}" in shown


def test_an_account_owes_what_its_invoices_say(program: Program) -> None:
    invoices = program("invoice", "list", "--json").documents
    account_id = invoices[0]["account_id"]
    owed = sum(Decimal(row["gross"]) for row in invoices if row["account_id"] == account_id)
    shown = program("account", "show", account_id, "--json").document
    assert shown["account_id"] == account_id
    assert [Decimal(balance["balance"]) for balance in shown["balances"]] == [owed]


def test_an_account_that_owes_nothing_is_shown_all_the_same(program: Program) -> None:
    owing = {row["account_id"] for row in program("invoice", "list", "--json").documents}
    others = {row["account_id"] for row in program("session", "list", "--json").documents} - owing - {None}
    shown = program("account", "show", min(others), "--json").document
    assert shown["balances"] == []


def test_held_sessions_say_why(program: Program) -> None:
    rows = program("held", "list", "--json").documents
    assert rows
    assert {row["status"] for row in rows} == {"HELD"}
    assert program("held", "show", rows[0]["session_id"], "--json").document["held"] == ["NOT_YET_PAYABLE"]
    assert "NOT_YET_PAYABLE" in program("held", "list").text


@pytest.mark.parametrize(("command", "said"), UNKNOWN)
def test_what_is_not_there_is_exit_code_1_and_a_line_that_helps(
    program: Program, command: list[str], said: str
) -> None:
    program(*command).refuses(1, said)
    program(*command, "--json").refuses(1, said)


@pytest.mark.parametrize("kind", ["session", "invoice", "held"])
def test_another_tenant_sees_nothing(program: Program, kind: str) -> None:
    assert program(kind, "list", "--json", "--tenant", "other").documents == []
    assert "none" in program(kind, "list", "--tenant", "other").text


def test_another_tenant_is_not_shown_a_session(program: Program) -> None:
    session_id = first(program, "session")["session_id"]
    program("session", "show", session_id, "--tenant", "other").refuses(1, session_id)


def test_an_id_that_is_no_text_is_one_line(program: Program) -> None:
    program("session", "show", "\udcff").refuses(2, "UTF-8")


def test_a_number_that_is_none_is_one_line(program: Program) -> None:
    program("parked", "show", "first", "--json").refuses(2, "'first'")


def test_every_invoice_replays_to_the_byte(program: Program) -> None:
    issued = program("invoice", "list", "--json").documents
    assert program("replay", "--all", "--json").document == {"invoices": len(issued), "differences": []}
    assert program("replay", issued[0]["number"], "--json").document["invoices"] == 1
    assert "the same to the byte" in program("replay", "--all").text


@pytest.mark.parametrize("arguments", [[], ["--all", "EVL-2026-000001"]])
def test_replay_asks_which_invoices(program: Program, arguments: list[str]) -> None:
    program("replay", *arguments).refuses(2, "--all")


def test_a_session_explained_ends_in_the_cent_of_its_invoice(program: Program) -> None:
    row = first(program, "invoice")
    assert f"gross {row['gross']}" in program("explain", row["number"]).text
    assert program("explain", row["number"], "--json").document["number"] == row["number"]


def test_everything_is_explained(program: Program) -> None:
    found = program("audit", "completeness", "--json").document
    assert found["messages_complete"] is True
    categories = ("billed", "pending", "held", "waived", "free")
    assert found["ended"] == sum(found[name] for name in categories) == DEMO_SESSIONS
    assert found["unexplained"] == 0


class TestOnACopy:
    @pytest.fixture(autouse=True)
    def copy(self, demo: None, demo_copy_url: str, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: ARG002
        """In place of the demo itself, and so after it."""
        monkeypatch.setenv("EVLEDGER_DATABASE_URL", demo_copy_url)
        return demo_copy_url

    def test_a_billed_session_that_lost_its_price_is_unexplained(self, program: Program, copy: str) -> None:
        with psycopg.connect(copy) as connection:
            connection.execute("DELETE FROM projection.billed_sessions")
            connection.execute("UPDATE projection.session_costs SET revision = NULL")
        outcome = program("audit", "completeness", "--json")
        assert outcome.code == 1
        assert json.loads(outcome.out)["unexplained"] > 0
        assert outcome.err == "evledger: some messages or sessions are unexplained\n"

    def test_a_message_without_an_outcome_is_unexplained(self, program: Program, copy: str) -> None:
        with psycopg.connect(copy) as connection:
            connection.execute("UPDATE ledger.consumer_positions SET messages_read = messages_read + 1")
        outcome = program("audit", "completeness", "--json")
        assert (outcome.code, json.loads(outcome.out)["messages_complete"]) == (1, False)

    def test_tables_that_are_behind_prove_nothing(
        self, program: Program, copy: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(audit, "FOLLOWED_WITHIN_S", 0.2)  # no projector runs that could still follow
        with psycopg.connect(copy) as connection:
            connection.execute("UPDATE projection.positions SET position = 0 WHERE name = 'session_costs'")
        outcome = program("audit", "completeness", "--json")
        assert (outcome.code, json.loads(outcome.out)["positions_behind"] > 0) == (1, True)
        assert "evledger project --once" in outcome.err

    def test_an_invoice_that_was_altered_is_named(self, program: Program, copy: str) -> None:
        number = first(program, "invoice")["number"]
        with psycopg.connect(copy) as connection:
            connection.execute("ALTER TABLE ledger.billing_events DISABLE TRIGGER ALL")
            connection.execute(
                "UPDATE ledger.billing_events SET state = replace(convert_from(state, 'UTF8'), %s, %s)::bytea"
                " WHERE topic = 'invoice.InvoiceIssued' AND convert_from(state, 'UTF8') LIKE %s",
                ['"gross_minor":', '"gross_minor":1', f"%{number}%"],
            )
        outcome = program("replay", "--all", "--json")
        assert outcome.code == 1
        assert [found["number"] for found in json.loads(outcome.out)["differences"]] == [number]
        assert "1 come out otherwise" in outcome.err

    def test_rebuilt_tables_say_the_same(self, program: Program) -> None:
        before = program("session", "list", "--json").out, program("invoice", "list", "--json").out
        rows = program("rebuild", "--all", "--json").document
        assert rows["session_costs"] == DEMO_SESSIONS
        assert (program("session", "list", "--json").out, program("invoice", "list", "--json").out) == before
        assert program("rebuild", "session_costs", "--json").document == {"session_costs": DEMO_SESSIONS}

    def test_what_was_said_to_others_is_not_rebuilt(self, program: Program) -> None:
        program("rebuild", "outbox").refuses(2, "outbox", "never rebuilt")

    def test_an_unknown_table_is_named_with_those_there_are(self, program: Program) -> None:
        program("rebuild", "session_cost", "--json").refuses(2, "session_cost", "session_costs")
        program("rebuild").refuses(2, "--all")

    def test_projecting_again_moves_nothing(self, program: Program) -> None:
        assert set(program("project", "--once", "--json").document.values()) == {0}
