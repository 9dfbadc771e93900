"""The server's process: find it, start it, stop it."""

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evledger.embedded.errors import EmbeddedServerError
from evledger.embedded.system_user import Command, SystemUser

# A server that crashed under load reads up to max_wal_size of log before it is ready.
START_TIMEOUT_S = 120
# A fast stop writes one checkpoint.
STOP_TIMEOUT_S = 120
POLL_INTERVAL_S = 0.01
PORT = 5432
# The shell lets go of the server, which init adopts: no zombie of ours is left when the server stops. The
# log is opened by the server's user, in the server's folder.
START_SCRIPT = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'


@dataclass(frozen=True)
class Postmaster:
    """A running server, as its pid file describes it."""

    pid: int
    socket_folder: Path
    is_ready: bool

    def answers(self) -> bool:
        """Ready, and its socket is there (a cleaner of temporary folders may have taken it away)."""
        return self.is_ready and _accepts(self.socket_folder / f".s.PGSQL.{PORT}")


def find_postmaster(data: Path) -> Postmaster | None:
    """The server that runs on `data`, or None: a pid file alone proves nothing, its pid may be another's."""
    lines = _pid_file_lines(data)
    if len(lines) < 5 or not lines[0].isdigit() or not is_postmaster(int(lines[0]), data):
        return None
    return Postmaster(int(lines[0]), Path(lines[4]), len(lines) > 7 and lines[7].strip() == "ready")


def is_postmaster(pid: int, data: Path) -> bool:
    """Whether `pid` lives and works in `data`, as a server does and a stranger with a reused pid does not."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except OSError:
        return False


def start_postmaster(data: Path, socket_folder: Path, user: SystemUser, binaries: Path) -> Postmaster:
    """Start a server on `data` in a session of its own, and wait until it is ready.

    The caller holds the home's lock and has seen that no server is running.
    """
    _remove_stale_pid_file(data)
    log = data.parent / "server.log"
    command: Command = [binaries / "postgres", "-D", data.resolve(), "-p", str(PORT), "-k", socket_folder]
    started = user.run(["/bin/sh", "-c", START_SCRIPT, "sh", log, *command])
    if not started.stdout.strip().isdigit():
        raise EmbeddedServerError(f"the server's program did not start: {started.stderr.strip()}")
    pid = int(started.stdout)
    _wait(lambda: _is_ready(data) or not _runs(pid), START_TIMEOUT_S, f"the server on {data} to be ready, {log}")
    found = wait_until_ready(data)  # also one that a starter who was killed left behind, which came first
    if found is None:
        raise EmbeddedServerError(f"the server on {data} did not start: {_last_fatal(log)} ({log})")
    return found


def wait_until_ready(data: Path) -> Postmaster | None:
    """Wait for a server that another process started; None if it ends instead."""
    what = f"the server on {data} to be ready"
    _wait(lambda: _is_ready(data) or find_postmaster(data) is None, START_TIMEOUT_S, what)
    return find_postmaster(data)


def stop_postmaster(postmaster: Postmaster, data: Path) -> None:
    """Stop fast: SIGTERM would wait for every client to leave."""
    try:
        os.kill(postmaster.pid, signal.SIGINT)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise EmbeddedServerError("the server is another user's", "stop it as that user or as root") from error
    _wait(lambda: not is_postmaster(postmaster.pid, data), STOP_TIMEOUT_S, f"the server on {data} to stop")


def _remove_stale_pid_file(data: Path) -> None:
    """PostgreSQL removes a file whose pid is dead, but gives up when that pid is another program's by now."""
    if not _pid_file_lines(data):
        time.sleep(POLL_INTERVAL_S)  # empty: a server may be about to write it
    if find_postmaster(data) is None:
        (data / "postmaster.pid").unlink(missing_ok=True)


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_ready(data: Path) -> bool:
    found = find_postmaster(data)
    return found is not None and found.is_ready


def _runs(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/exe").readlink())  # unlike a signal, tells a zombie from the living
    except OSError:
        return False


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def _wait(is_over: Callable[[], bool], timeout_s: int, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_over():
        if time.monotonic() > deadline:
            raise EmbeddedServerError(f"waited {timeout_s} s for {what}", "look into its log, then try again")
        time.sleep(POLL_INTERVAL_S)


def _last_fatal(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-20:] if log.exists() else []
    told = [line for line in lines if "FATAL" in line or "PANIC" in line or "rror" in line]
    return (told or lines or ["no message"])[-1]
