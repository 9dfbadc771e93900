"""Fixtures of all tests: one embedded server a session, a fresh database a test, one real broker a session."""

import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from evledger.broker import Broker
from evledger.embedded import Server, ensure_running, stop
from evledger.migrate import migrate
from projections import single
from tests.brokers import maven_broker, session_broker

TEMPLATE = "test_template"
# Tests kill servers of their own, never this one: nothing that it wrote must outlive a power cut.
UNSYNCED = ("fsync", "full_page_writes")
# A broker that lives for a minute is not worth the better compiler.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
MEMORY_DISK = Path("/dev/shm")  # noqa: S108  a folder of a random name is made in it
# The server's WAL grows to 2 GiB before it is used again, and each worker of a parallel run has a server.
MEMORY_DISK_FREE_MIN = 8 * 1024**3
_numbers = itertools.count(1)

# Other processes share the machine: a case that takes long says nothing about the code.
settings.register_profile("evledger", settings.default, deadline=None)
settings.load_profile("evledger")


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_the_runner() -> Iterator[None]:
    """No test meets the ledger of whoever runs it: a test that names no home gets one that cannot be used."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("EVLEDGER_")]:
            patch.delenv(name)
        patch.setenv("EVLEDGER_HOME", "/dev/null/home")
        patch.setenv("JDK_JAVA_OPTIONS", QUICK_JAVA)
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # else each process that a test starts compiles all
        yield


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every system user can enter: pytest's own are closed to the server's user under root."""
    folder = Path(tempfile.mkdtemp(prefix="evledger-tests-", dir=_roomy_memory_disk()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _roomy_memory_disk() -> Path | None:
    """A memory disk, if there is a large one that programs may be started from."""
    if not MEMORY_DISK.is_dir():
        return None
    found = os.statvfs(MEMORY_DISK)
    is_roomy = found.f_bavail * found.f_frsize >= MEMORY_DISK_FREE_MIN
    return MEMORY_DISK if is_roomy and not found.f_flag & os.ST_NOEXEC else None


@pytest.fixture(scope="session")
def embedded_server(open_folder: Path) -> Iterator[Server]:
    """A PostgreSQL of the test session's own, in its own folder, stopped at the end."""
    home = open_folder / "home"
    server = ensure_running(home)
    try:
        assert_own_server(server, home)
        _leave_unsynced(server)
        yield server
    finally:
        stop(home)


@pytest.fixture(scope="session")
def template_database(embedded_server: Server) -> str:
    """The name of a migrated database that tests' databases are copied from."""
    create_database(embedded_server, TEMPLATE)
    migrate(embedded_server.url(database=TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database_url(embedded_server: Server, template_database: str) -> Iterator[str]:
    """The URL (as owner) of a fresh, migrated database, dropped after the test."""
    yield from _database(embedded_server, template_database)


@pytest.fixture
def empty_database_url(embedded_server: Server) -> Iterator[str]:
    """The URL (as owner) of a fresh database without any migration, dropped after the test."""
    yield from _database(embedded_server, "template1")


@pytest.fixture
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, a lock that is taken is not waited for: nobody will let go of it."""
    monkeypatch.setattr(single, "TRIES", 1)


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address (`host:port`) of a real broker, shared by the session: use `topic_prefix` in every name."""
    with session_broker(tmp_path_factory.mktemp("kafka")) as bootstrap_servers:
        yield bootstrap_servers


@pytest.fixture
def restartable_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test alone, which it may `kill()` and `start_again()` on the same data."""
    with maven_broker(tmp_path / "kafka") as broker:
        yield broker


@pytest.fixture
def topic_prefix() -> str:
    """What a test's topics and groups begin with, so that tests on one broker never meet."""
    return f"test-{uuid.uuid4().hex[:12]}."


def _database(server: Server, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    create_database(server, name, template)
    try:
        yield server.url(database=name)
    finally:
        drop_database(server, name)


def create_database(server: Server, name: str, template: str = "template1") -> None:
    """Create a database on the session's server, and only there."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    _execute(server, statement)


def drop_database(server: Server, name: str) -> None:
    """Drop a database on the session's server, whoever is still connected to it."""
    _execute(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def assert_own_server(server: Server, home: Path) -> None:
    """The server at the URL is the one that this session started, in this session's folder."""
    with psycopg.connect(server.url()) as connection:
        found = connection.execute("SHOW data_directory").fetchone()
    assert found == (str(server.data_directory),)
    assert server.data_directory == (home / "postgres" / "data").resolve()


def _leave_unsynced(server: Server) -> None:
    for setting in UNSYNCED:
        _execute(server, sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
    _execute(server, sql.SQL("SELECT pg_reload_conf()"))


def _execute(server: Server, statement: sql.Composable) -> None:
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        found = connection.execute("SHOW data_directory").fetchone()
        assert found == (str(server.data_directory),)
        connection.execute(statement)
