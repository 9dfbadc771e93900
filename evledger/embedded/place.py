"""Where a home keeps its server: `<home>/postgres`, a folder or a link to one that its user can reach."""

import hashlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from evledger.embedded.errors import EmbeddedServerError
from evledger.embedded.system_user import ROOT_UID, SystemUser

# Folders that every user can enter and only root can write, for a home that is closed to the server's user.
SHARED_BASES = (Path("/var/lib/evledger"), Path("/var/tmp/evledger"))  # noqa: S108  owner and mode are checked
# sun_path holds 107 bytes and a terminating zero: the socket never lives under the home, whose path is free.
SOCKET_BASE = Path("/tmp")  # noqa: S108  owner and mode are checked
# PostgreSQL cuts paths at 1,024 bytes; what it puts below the data directory takes less than 100.
HOME_BYTES_MAX = 900
PRIVATE = 0o700
PLACE_NAME = "postgres"

Notice = Callable[[str], None]


def place_of(home: Path) -> Path:
    """The folder of the server's data and log, free of links: the server's user may not reach the link."""
    return (home / PLACE_NAME).resolve()


def data_of(home: Path) -> Path:
    """The data directory; it exists when `initdb` was complete."""
    return place_of(home) / "data"


def check_path(home: Path) -> None:
    """Refuse a path that PostgreSQL could not carry."""
    if len(os.fsencode(home)) > HOME_BYTES_MAX:
        raise EmbeddedServerError(f"the path of the home is longer than {HOME_BYTES_MAX} bytes: {home}")
    if not str(home).isprintable():
        raise EmbeddedServerError(f"the path of the home has characters that cannot be printed: {str(home)!r}")


def ensure_place(home: Path, user: SystemUser, notice: Notice) -> Path:
    """The home's place, made if it is missing; nothing above it changes its mode.

    Raises:
        EmbeddedServerError: the place is gone, or closed to the server's user.
    """
    link = home / PLACE_NAME
    if not os.path.lexists(link):
        _make_place(home, link, user)
    place = place_of(home)
    if not place.is_dir():
        raise EmbeddedServerError(f"{link} is no folder (a link to {place}, which is gone?)")
    if not user.can_enter(place):
        raise EmbeddedServerError(
            f"user {user.name} cannot enter {place}, where the server's data are",
            f"let that user pass (chmod o+x on the folders above), or move the data and link {link} to them",
        )
    if link.is_symlink():
        notice(f"{home} is closed to user {user.name}: the server's data are in {place}")
    return place


def _make_place(home: Path, link: Path, user: SystemUser) -> None:
    if user.can_enter(home):
        _make_private(link, user)
        return
    digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    # A random part: a home that was removed and made anew must not meet the old one's data.
    elsewhere = shared_base() / f"{digest}-{secrets.token_hex(4)}"
    _make_private(elsewhere, user)
    link.symlink_to(elsewhere)


def _make_private(folder: Path, user: SystemUser) -> None:
    folder.mkdir(mode=PRIVATE)
    if os.geteuid() == ROOT_UID:
        os.chown(folder, user.uid, user.gid)


def shared_base() -> Path:
    """The first of SHARED_BASES that can be had."""
    for base in SHARED_BASES:
        try:
            base.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        if _is_ours_alone(base.lstat(), os.geteuid()):
            return base
    raise EmbeddedServerError(f"no folder for the server's data: tried {', '.join(map(str, SHARED_BASES))}")


def ensure_socket_folder(data: Path, user: SystemUser) -> Path:
    """A short private folder of the data's own, named by their identity: moving the home keeps it."""
    identity = data.stat()
    folder = SOCKET_BASE / f"evledger-{identity.st_dev:x}-{identity.st_ino:x}"
    if not os.path.lexists(folder):
        _make_private(folder, user)
    if not _is_ours_alone(folder.lstat(), user.uid):
        raise EmbeddedServerError(f"{folder} is not a folder of user {user.name}", "remove it")
    for leftover in folder.iterdir():  # of a server that crashed: the caller saw that none is running
        leftover.unlink()
    return folder


def _is_ours_alone(status: os.stat_result, uid: int) -> bool:
    """In a folder open to all, another user may have been there first with a folder or a link."""
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and not status.st_mode & 0o022
