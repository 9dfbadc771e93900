"""Files of messages (JSON Lines) through the same handlers as Kafka, exactly once.

A file is known by the SHA-256 of its content: topic `file:<sha256>`, one partition, a line is an offset. So reading it
again, after a kill or under another name, goes on where it stopped.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from consumers.pipeline import BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, Pipeline
from ledger.application import Ledger
from ledger.intake.message import Record
from ledger.store.positions import INGEST_GROUP, acquire, renew
from ledger.store.recorder import FencedError

HASH_BLOCK_BYTES = 1024 * 1024

# A message of 256 KiB takes six times as many bytes where each of its characters is escaped. A file with a longer line
# is not one of messages, and a line is held in memory as a whole.
LINE_BYTES_MAX = 4 * 1024 * 1024

Progress = Callable[[int], None]


class MessageLine(msgspec.Struct):
    """A line: the record's topic and key, and its value as text, or in base64 where it is not UTF-8."""

    topic: str
    key: str | None = None
    value: str | None = None
    value_base64: str | None = None
    headers: dict[str, str] | None = None


_decode_line = msgspec.json.Decoder(MessageLine).decode


class UnusableFileError(Exception):
    """The file cannot be read; the message says why in one line."""


def ingest_file(ledger: Ledger, pipeline: Pipeline, path: Path, owner: str, progress: Progress) -> None:
    """Feed what is new in the file to the ledger. `progress` is told how many bytes were read.

    Raises UnusableFileError, FencedError when another process reads the same file, UnavailableError.
    """
    topic = file_topic(path)
    place = (topic, 0)
    first, epoch = acquire(ledger.connection, INGEST_GROUP, owner, {place: 0})[place]
    while True:
        try:
            _feed(pipeline, path, topic, (first, epoch), progress)
            return
        except FencedError:
            # Ours still: a batch was stored, but the answer to its commit was lost. Go on from what is stored.
            renewed = renew(ledger.connection, INGEST_GROUP, {place: epoch})
            if place not in renewed:
                raise
            first, epoch = renewed[place]


def _feed(pipeline: Pipeline, path: Path, topic: str, start: tuple[int, int], progress: Progress) -> None:
    first, epoch = start
    for records, bytes_read in _batches(path, topic, first):
        pipeline.handle(records, {(topic, 0): epoch})
        progress(bytes_read)
    pipeline.drain()


def file_topic(path: Path) -> str:
    """The name of a file by its content. Raises UnusableFileError when it cannot be read as a file of lines."""
    digest, line_bytes, line = hashlib.sha256(), 0, 1
    with _open(path) as file:
        while block := file.read(HASH_BLOCK_BYTES):
            digest.update(block)
            head, *more = block.split(b"\n")
            lengths = [line_bytes + len(head), *map(len, more)]
            if max(lengths) > LINE_BYTES_MAX:
                raise _too_long(path, line + next(i for i, n in enumerate(lengths) if n > LINE_BYTES_MAX))
            line_bytes, line = lengths[-1], line + len(more)
    return f"file:{digest.hexdigest()}"


def _too_long(path: Path, line: int) -> UnusableFileError:
    return UnusableFileError(f"{path}, line {line} is longer than {LINE_BYTES_MAX} bytes: no file of messages")


def read_records(path: Path, topic: str, first: int) -> Iterator[Record]:
    """The records of a file from line `first` (counted from 0) on."""
    with _open(path) as file:
        for number, line in enumerate(file):
            if number >= first:
                yield to_record(topic, number, line)


def to_record(topic: str, number: int, line: bytes) -> Record:
    """A line as a record; one that cannot be understood becomes a record whose value is the whole line."""
    try:
        content = _decode_line(line)
        return Record(topic, 0, number, _key(content), _value(content), _headers(content))
    except (msgspec.DecodeError, binascii.Error, UnicodeError):
        return Record(topic, 0, number, None, line.rstrip(b"\r\n"))


def _key(line: MessageLine) -> bytes | None:
    return None if line.key is None else line.key.encode()


def _value(line: MessageLine) -> bytes | None:
    if line.value_base64 is not None:
        return base64.b64decode(line.value_base64, validate=True)
    return None if line.value is None else line.value.encode()


def _headers(line: MessageLine) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value.encode()) for name, value in (line.headers or {}).items())


def _batches(path: Path, topic: str, first: int) -> Iterator[tuple[list[Record], int]]:
    batch: list[Record] = []
    size = 0
    for record in read_records(path, topic, first):
        batch.append(record)
        size += len(record.value or b"")
        if len(batch) >= BATCH_MESSAGES_MAX or size >= BATCH_BYTES_MAX:
            yield batch, size
            batch, size = [], 0
    if batch:
        yield batch, size


def _open(path: Path) -> Any:
    """A file that can be read twice: a pipe would be empty, or wait for ever, the second time."""
    try:
        if path.exists() and not path.is_file():
            raise UnusableFileError(f"{path} is no file: write the messages to a file first, its content is its name")
        return path.open("rb")
    except OSError as error:
        raise UnusableFileError(f"{path}: {error.strerror or error}") from error
