"""Wrong settings, and what is outside and not there: one clear line, the exit code of the contract, no half work."""

import itertools
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from consumers.session_log import LOCK_KEY as BILLER_LOCK
from projections.single import PROJECTOR_LOCK, REBUILD_LOCK, RELAY_LOCK
from tests.e2e.program import PROGRAM, Outcome, Program, ended, started

BROKER_COMMANDS = (
    ["consume"],
    ["publish", "--once"],
    ["run"],
    ["simulate", "--sessions", "1", "--seed", "1", "--kafka"],
)
ON_THE_DATABASE = (
    ["session", "list", "--json"],
    ["ingest", "m.jsonl"],
    ["migrate"],
    ["db", "url"],
    ["replay", "--all"],
)
SMALL_DISK = "size=8m,mode=755"


@pytest.fixture(scope="module")
def refused_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("command", ON_THE_DATABASE, ids=" ".join)
def test_a_database_that_is_away_is_exit_code_3(
    program: Program, command: list[str], refused_port: int, folder: Path
) -> None:
    (folder / "m.jsonl").touch()
    url = f"postgresql://user:se-cret@127.0.0.1:{refused_port}/evledger"
    outcome = program(*command, database_url=url)
    outcome.refuses(3, "database", str(refused_port), "refused")
    assert "se-cret" not in outcome.err


def test_a_socket_folder_that_is_not_there_is_exit_code_3(program: Program) -> None:
    program("session", "list", database_url="postgresql:///x?host=/nowhere").refuses(3, "database", "/nowhere")


def test_a_database_that_does_not_exist_is_exit_code_3(program: Program, database_url: str) -> None:
    url = database_url.replace("postgresql:///", "postgresql:///no_")
    program("session", "list", database_url=url).refuses(3, "does not exist")


@pytest.mark.parametrize("home", ["/dev/null/home", "/proc/home", "a file"])
def test_a_home_that_cannot_be_used_says_what_to_do(program: Program, home: str, folder: Path) -> None:
    (folder / "a file").touch()
    program("session", "list", "--json", home=home).refuses(3, home, "EVLEDGER_HOME", "EVLEDGER_DATABASE_URL")


def test_a_database_of_a_newer_program_is_left_alone(program: Program, in_empty: str) -> None:
    with psycopg.connect(in_empty) as connection:
        connection.execute("INSERT INTO public.evledger_migrations (name, sha256) VALUES ('9999_future.sql', 'x')")
    program("session", "list").refuses(2, "9999_future.sql", "update")
    program("migrate").refuses(2, "9999_future.sql")


def test_a_migration_that_was_changed_is_named(program: Program, in_empty: str) -> None:
    with psycopg.connect(in_empty) as connection:
        connection.execute("UPDATE public.evledger_migrations SET sha256 = 'x' WHERE name LIKE '0001%'")
    program("session", "list").refuses(2, "0001", "changed")


def test_a_user_without_rights_is_told_so(program: Program, in_empty: str) -> None:
    with psycopg.connect(in_empty) as connection:
        connection.execute("CREATE ROLE evledger_stranger LOGIN")
    try:
        stranger = in_empty.replace("user=evledger_owner", "user=evledger_stranger")
        program("session", "list", database_url=stranger).refuses(2, "database", "permission denied")
    finally:
        with psycopg.connect(in_empty) as connection:
            connection.execute("DROP ROLE evledger_stranger")


@pytest.mark.parametrize("command", [["session", "list"], ["simulate", "--sessions", "1", "--seed", "1", "--kafka"]])
def test_a_wrong_setting_is_exit_code_2(program: Program, command: list[str]) -> None:
    program(*command, topic_partitions="many").refuses(2, "EVLEDGER_TOPIC_PARTITIONS", "many")


@pytest.mark.parametrize("command", BROKER_COMMANDS, ids=" ".join)
def test_no_broker_set_is_exit_code_2(program: Program, command: list[str]) -> None:
    program(*command).refuses(2, "EVLEDGER_KAFKA_BOOTSTRAP_SERVERS")


def test_a_broker_that_is_away_is_exit_code_3(database_url: str, second_url: str, refused_port: int) -> None:
    """All at once, as each tries for a while; on two databases, as `run` relays too, and one relay is let in."""
    address = f"127.0.0.1:{refused_port}"
    environment = {**os.environ, "EVLEDGER_KAFKA_BOOTSTRAP_SERVERS": address}
    urls = itertools.cycle([database_url, second_url])
    with ExitStack() as stack:
        running = [
            stack.enter_context(started({**environment, "EVLEDGER_DATABASE_URL": url}, *command))
            for url, command in zip(urls, BROKER_COMMANDS, strict=False)
        ]
        for process in running:
            ended(process).refuses(3, "Kafka", address)


@pytest.mark.parametrize(
    ("key", "command", "what"),
    [
        (BILLER_LOCK, ["bill", "--json"], "biller"),
        (BILLER_LOCK, ["bill", "--follow"], "biller"),
        (PROJECTOR_LOCK, ["project", "--once"], "projector"),
        (PROJECTOR_LOCK, ["project"], "projector"),
        (REBUILD_LOCK, ["rebuild", "--all"], "rebuild"),
        (RELAY_LOCK, ["publish", "--once"], "relay"),
    ],
)
@pytest.mark.usefixtures("one_try")
def test_a_second_one_is_told_so(program: Program, in_empty: str, key: int, command: list[str], what: str) -> None:
    with holding(in_empty, key):
        program(*command, kafka_bootstrap_servers="127.0.0.1:1").refuses(3, what)


@contextmanager
def holding(url: str, key: int) -> Iterator[None]:
    """Another process is at work."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [key])
        yield


@pytest.mark.parametrize(
    "command", [["session", "list"], ["session", "list", "--json"], ["simulate", "--sessions", "1", "--seed", "1"]]
)
@pytest.mark.usefixtures("in_demo")
def test_an_output_without_room_is_exit_code_3(command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([PROGRAM, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    Outcome(done.returncode, "", done.stderr).refuses(3, "No space left on device")


@pytest.mark.parametrize("options", ["", "--json"])
@pytest.mark.usefixtures("in_demo")
def test_a_reader_that_has_seen_enough_is_no_failure(options: str) -> None:
    script = f'"{PROGRAM}" session list {options} | head -n 1; exit "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


def test_a_full_disk_leaves_nothing_half_written(program: Program, small_disk: Path) -> None:
    out = small_disk / "messages.jsonl"
    program("simulate", "--sessions", "1000", "--seed", "1", "--out", out).refuses(3, str(out), "No space left")
    assert list(small_disk.iterdir()) == []


def test_a_home_on_a_full_disk_is_one_line_and_works_when_there_is_room(program: Program, small_disk: Path) -> None:
    home = small_disk / "home"
    program("session", "list", "--json", home=str(home)).refuses(3, "No space left", "EVLEDGER_HOME")
    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    assert program("session", "list", "--json", home=str(home)).documents == []
    assert program("db", "stop", home=str(home)).code == 0


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    path = open_folder / "small"
    path.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", SMALL_DISK, "tmpfs", path], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"NO SMALL DISK, a full one goes untested: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", path], check=True)
