"""A file of JSON objects, one at a time: an array, JSON Lines, or a single object. Memory holds one of them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from ledger.values.canonical import read_json_decimals

# A CDR of a year's session with a period a minute is below; more is no CDR and no tariff.
ITEM_BYTES_MAX: Final = 64 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
# An escaped character, or one that structure depends on.
_TOKEN: Final = re.compile(rb'\\.|["{}\[\],]', re.DOTALL)

Step = Callable[[int, int | None], None]


class JsonFileError(ValueError):
    """A file that is not made of JSON objects; the text says where."""


class Item(NamedTuple):
    """One JSON value of a file and where it stands: "$[2]", "line 3" or, alone in its file, "$"."""

    place: str
    text: bytes

    def read(self) -> Any:
        """The value with exact numbers. ValueError, in one line, for what is no JSON."""
        return read_json_decimals(self.text)

    def at(self, path: str) -> str:
        """A JSON path inside of this item ("$.currency") as a place in the file."""
        if self.place.startswith("$"):
            return self.place + path.removeprefix("$")
        return f"{self.place}: {path}"


def json_items(path: Path, step: Step = lambda _done, _total: None) -> Iterator[Item]:
    """The items of a file. `step` is told bytes read, of how many. OSError; JsonFileError where the file breaks off."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for item in _items(file):
            step(file.tell(), size)
            yield item


def _items(file: BinaryIO) -> Iterator[Item]:
    number, first = _first_line(file)
    if first.startswith(b"["):
        return _of_array(first.removeprefix(b"["), file)
    return _of_lines(number, first, file) if _is_json(first) else _alone(first, file)


def _first_line(file: BinaryIO) -> tuple[int, bytes]:
    """The first line that is not blank, with its number."""
    number, line = 1, file.readline(ITEM_BYTES_MAX).removeprefix(_BOM)
    while line.isspace():
        number, line = number + 1, file.readline(ITEM_BYTES_MAX)
    return number, line.lstrip()


def _is_json(text: bytes) -> bool:
    try:
        read_json_decimals(text)
    except ValueError:
        return False
    return True


def _of_lines(number: int, line: bytes, file: BinaryIO) -> Iterator[Item]:
    """JSON Lines; one line alone is a file with one object."""
    count = 0
    while line:
        _refuse_long(number, line)
        following_number, following = _next_line(number, file)
        yield Item(f"line {number}" if count or following else "$", line)
        count, number, line = count + 1, following_number, following


def _next_line(number: int, file: BinaryIO) -> tuple[int, bytes]:
    """The next line that is not blank."""
    line = file.readline(ITEM_BYTES_MAX)
    while line.isspace():
        number, line = number + 1, file.readline(ITEM_BYTES_MAX)
    return number + 1, line


def _refuse_long(number: int, line: bytes) -> None:
    if len(line) >= ITEM_BYTES_MAX:
        raise JsonFileError(f"line {number} is longer than {ITEM_BYTES_MAX} bytes")


def _alone(first: bytes, file: BinaryIO) -> Iterator[Item]:
    text = first + file.read(ITEM_BYTES_MAX - len(first))
    if len(text) >= ITEM_BYTES_MAX:
        raise JsonFileError(f"is larger than {ITEM_BYTES_MAX} bytes, and neither an array nor JSON Lines")
    if text:
        yield Item("$", text)


def _of_array(rest: bytes, file: BinaryIO) -> Iterator[Item]:
    """The elements of an array whose bracket was read."""
    elements = _Elements()
    for chunk in _chunks(rest, file):
        for text in elements.feed(chunk):
            if text.strip() or not elements.has_ended or elements.count > 1:
                yield Item(f"$[{elements.count - 1}]", text)
    if not elements.has_ended:
        raise JsonFileError(f"ends inside $[{elements.count}]: the array has no end")


def _chunks(chunk: bytes, file: BinaryIO) -> Iterator[bytes]:
    """Never with a backslash at the end, which would be parted from what it escapes."""
    while chunk:
        while chunk.endswith(b"\\") and (more := file.read(1)):
            chunk += more
        yield chunk
        chunk = file.read(_CHUNK_BYTES)


class _Elements:
    """Cuts chunks of an array where its own commas stand, without reading what is between them."""

    def __init__(self) -> None:
        self.count = 0
        self.has_ended = False
        self._depth = 0
        self._is_in_text = False
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The elements that end in this chunk."""
        if self.has_ended:
            self._refuse_more(chunk)
            return
        start = 0
        for token in _TOKEN.finditer(chunk):
            if self._ends_element(token[0]):
                yield self._element(chunk[start : token.start()])
                start = token.end()
                if self.has_ended:
                    self._refuse_more(chunk[start:])
                    return
        self._keep(chunk[start:])

    def _ends_element(self, token: bytes) -> bool:
        if token == b'"':
            self._is_in_text = not self._is_in_text
        elif not self._is_in_text:
            if token == b"}" and not self._depth:
                raise JsonFileError(f"has a brace too many in $[{self.count}]")
            self.has_ended = token == b"]" and not self._depth
            self._depth += (token in b"{[") - (token in b"]}")
            return self.has_ended or (token == b"," and not self._depth)
        return False

    def _element(self, part: bytes) -> bytes:
        self._keep(part)
        text = b"".join(self._parts)
        self._parts.clear()
        self.count += 1
        return text

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        if sum(map(len, self._parts)) > ITEM_BYTES_MAX:
            raise JsonFileError(f"$[{self.count}] is larger than {ITEM_BYTES_MAX} bytes")

    def _refuse_more(self, rest: bytes) -> None:
        if rest.strip():
            raise JsonFileError(f"goes on after the array's end with {rest.strip()[:20].decode(errors='replace')!r}")
