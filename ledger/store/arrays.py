"""Arrays in PostgreSQL's binary format, packed here: psycopg's own dump of arrays costs more than all else of a write.

The format (array_send in the server's source): number of dimensions, a flag for nulls, the element's type, the
length and the lower bound, each four bytes, then every element behind its length; all big-endian.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

from psycopg import Connection
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

UUID_OID, BIGINT_OID, TEXT_OID, BYTEA_OID = 2950, 20, 25, 17
UUID_ARRAY_OID, BIGINT_ARRAY_OID, TEXT_ARRAY_OID, BYTEA_ARRAY_OID = 2951, 1016, 1009, 1001

_LENGTH = struct.Struct("!i").pack
_BIGINT = struct.Struct("!iq")
_UUID_LENGTH = _LENGTH(16)

# Versions in a stream are mostly small and follow each other: their elements lie ready, side by side.
_SMALL = 1_000
_SMALL_BIGINTS = b"".join([_BIGINT.pack(8, value) for value in range(_SMALL)])

# Texts in arrays are topics of facts, of which there are a few dozen.
_TEXTS_KEPT = 1_000


def uuid_element(value: bytes) -> bytes:
    """An element from 16 bytes."""
    return _UUID_LENGTH + value


def bytea_element(value: bytes) -> bytes:
    """An element from bytes of any length."""
    return _LENGTH(len(value)) + value


@lru_cache(_TEXTS_KEPT)
def text_element(value: str) -> bytes:
    """An element from a text."""
    return bytea_element(value.encode())


def bigint_elements(first: int, count: int) -> bytes:
    """The elements of so many integers that follow each other."""
    until = first + count
    if first >= 0 and until <= _SMALL:
        return _SMALL_BIGINTS[first * _BIGINT.size : until * _BIGINT.size]
    return b"".join([_BIGINT.pack(8, value) for value in range(first, until)])


class BinaryArray:
    """The bytes of an array, ready to be sent; one subclass for each element type.

    `elements` are those of the functions above; a part may hold several of them, `count` is how many there are in all.
    """

    __slots__ = ("packed",)

    element_oid: ClassVar[int]

    def __init__(self, count: int, elements: Sequence[bytes]) -> None:
        self.packed = _header(self.element_oid, count) + b"".join(elements)


class UuidArray(BinaryArray):
    __slots__ = ()
    element_oid = UUID_OID


class BigintArray(BinaryArray):
    __slots__ = ()
    element_oid = BIGINT_OID


class TextArray(BinaryArray):
    __slots__ = ()
    element_oid = TEXT_OID


class ByteaArray(BinaryArray):
    __slots__ = ()
    element_oid = BYTEA_OID


def _header(element_oid: int, count: int) -> bytes:
    if count == 0:
        return struct.pack("!iii", 0, 0, element_oid)
    return struct.pack("!iiiii", 1, 0, element_oid, count, 1)


class _BinaryArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: BinaryArray) -> Buffer | None:
        return obj.packed


class _UuidArrayDumper(_BinaryArrayDumper):
    oid = UUID_ARRAY_OID


class _BigintArrayDumper(_BinaryArrayDumper):
    oid = BIGINT_ARRAY_OID


class _TextArrayDumper(_BinaryArrayDumper):
    oid = TEXT_ARRAY_OID


class _ByteaArrayDumper(_BinaryArrayDumper):
    oid = BYTEA_ARRAY_OID


def register_arrays(connection: Connection[Any]) -> None:
    """Let the connection send these arrays."""
    for array, dumper in (
        (UuidArray, _UuidArrayDumper),
        (BigintArray, _BigintArrayDumper),
        (TextArray, _TextArrayDumper),
        (ByteaArray, _ByteaArrayDumper),
    ):
        connection.adapters.register_dumper(array, dumper)
