"""Every command explains itself, and says in one line what is wrong with how it was called."""

from collections.abc import Iterator

import click
import pytest

from evledger.cli import program as top
from tests.e2e.program import Program

# psql's arguments are its own, so it has no --json.
WITHOUT_JSON = {("db", "psql")}


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


EVERY = list(commands(top))
LEAVES = [path for path, command in EVERY if not isinstance(command, click.Group)]


def test_the_commands_of_the_contract_are_there() -> None:
    wanted = (
        "demo", "simulate", "ingest", "import-sessions", "consume", "project", "rebuild", "publish", "run", "bill",
        "rate", "session list", "session show", "invoice list", "invoice show", "account show", "db url", "db psql",
        "db stop", "replay", "audit completeness", "parked list", "parked show", "held list", "held show",
        "held release", "held waive", "tick", "parked retry", "parked discard", "energy report",
    )  # fmt: skip
    assert {" ".join(path) for path, _ in EVERY} >= set(wanted)


@pytest.mark.parametrize("path", [path for path, _ in EVERY], ids=" ".join)
def test_help_has_an_example_of_the_command(program: Program, path: tuple[str, ...]) -> None:
    shown = program(*path, "--help").text
    assert f"evledger {' '.join(path)}" in shown.partition("Example")[2]


@pytest.mark.parametrize("path", [path for path in LEAVES if path not in WITHOUT_JSON], ids=" ".join)
def test_every_command_speaks_to_machines(program: Program, path: tuple[str, ...]) -> None:
    assert "--json" in program(*path, "--help").text


def test_the_list_of_commands_cuts_no_sentence(program: Program) -> None:
    assert "..." not in program("--help").text.partition("Commands:")[2]


@pytest.mark.parametrize("path", [[], ["session"], ["db"]], ids=" ".join)
def test_a_group_alone_shows_its_help_and_asks_for_a_command(program: Program, path: list[str]) -> None:
    outcome = program(*path)
    assert (outcome.code, outcome.err) == (2, "evledger: name a command\n")
    assert "Commands:" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sesion"], "sesion"),
        (["session", "shwo"], "shwo"),
        (["demo", "--sesions", "3"], "--sessions"),
        (["demo", "--seed", "x"], "'x' is not a valid integer"),
        (["demo", "--sessions", "0"], "evledger demo --help"),
        (["session", "show"], "SESSION_ID"),
        (["db", "url", "--role", "king"], "finance"),
        (["simulate", "--seed", "1"], "--sessions"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(program: Program, arguments: list[str], said: str) -> None:
    program(*arguments).refuses(2, said)


def test_the_version_is_told(program: Program) -> None:
    assert "evledger" in program("--version").text
