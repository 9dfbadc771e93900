"""A command as a user meets it: what it prints, and its exit code."""

import json
from typing import Any, NamedTuple

import click
from click.testing import CliRunner

from evledger.cli.errors import exit_code_of, line_of


class Outcome(NamedTuple):
    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> list[Any]:
        """Standard output as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(command: click.Command, *arguments: object) -> Outcome:
    """Run a command, and turn its failure into a line and an exit code as the program does."""
    result = CliRunner().invoke(command, [str(each) for each in arguments])
    if result.exception is None or isinstance(result.exception, SystemExit):
        return Outcome(result.exit_code, result.stdout, result.stderr)
    code = exit_code_of(result.exception)
    assert code is not None, result.exception
    return Outcome(code, result.stdout, f"{result.stderr}{line_of(result.exception)}\n")
