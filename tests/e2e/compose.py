"""docker-compose.yml as the official compose model reads it, and its services started without an engine."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.brokers import skip_or_fail

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker-compose.yml"
COMPOSE_GO = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
# The first run on a machine resolves and compiles it.
COMPOSE_GO_TIMEOUT_S = 600
STOP_TIMEOUT_S = 60
PROGRAM = str(Path(sys.executable).parent / "evledger")
DATABASE_ADDRESS = "postgres:5432"
BROKER_ADDRESS = "kafka:29092"

Model = dict[str, Any]


@dataclass(frozen=True)
class Addresses:
    """What stands in for the addresses that the file's own network would give."""

    database_url: str
    bootstrap_servers: str


def read_model(file: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Load a file by compose-go: schema, merge, consistency, defaults of variables. JSON on standard output."""
    if shutil.which("go") is None:
        skip_or_fail("NO GO: docker-compose.yml is not checked against the compose model")
    command = ["go", "run", COMPOSE_GO, "-format", "json", *options, str(file)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMPOSE_GO_TIMEOUT_S,
    )


def model_of(done: "subprocess.CompletedProcess[str]") -> Model:
    """The model of a file that loaded."""
    assert done.returncode == 0, done.stderr
    model: Model = json.loads(done.stdout)
    return model


def environment_of(service: Model, addresses: Addresses) -> dict[str, str]:
    """The service's environment by the file, with only the addresses replaced."""
    environment: dict[str, str] = dict(service["environment"])
    assert f"@{DATABASE_ADDRESS}/" in environment["EVLEDGER_DATABASE_URL"]
    environment["EVLEDGER_DATABASE_URL"] = addresses.database_url
    broker = environment["EVLEDGER_KAFKA_BOOTSTRAP_SERVERS"]
    environment["EVLEDGER_KAFKA_BOOTSTRAP_SERVERS"] = broker.replace(BROKER_ADDRESS, addresses.bootstrap_servers)
    return environment


@contextmanager
def running(service: Model, addresses: Addresses, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A service as the file starts it: its command and environment, an empty folder, nothing else."""
    name = "-".join(service["command"])
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment_of(service, addresses)}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, *service["command"]],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def stop_as_an_engine_does(process: "subprocess.Popen[bytes]") -> int:
    """SIGTERM, and the exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(STOP_TIMEOUT_S)
