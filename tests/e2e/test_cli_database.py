"""`evledger db` and `evledger migrate`: the URL alone, and behind each role only its rights."""

import subprocess
from typing import LiteralString

import psycopg
import pytest

from evledger.wiring import psql_path
from tests.e2e.program import PROGRAM, Program

READS: dict[str, LiteralString] = {
    "app": "SELECT count(*) FROM ledger.session_events",
    "auditor": "SELECT count(*) FROM ledger.billing_events",
    "finance": "SELECT count(*) FROM finance.invoice_register",
    "projector": "SELECT count(*) FROM projection.session_costs",
}
FORBIDDEN: list[tuple[str, LiteralString]] = [
    ("finance", "SELECT FROM ledger.session_events"),
    ("finance", "SELECT FROM projection.session_costs"),
    ("finance", "INSERT INTO finance.invoice_register DEFAULT VALUES"),
    ("auditor", "UPDATE ledger.session_events SET topic = topic"),
    ("auditor", "INSERT INTO ledger.session_events SELECT * FROM ledger.session_events"),
    ("app", "UPDATE ledger.session_events SET topic = topic"),
    ("app", "DELETE FROM ledger.billing_events"),
    ("app", "TRUNCATE ledger.session_events"),
    ("app", "DROP TABLE ledger.session_events"),
    ("projector", "DELETE FROM ledger.session_events"),
    ("projector", "INSERT INTO ledger.billing_events SELECT * FROM ledger.billing_events"),
]

pytestmark = pytest.mark.usefixtures("in_demo")


def url_of(program: Program, role: str) -> str:
    shown = program("db", "url", "--role", role).text
    assert shown.count("\n") == 1
    return shown.strip()


@pytest.mark.parametrize("role", READS)
def test_the_url_of_a_role_reads_as_that_role(program: Program, role: str) -> None:
    url = url_of(program, role)
    assert url.startswith("postgresql://")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (f"evledger_{role}",)
        assert connection.execute(READS[role]).fetchone()


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
def test_a_role_has_only_its_rights(program: Program, role: str, statement: LiteralString) -> None:
    with psycopg.connect(url_of(program, role)) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(statement)
    assert isinstance(refused.value, psycopg.errors.InsufficientPrivilege | psycopg.errors.ObjectNotInPrerequisiteState)


def test_the_owner_s_url_is_the_one_that_was_set(program: Program, demo_url: str) -> None:
    assert url_of(program, "owner") == demo_url
    assert program("db", "url", "--json").document == {"url": demo_url, "role": "owner"}


def test_options_of_the_url_stay_beside_the_role(program: Program, demo_url: str) -> None:
    url = program("db", "url", "--role", "finance", database_url=f"{demo_url}&options=-c%20work_mem%3D5MB").text.strip()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_user, current_setting('work_mem')").fetchone() == (
            "evledger_finance",
            "5MB",
        )


def test_psql_takes_the_url_as_it_is(program: Program) -> None:
    command = [str(psql_path()), url_of(program, "finance"), "-AXtc", "SELECT current_user"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "evledger_finance\n"


def test_migrating_again_changes_nothing(program: Program) -> None:
    assert program("migrate", "--json").document == {"applied": []}
    assert program("migrate").text == "the schema is current\n"


def test_an_empty_database_gets_the_schema(program: Program, empty_database_url: str) -> None:
    applied = program("migrate", "--json", database_url=empty_database_url).document["applied"]
    assert applied[0].startswith("0001")
    assert applied == sorted(applied)


def test_a_shell_on_the_embedded_server(embedded_server: object, open_folder: object) -> None:
    environment = {"EVLEDGER_HOME": f"{open_folder}/home", "PATH": "/usr/bin:/bin"}
    command = [str(PROGRAM), "db", "psql", "-AXtc", "SELECT current_database()"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "evledger\n", "")
    failed = subprocess.run([*command[:-1], "SELCT"], env=environment, capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stdout) == (1, "")
