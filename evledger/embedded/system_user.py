"""The system user that the server runs as: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evledger.embedded.errors import EmbeddedServerError

# Tried in this order when root starts a server in a home of its own; the first that exists is taken.
UNPRIVILEGED_USERS = ("evledger", "postgres", "nobody")
ROOT_UID = 0


Command = Sequence[str | Path]


@dataclass(frozen=True)
class SystemUser:
    """An account of the machine: what the server and its programs run as."""

    name: str
    uid: int
    gid: int

    def run(self, command: Command, text: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end as this user, with `text` on its standard input."""
        is_other = os.geteuid() != self.uid
        return subprocess.run(  # noqa: S603
            [str(part) for part in command],
            input=text,
            text=True,
            capture_output=True,
            check=False,
            cwd="/",  # the caller's folder may be closed to this user
            env=clean_environment(),
            start_new_session=True,
            user=self.uid if is_other else None,
            group=self.gid if is_other else None,  # with user= alone the child of root keeps root's groups
            extra_groups=[] if is_other else None,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this user may pass through every folder of the path (asked of the system: ACLs count)."""
        return self.run(["test", "-x", folder]).returncode == 0


def clean_environment() -> dict[str, str]:
    """The environment without PG* variables, which would move a server or a client somewhere else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def server_user(home: Path) -> SystemUser:
    """Us, unless we are root: then the owner of what lies in `home` already, or of `home`, or a bystander."""
    if os.geteuid() != ROOT_UID:
        return _named(os.geteuid())
    owners = (_owner_uid(home / "postgres"), _owner_uid(home))
    uids = [uid for uid in owners if uid and _name(uid)] + _bystanders()
    if not uids:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and none of the users {', '.join(UNPRIVILEGED_USERS)} exists",
            "add one (useradd --system evledger), or name a server by EVLEDGER_DATABASE_URL",
        )
    return _named(uids[0])


def admitted_names(home: Path, user: SystemUser) -> list[str]:
    """The system users that the server lets in: its own, root, and whoever made `home`."""
    names = {user.name, _name(ROOT_UID), _name(_owner_uid(home))}
    return sorted(name for name in names if name)


def _bystanders() -> list[int]:
    return [entry.pw_uid for entry in map(_entry, UNPRIVILEGED_USERS) if entry]


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _owner_uid(path: Path) -> int:
    return path.stat().st_uid if path.exists() else ROOT_UID


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _named(uid: int) -> SystemUser:
    if not _name(uid):
        raise EmbeddedServerError(
            f"user id {uid} has no name on this machine, and PostgreSQL asks for one",
            "add it to /etc/passwd, or name a server by EVLEDGER_DATABASE_URL",
        )
    entry = pwd.getpwuid(uid)
    return SystemUser(entry.pw_name, uid, entry.pw_gid)
