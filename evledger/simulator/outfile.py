"""Lines into a file that is complete or not there: a full disk leaves no half of it."""

import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO

# What a disk says that has no room, for anybody or for us.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class OutputError(Exception):
    """The output cannot be written; the text says where and what to do."""


class DiskFullError(OutputError):
    """There is no room for the output."""


def write_lines(lines: Iterable[str], out: Path | None) -> int:
    """Write the lines to `out`, or to standard output when it is None; the number of lines.

    OutputError when the file cannot be written (DiskFullError: for want of room); what was there before stays.
    """
    try:
        return _write(lines, out)
    except BrokenPipeError:
        # The reader has seen enough (as in `| head`): no fault of the output.
        raise
    except OSError as error:
        kind = DiskFullError if error.errno in FULL else OutputError
        raise kind(f"{out or 'standard output'} cannot be written: {error.strerror or error}") from None


def _write(lines: Iterable[str], out: Path | None) -> int:
    if out is None:
        return _copy(lines, sys.stdout.buffer)
    return _write_stream(lines, out) if _is_stream(out) else _write_file(lines, out)


def _is_stream(out: Path) -> bool:
    """Pipes and devices such as /dev/stdout cannot be replaced by a finished file."""
    return out.exists() and not out.is_file()


def _write_stream(lines: Iterable[str], out: Path) -> int:
    with out.open("wb") as stream:
        return _copy(lines, stream)


def _write_file(lines: Iterable[str], out: Path) -> int:
    unfinished = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as stream:
            count = _copy(lines, stream)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _copy(lines: Iterable[str], stream: IO[bytes]) -> int:
    count = 0
    for line in lines:
        stream.write(line.encode())
        count += 1
    stream.flush()
    return count
