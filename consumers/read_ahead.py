"""Reading ahead: while one batch is decided, a process of its own reads the readings of the next.

Of all work on a message, reading it (JSON, validation, conversion) is the largest part that needs no state, and of 100
messages 96 are readings. The other process reads with the very same reader and hands back the readings, in runs and as
they are stored; whatever else there is, or is wrong, it leaves to this one, so there is one place that says why a
message cannot be read.
"""

import contextlib
import gc
import logging
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

import msgspec

from consumers.messages.account import AccountDefaults
from consumers.messages.kinds import Family
from consumers.messages.reader import MessageReader
from ledger.intake.message import Part, Record
from ledger.intake.runs import Group, grouped, in_runs

log = logging.getLogger("evledger.consumers")

# Below this many records a batch is read sooner here than it is sent there and back.
RECORDS_MIN = 500

# A batch goes through the pipe in a few writes; this is what a process may ask for without privileges.
PIPE_BYTES = 1024 * 1024

READY = b"ready"

_LENGTH = struct.Struct("!I")


class Contract(msgspec.Struct, array_like=True):
    """What the reader over there has to know."""

    defaults: AccountDefaults
    carries: dict[str, Family]


_encode = msgspec.msgpack.Encoder().encode
_contract = msgspec.msgpack.Decoder(Contract)
_records = msgspec.msgpack.Decoder(list[Record])
_found = msgspec.msgpack.Decoder(list[Group | int])


class ReadAhead:
    """Reads batches of records, one at a time, in another process: `begin`, then `finish` or `drop`.

    When that process is gone, the records are read here: slower, with the same result.
    """

    def __init__(
        self, defaults: AccountDefaults, carries: Mapping[str, Family] | None = None, records_min: int = RECORDS_MIN
    ) -> None:
        self._records_min = records_min
        self._reader = MessageReader(defaults, carries)
        self._process: subprocess.Popen[bytes] | None = _start(Contract(defaults, dict(carries or {})))
        self._is_ready = False
        self._begun: Sequence[Record] = ()

    @property
    def pid(self) -> int | None:
        """The other process; None when it is gone."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the other process."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)

    def __enter__(self) -> "ReadAhead":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, timeout_s: int) -> bool:
        """Give the other process some time to start; whether it has."""
        if not self._is_ready and self._process is not None:
            answers = _pipe(self._process.stdout)
            self._is_ready = bool(select.select([answers], [], [], timeout_s)[0]) and _read(answers) is not None
        return self._is_ready

    def begin(self, records: Sequence[Record]) -> bool:
        """Begin to read a batch; the one before must be finished or dropped. False when it is better read here."""
        if len(records) < self._records_min or not self.wait(0) or not self._send(_encode(records)):
            return False
        self._begun = records
        return True

    def finish(self) -> list[Part]:
        """The arrivals of the batch that was begun, their readings in runs."""
        records, self._begun = self._begun, ()
        found = self._receive()
        read = self._reader.read
        if found is None:
            return in_runs(records, [read(record) for record in records])
        return [read(records[part]) if isinstance(part, int) else part.run(records) for part in found]

    def drop(self) -> None:
        """Nobody wants the batch any more that was begun, if one was."""
        if self._begun:
            self._begun = ()
            self._receive()

    def _send(self, block: bytes) -> bool:
        if self._process is None:
            return False
        try:
            _write(_pipe(self._process.stdin), block)
        except OSError as error:
            self._lose(str(error))
            return False
        return True

    def _receive(self) -> list[Group | int] | None:
        if self._process is None:
            return None
        block = _read(_pipe(self._process.stdout))
        if block is None:
            self._lose("it ended")
            return None
        return _found.decode(block)

    def _lose(self, cause: str) -> None:
        log.warning("the process that reads ahead is gone (%s): reading goes on without it", cause)
        self.close()


def _start(contract: Contract) -> "subprocess.Popen[bytes]":
    # A session of its own: Ctrl-C is for us to handle; when we are gone its input ends, and so does it.
    process = subprocess.Popen(
        [sys.executable, "-m", "consumers.read_ahead"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pipesize=PIPE_BYTES,
        start_new_session=True,
    )
    with contextlib.suppress(OSError):  # the first `begin` finds out
        _write(_pipe(process.stdin), _encode(contract))
    return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()  # it holds nothing that anybody needs
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the process was started without pipes")
    return pipe


def _write(pipe: IO[bytes], block: bytes) -> None:
    pipe.write(_LENGTH.pack(len(block)))
    pipe.write(block)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes | None:
    """The next block; None when the other side has gone."""
    header = pipe.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(header)
    block = pipe.read(size)
    return block if len(block) == size else None


def serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """The other process: batches of records in, readings out, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = _read(asked)
    if first is None:
        return
    contract = _contract.decode(first)
    reader = MessageReader(contract.defaults, contract.carries)
    gc.freeze()
    _write(answers, READY)
    while (block := _read(asked)) is not None:
        _write(answers, _encode(grouped(map(reader.read, _records.decode(block)))))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
