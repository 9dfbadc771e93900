"""Ledgers for the tests of the command line: one that the demo made, and empty ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evledger.demo import run_demo
from evledger.embedded import Server
from evledger.settings import Settings
from tests.conftest import create_database, drop_database
from tests.e2e.program import Program

DEMO = "test_demo"
DEMO_SESSIONS, DEMO_SEED = 60, 7


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """Runs commands."""
    return Program(monkeypatch, capsys)


@pytest.fixture(scope="session")
def demo_url(embedded_server: Server, template_database: str) -> Iterator[str]:
    """A database with a small demo in it, for tests that only read."""
    create_database(embedded_server, DEMO, template_database)
    url = embedded_server.url(database=DEMO)
    assert run_demo(Settings(database_url=url), DEMO_SESSIONS, DEMO_SEED, lambda _line: None).figures["verified"]
    yield url
    drop_database(embedded_server, DEMO)


@pytest.fixture
def demo_copy_url(embedded_server: Server, demo_url: str) -> Iterator[str]:
    """The same, for a test that changes it."""
    name = f"{DEMO}_copy"
    create_database(embedded_server, name, DEMO)
    yield embedded_server.url(database=name)
    drop_database(embedded_server, name)


@pytest.fixture
def in_demo(monkeypatch: pytest.MonkeyPatch, demo_url: str) -> None:
    """The program's database is the demo's."""
    monkeypatch.setenv("EVLEDGER_DATABASE_URL", demo_url)


@pytest.fixture
def in_empty(monkeypatch: pytest.MonkeyPatch, database_url: str) -> str:
    """The program's database is a fresh one; its URL."""
    monkeypatch.setenv("EVLEDGER_DATABASE_URL", database_url)
    return database_url


@pytest.fixture
def second_url(embedded_server: Server, template_database: str) -> Iterator[str]:
    """One more fresh database."""
    name = "test_second"
    create_database(embedded_server, name, template_database)
    yield embedded_server.url(database=name)
    drop_database(embedded_server, name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the program runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
