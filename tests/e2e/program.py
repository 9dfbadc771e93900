"""The program as users and scripts meet it: arguments in; exit code, standard output and standard error out."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from evledger.cli import run_program
from evledger.simulator.record import to_lines
from evledger.simulator.simulation import messages

PROGRAM = Path(sys.executable).parent / "evledger"
STOP_TIMEOUT_S = 60

Environment = Mapping[str, str]


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def documents(self) -> list[Any]:
        """Standard output as JSON Lines."""
        assert self.code == 0, self.err
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def text(self) -> str:
        """What a person reads."""
        assert self.code == 0, self.err
        return self.out

    def refuses(self, code: int, *said: str) -> None:
        """The command ends with this code, says this in one line, and has nothing on standard output."""
        assert (self.code, self.out) == (code, ""), self
        assert self.err.startswith("evledger: ")
        assert self.err.count("\n") == 1, self.err
        assert [part for part in said if part not in self.err] == [], self.err


class Program:
    """Runs commands in this process, in an environment of the test's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch = monkeypatch
        self._capture = capture

    def __call__(self, *arguments: str | Path, **settings: str) -> Outcome:
        """Settings are given without their prefix: `home`, `database_url`."""
        self._capture.readouterr()
        with self._patch.context() as patch:
            for name, value in settings.items():
                patch.setenv(f"EVLEDGER_{name.upper()}", value)
            code = run_program([str(argument) for argument in arguments])
        captured = self._capture.readouterr()
        return Outcome(code, captured.out, captured.err)


def write_messages(path: Path, sessions: int, seed: int = 7, faults: bool = False) -> Path:
    """A file of simulated messages."""
    path.write_text("".join(to_lines(messages(sessions, seed, faults))), encoding="utf-8", newline="\n")
    return path


@contextmanager
def started(environment: Environment, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The program as a process of its own, killed at the end if it still runs."""
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: "subprocess.Popen[str]") -> Outcome:
    """Wait for the end of a process."""
    out, err = process.communicate(timeout=STOP_TIMEOUT_S)
    return Outcome(process.returncode, out, err)
