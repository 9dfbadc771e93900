"""A database for a benchmark alone: an embedded server in a folder of its own, gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from evledger.embedded import ensure_running, stop
from evledger.migrate import migrate


class Place(NamedTuple):
    """Where a benchmark works."""

    url: str
    folder: Path


@contextmanager
def database() -> Iterator[Place]:
    """A migrated database on an embedded server of the benchmark's own."""
    folder = Path(tempfile.mkdtemp(prefix="evledger-bench-"))
    folder.chmod(0o755)  # the server's user must get in when root runs this
    try:
        url = ensure_running(folder / "home").url()
        migrate(url)
        yield Place(url, folder)
    finally:
        stop(folder / "home")
        shutil.rmtree(folder, ignore_errors=True)
