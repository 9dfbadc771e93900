"""`evledger demo`: everything on an empty machine, the same figures again, and never over other data."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evledger.embedded import stop
from tests.e2e.program import Program, write_messages

SESSIONS, SEED = "25", "3"
SHAPE = {
    "sessions": ["started", "ended", "rated", "held", "billed"],
    "messages": ["read", "appended", "duplicates", "parked", "discarded"],
    "invoices": ["issued", "net", "vat", "gross"],
    "journal": ["debit", "credit"],
    "completeness": ["ended", "billed", "pending", "held", "waived", "free", "unexplained"],
}


@pytest.fixture(scope="module")
def homes(open_folder: Path) -> Iterator[Path]:
    """Where the demos of this module live; their servers are stopped at the end."""
    path = open_folder / "demos"
    path.mkdir()
    yield path
    for home in path.iterdir():
        stop(home)


@pytest.fixture
def home(homes: Path, monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    """A home shared by the module's tests, with a demo in it."""
    monkeypatch.setenv("EVLEDGER_HOME", str(homes / "shared"))
    assert demo(program)["verified"]


def demo(program: Program, *options: str) -> dict[str, Any]:
    """The figures, as from a machine's point of view: one document, and nothing on standard error."""
    outcome = program("demo", "--sessions", SESSIONS, "--seed", SEED, *options, "--json")
    assert outcome.err == ""
    figures: dict[str, Any] = outcome.document
    return figures


@pytest.mark.usefixtures("home")
def test_the_figures_have_the_shape_of_the_contract_and_add_up(program: Program) -> None:
    figures = demo(program)
    assert list(figures) == [*SHAPE, "verified", "seconds"]
    assert {name: list(figures[name]) for name in SHAPE} == SHAPE
    messages, sessions, completed = figures["messages"], figures["sessions"], figures["completeness"]
    assert messages["read"] == sum(messages[name] for name in SHAPE["messages"][1:])
    assert sessions["started"] == int(SESSIONS)
    assert completed["ended"] == sum(completed[name] for name in SHAPE["completeness"][1:])
    assert completed["pending"] == completed["unexplained"] == 0
    for currency, net in figures["invoices"]["net"].items():
        assert Decimal(net) + Decimal(figures["invoices"]["vat"][currency]) == Decimal(
            figures["invoices"]["gross"][currency]
        )
    assert figures["journal"]["debit"] == figures["journal"]["credit"] == figures["invoices"]["gross"]


@pytest.mark.usefixtures("home")
def test_again_it_shows_the_same_figures(program: Program) -> None:
    first, second = demo(program), demo(program)
    assert {**first, "seconds": None} == {**second, "seconds": None}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("options", [["--seed", "4", "--sessions", SESSIONS], ["--seed", SEED, "--sessions", "26"]])
def test_another_demo_on_the_same_home_is_refused_and_changes_nothing(program: Program, options: list[str]) -> None:
    before = demo(program)
    program("demo", *options, "--json").refuses(2, "EVLEDGER_HOME")
    assert {**demo(program), "seconds": None} == {**before, "seconds": None}


@pytest.mark.usefixtures("home")
def test_people_see_totals_an_invoice_the_proofs_and_where_to_go_on(program: Program) -> None:
    shown = program("demo", "--sessions", SESSIONS, "--seed", SEED).text
    number = program("invoice", "list", "--json").documents[0]["number"][:-1]
    for part in ("Messages", "Sessions", "Invoices", "What to try next", "✓", f"evledger invoice show {number}"):
        assert part in shown


def test_without_a_server_it_starts_one_that_is_there_for_the_next_command(
    program: Program, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVLEDGER_HOME", str(homes / "first run"))
    assert program("db", "stop").text == "no embedded server was running\n"
    assert demo(program)["verified"]
    assert len(program("session", "list", "--json").documents) == int(SESSIONS)
    assert program("db", "stop", "--json").document == {"stopped": True}
    assert program("db", "stop", "--json").document == {"stopped": False}
    assert len(program("session", "list", "--json").documents) == int(SESSIONS)
    assert program("db", "stop").text == "stopped\n"


def test_a_demo_that_was_cut_off_goes_on(program: Program, in_empty: str, folder: Path) -> None:
    file = write_messages(folder / "m.jsonl", int(SESSIONS), int(SEED))
    assert program("ingest", file).code == 0
    assert demo(program, "--force")["verified"]


@pytest.mark.usefixtures("in_empty")
def test_a_ledger_with_other_events_is_left_alone(program: Program, folder: Path) -> None:
    file = write_messages(folder / "m.jsonl", 2, 1)
    assert program("ingest", file).code == 0
    program("demo", "--force", "--json").refuses(2, "EVLEDGER_HOME")
    assert program("project", "--once").code == 0
    assert len(program("session", "list", "--json").documents) == 2


@pytest.mark.usefixtures("in_empty")
def test_a_server_by_url_is_used_only_when_forced(program: Program) -> None:
    program("demo", "--json").refuses(2, "--force")
    assert program("session", "list", "--json").documents == []
    assert demo(program, "--force")["verified"]


@pytest.mark.usefixtures("in_empty")
def test_one_session_is_enough(program: Program) -> None:
    assert program("demo", "--sessions", "1", "--force", "--json").document["sessions"]["started"] == 1


@pytest.mark.usefixtures("in_empty")
def test_messages_that_led_to_no_event_are_not_in_its_way(program: Program, folder: Path) -> None:
    (folder / "junk").write_text("not a message\n")
    assert program("ingest", "junk", "--json").document["parked"] == 1
    assert demo(program, "--force") | {"seconds": 0} == demo(program, "--force") | {"seconds": 0}
