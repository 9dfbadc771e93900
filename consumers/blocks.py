"""Blocks of bytes between two processes: each lies in a file in memory, and a pipe says how long it is.

A pipe alone holds less than a batch: whoever writes one would wait for the other to take it, and both at once for ever.
"""

import os
import struct
import sys
import tempfile
from collections.abc import Sequence
from itertools import cycle
from typing import IO

_LENGTH = struct.Struct("!I")


class Blocks:
    """One direction. Its files are used in turn, so at most as many blocks as there are files may wait to be taken."""

    def __init__(self, pipe: IO[bytes], files: Sequence[int]) -> None:
        self._pipe = pipe
        self._files = cycle(files)

    def put(self, block: bytes) -> None:
        """Leave a block. Raises OSError when the other side has gone."""
        _write(next(self._files), block)
        self._pipe.write(_LENGTH.pack(len(block)))
        self._pipe.flush()

    def take(self) -> bytes | None:
        """Wait for the next block; None when the other side has gone."""
        header = self._pipe.read(_LENGTH.size)
        if len(header) < _LENGTH.size:
            return None
        (size,) = _LENGTH.unpack(header)
        return os.pread(next(self._files), size, 0)


def memory_file(name: str) -> int:
    """A file without a path, to be closed by whoever asked for it; in memory where the system knows such files."""
    if sys.platform == "linux":
        return os.memfd_create(name)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(file: int, block: bytes) -> None:
    rest, place = memoryview(block), 0
    while rest:
        written = os.pwrite(file, rest, place)
        rest, place = rest[written:], place + written
