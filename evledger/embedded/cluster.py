"""A new data directory: made aside, renamed when complete."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from evledger.embedded.errors import EmbeddedServerError
from evledger.embedded.system_user import ROOT_UID, Command, SystemUser

OWNER_ROLE = "evledger_owner"
DATABASE = "evledger"
CREATE_DATABASE = "CREATE DATABASE evledger\n"
MAJOR_VERSION = "18"
IDENT_MAP = "evledger"
SETTINGS = {
    "listen_addresses": "",  # the socket is the only way in
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "256MB",  # a page of events and the indexes it touches stay in memory
    "max_wal_size": "2GB",  # a bulk load does not checkpoint every few seconds
    "jit": "off",  # compiling costs more than these short statements take
    "random_page_cost": "1.1",  # no spinning disks
}
TEMPORARY_PREFIX = "initdb-"


def create_cluster(place: Path, user: SystemUser, binaries: Path, admitted: list[str]) -> None:
    """Make `<place>/data` with database `evledger`, owned by role `evledger_owner`.

    Durable settings stay as PostgreSQL has them (fsync, full_page_writes, synchronous_commit on). Killed at
    any point, it leaves a folder `initdb-*` that the next call removes.
    """
    _remove_unfinished(place)
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=place))
    try:
        _fill(temporary, user, binaries, admitted)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    temporary.rename(place / "data")


def _fill(data: Path, user: SystemUser, binaries: Path, admitted: list[str]) -> None:
    _give(data, user)
    _initdb(data, user, binaries)
    _write(data / "pg_hba.conf", _hba(), user)
    _write(data / "pg_ident.conf", _ident(admitted), user)
    _create_database(data, user, binaries)


def check_version(data: Path) -> None:
    """Refuse data of another major version, which these programs cannot read."""
    found = (data / "PG_VERSION").read_text().strip()
    if found != MAJOR_VERSION:
        raise EmbeddedServerError(f"{data} is of PostgreSQL {found}, the server here is {MAJOR_VERSION}")


def _remove_unfinished(place: Path) -> None:
    for unfinished in place.glob(f"{TEMPORARY_PREFIX}*"):
        shutil.rmtree(unfinished, ignore_errors=True)  # its initdb may live on and still write: next time


def _initdb(data: Path, user: SystemUser, binaries: Path) -> None:
    options = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    access = ["--username", OWNER_ROLE, "--auth-local=peer", "--auth-host=reject"]
    command: Command = [binaries / "initdb", "--pgdata", data, "--data-checksums", *locale, *access, *options]
    _must_succeed(user.run(command), "initdb", data)


def _create_database(data: Path, user: SystemUser, binaries: Path) -> None:
    """In single-user mode: the data directory is complete before any server opens it."""
    command: Command = [binaries / "postgres", "--single", "-D", data, "-c", "exit_on_error=true", "postgres"]
    _must_succeed(user.run(command, CREATE_DATABASE), "CREATE DATABASE", data)


def _must_succeed(done: "subprocess.CompletedProcess[str]", step: str, data: Path) -> None:
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        told = [line for line in lines if "error:" in line or "FATAL" in line or "ERROR" in line] or lines
        raise EmbeddedServerError(f"{step} in {data} failed: {(told or ['no message'])[0]}")


def _hba() -> str:
    return f"local all all peer map={IDENT_MAP}\nlocal replication all peer map={IDENT_MAP}\n"


def _ident(admitted: list[str]) -> str:
    """Each admitted system user may take any role of the ledger, and no other role."""
    return "".join(f'{IDENT_MAP} "{name}" /^evledger_\n' for name in admitted)


def _write(path: Path, text: str, user: SystemUser) -> None:
    path.write_text(text)
    _give(path, user)


def _give(path: Path, user: SystemUser) -> None:
    if os.geteuid() == ROOT_UID:
        os.chown(path, user.uid, user.gid)
