"""The home's server: attach to it, or start it."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from evledger.embedded.binaries import binaries_for
from evledger.embedded.cluster import DATABASE, OWNER_ROLE, check_version, create_cluster
from evledger.embedded.errors import EmbeddedServerError
from evledger.embedded.place import (
    Notice,
    check_path,
    data_of,
    ensure_place,
    ensure_socket_folder,
    place_of,
    shared_base,
)
from evledger.embedded.postmaster import (
    POLL_INTERVAL_S,
    PORT,
    Postmaster,
    find_postmaster,
    start_postmaster,
    stop_postmaster,
    wait_until_ready,
)
from evledger.embedded.system_user import admitted_names, server_user

# The holder may be at initdb and at crash recovery, both bounded by the server's own timeouts.
LOCK_TIMEOUT_S = 180


@dataclass(frozen=True)
class Server:
    """A server that runs: where it listens and what it keeps."""

    data_directory: Path
    socket_folder: Path
    pid: int

    def url(self, role: str = OWNER_ROLE, database: str = DATABASE) -> str:
        """A libpq URL, good for the server's user, root, and whoever made the home.

        Connections by it begin with the rights of `role`, a role without a login of its own. The port is in it
        because a PGPORT in the environment would otherwise change the socket's name.
        """
        query = {"host": str(self.socket_folder), "port": str(PORT), "user": OWNER_ROLE}
        if role != OWNER_ROLE:
            query["options"] = f"-c role={role}"
        return f"postgresql:///{database}?{urlencode(query, quote_via=quote)}"


def ensure_running(home: Path, notice: Notice | None = None) -> Server:
    """The server of `home`, started if it is not running (the first time: made).

    Args:
        home: the folder of the installation (EVLEDGER_HOME); made if it is missing.
        notice: takes one line when the data had to be placed outside the home; standard error by default.

    Raises:
        EmbeddedServerError: it cannot be had; the message says what to do.
    """
    try:
        return _attach(home) or _start(home.absolute(), notice or _to_standard_error)
    except OSError as error:
        raise EmbeddedServerError(f"cannot use {home} as the home: {error.strerror} ({error.filename})") from error


def stop(home: Path) -> bool:
    """Stop the home's server, if one is running; says whether one was.

    Raises:
        EmbeddedServerError: it runs as another user, or does not stop in time.
    """
    if not place_of(home).exists():
        return False
    try:
        with _lock(home):
            return _stop(data_of(home))
    except OSError as error:
        raise EmbeddedServerError(f"cannot use {home} as the home: {error.strerror} ({error.filename})") from error


def _attach(home: Path) -> Server | None:
    """The fast way: one small file and one connection."""
    found = find_postmaster(data_of(home))
    return _server(data_of(home), found) if found and found.answers() else None


def _start(home: Path, notice: Notice) -> Server:
    _check_platform()
    check_path(home)
    home.mkdir(parents=True, exist_ok=True)
    with _lock(home):
        return _attach(home) or _start_alone(home, notice)


def _start_alone(home: Path, notice: Notice) -> Server:
    """The caller holds the lock. A server that runs but does not answer has lost its socket: begin again."""
    data = data_of(home)
    found = wait_until_ready(data)
    if found and found.answers():
        return _server(data, found)
    _stop(data)
    return _start_new(home, notice)


def _start_new(home: Path, notice: Notice) -> Server:
    user = server_user(home)
    place = ensure_place(home, user, notice)
    binaries = binaries_for(user, shared_base)
    data = place / "data"
    if not data.exists():
        create_cluster(place, user, binaries, admitted_names(home, user))
    check_version(data)
    return _server(data, start_postmaster(data, ensure_socket_folder(data, user), user, binaries))


def _stop(data: Path) -> bool:
    found = find_postmaster(data)
    if found is None:
        return False
    stop_postmaster(found, data)
    if found.socket_folder.is_dir() and not any(found.socket_folder.iterdir()):
        found.socket_folder.rmdir()
    return True


def _server(data: Path, postmaster: Postmaster) -> Server:
    return Server(data.resolve(), postmaster.socket_folder, postmaster.pid)


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    """One starter or stopper at a time. The lock is on the folder itself: it dies with its holder, and leaves
    no file."""
    folder = os.open(home, os.O_RDONLY)
    try:
        _take(folder, home)
        yield
    finally:
        os.close(folder)


def _take(folder: int, home: Path) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while not _is_taken(folder):
        if time.monotonic() > deadline:
            raise EmbeddedServerError(f"another process holds {home} for {LOCK_TIMEOUT_S} s", "look what it does")
        time.sleep(POLL_INTERVAL_S)


def _is_taken(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check_platform() -> None:
    if sys.platform != "linux":
        raise EmbeddedServerError("the embedded server runs on Linux", "name a server by EVLEDGER_DATABASE_URL")


def _to_standard_error(line: str) -> None:
    sys.stderr.write(f"{line}\n")
