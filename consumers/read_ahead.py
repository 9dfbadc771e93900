"""Reading ahead: while one batch is decided, a process of its own reads the readings of the next.

Of all work on a message, reading it (JSON, validation, conversion) is the largest part that needs no state, and of 100
messages 96 are readings. The other process reads with the very same reader and hands back the readings, in runs and as
they are stored; whatever else there is, or is wrong, it leaves to this one, so there is one place that says why a
message cannot be read.
"""

import contextlib
import logging
import os
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import IO

import msgspec

from consumers.blocks import Blocks, memory_file
from consumers.garbage import settle_garbage
from consumers.messages.account import AccountDefaults
from consumers.messages.kinds import Family
from consumers.messages.reader import MessageReader
from ledger.intake.message import Part, Record
from ledger.intake.runs import Group, grouped, in_runs

log = logging.getLogger("evledger.consumers")

# Below this many records a batch is read sooner here than it is sent there and back.
RECORDS_MIN = 500

# So many batches may be begun and not finished: one is read, one lies ready, and one waits, so that neither process
# waits for the other when batches differ.
BATCHES_MAX = 3

# Records are decoded so many at a time: more would be gone from the processor's cache before they are read.
RECORDS_AT_ONCE = 500

READY = b"ready"


class Contract(msgspec.Struct, array_like=True):
    """What the reader over there has to know."""

    defaults: AccountDefaults
    carries: dict[str, Family]


_encode = msgspec.msgpack.Encoder().encode
_contract = msgspec.msgpack.Decoder(Contract)
_blocks = msgspec.msgpack.Decoder(list[bytes])
_records = msgspec.msgpack.Decoder(list[Record])
_found = msgspec.msgpack.Decoder(list[Group | int])


class ReadAhead:
    """Reads batches of records in another process, in order: `begin` each, then `finish` them, or `drop` them all.

    When that process is gone, the records are read here: slower, with the same result.
    """

    def __init__(
        self, defaults: AccountDefaults, carries: Mapping[str, Family] | None = None, records_min: int = RECORDS_MIN
    ) -> None:
        self._records_min = records_min
        self._reader = MessageReader(defaults, carries, glances=True)  # of what the other process leaves to this one
        self._other: _Other | None = _Other(Contract(defaults, dict(carries or {})))
        self._is_ready = False
        self._begun: deque[Sequence[Record]] = deque()

    @property
    def pid(self) -> int | None:
        """The other process; None when it is gone."""
        return None if self._other is None else self._other.pid

    def close(self) -> None:
        """End the other process."""
        other, self._other = self._other, None
        if other is not None:
            other.end()

    def __enter__(self) -> "ReadAhead":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, timeout_s: int) -> bool:
        """Give the other process some time to start; whether it has."""
        if not self._is_ready and self._other is not None:
            self._is_ready = self._other.is_answering(timeout_s) and self._other.answers.take() is not None
        return self._is_ready

    def begin(self, records: Sequence[Record]) -> bool:
        """Begin to read a batch; fewer than BATCHES_MAX are then under way. False when it is better read here."""
        if len(records) < self._records_min or not self.wait(0) or not self._send(records):
            return False
        self._begun.append(records)
        return True

    def finish(self) -> list[Part]:
        """The arrivals of the batch that was begun first, their readings in runs. Raises IndexError for none."""
        records = self._begun.popleft()
        found = self._receive()
        read = self._reader.read
        if found is None:
            return in_runs(records, [read(record) for record in records])
        return [read(records[part]) if isinstance(part, int) else part.run(records) for part in found]

    def drop(self) -> None:
        """Nobody wants the batches any more that were begun."""
        while self._begun:
            self._begun.popleft()
            self._receive()

    def _send(self, records: Sequence[Record]) -> bool:
        if len(self._begun) == BATCHES_MAX:
            raise ValueError(f"{BATCHES_MAX} batches are under way: finish one first")
        if self._other is None:
            return False
        try:
            self._other.asked.put(_encode(list(_in_blocks(records))))
        except OSError as error:
            self._lose(str(error))
            return False
        return True

    def _receive(self) -> list[Group | int] | None:
        block = None if self._other is None else self._other.answers.take()
        if block is None:
            self._lose("it ended")
            return None
        return _found.decode(block)

    def _lose(self, cause: str) -> None:
        if self._other is not None:
            log.warning("the process that reads ahead is gone (%s): reading goes on without it", cause)
        self.close()


def _in_blocks(records: Sequence[Record]) -> Iterator[bytes]:
    for first in range(0, len(records), RECORDS_AT_ONCE):
        yield _encode(records[first : first + RECORDS_AT_ONCE])


class _Other:
    """The other process as it is seen from here."""

    def __init__(self, contract: Contract) -> None:
        self._files = [memory_file("read-ahead") for _ in range(2 * BATCHES_MAX)]
        # A session of its own: Ctrl-C is for us to handle; when we are gone its input ends, and so does it.
        self._process = subprocess.Popen(  # noqa: S603 - our own module, and numbers
            [sys.executable, "-m", "consumers.read_ahead", *map(str, self._files)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=self._files,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.asked = Blocks(_pipe(self._process.stdin), self._files[:BATCHES_MAX])
        self.answers = Blocks(_pipe(self._process.stdout), self._files[BATCHES_MAX:])
        with contextlib.suppress(OSError):  # the first batch finds out
            self.asked.put(_encode(contract))

    def is_answering(self, timeout_s: int) -> bool:
        """Whether there is an answer to take within this time, or there never will be."""
        return bool(select.select([_pipe(self._process.stdout)], [], [], timeout_s)[0])

    def end(self) -> None:
        self._process.kill()  # it holds nothing that anybody needs
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        for file in self._files:
            os.close(file)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the process was started without pipes")
    return pipe


def serve(asked: Blocks, answers: Blocks) -> None:
    """The other process: batches of records in, readings out, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = asked.take()
    if first is None:
        return
    contract = _contract.decode(first)
    reader = MessageReader(contract.defaults, contract.carries)
    settle_garbage()
    answers.put(READY)
    while (batch := asked.take()) is not None:
        records = chain.from_iterable(map(_records.decode, _blocks.decode(batch)))
        answers.put(_encode(grouped(map(reader.read, records))))


def main(files: Sequence[int]) -> None:
    """Serve on standard input and output, and on files that were inherited."""
    with contextlib.suppress(BrokenPipeError):
        serve(Blocks(sys.stdin.buffer, files[:BATCHES_MAX]), Blocks(sys.stdout.buffer, files[BATCHES_MAX:]))


if __name__ == "__main__":
    main([int(file) for file in sys.argv[1:]])
