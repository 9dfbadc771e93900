"""Arrays in PostgreSQL's binary format, packed here: psycopg's own dump of arrays costs more than all else of a write.

The format (array_send in the server's source): number of dimensions, a flag for nulls, the element's type, the
length and the lower bound, each four bytes, then every element behind its length; all big-endian.
"""

import struct
from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

UUID_OID, BIGINT_OID, TEXT_OID, BYTEA_OID = 2950, 20, 25, 17
UUID_ARRAY_OID, BIGINT_ARRAY_OID, TEXT_ARRAY_OID, BYTEA_ARRAY_OID = 2951, 1016, 1009, 1001

_LENGTH = struct.Struct("!i").pack
_BIGINT = struct.Struct("!iq").pack
_UUID_LENGTH = _LENGTH(16)

# Versions in a stream are mostly small: their bytes are kept.
_SMALL = {value: _BIGINT(8, value) for value in range(1_000)}


class BinaryArray:
    """The bytes of an array, ready to be sent; one subclass for each element type."""

    __slots__ = ("packed",)

    def __init__(self, packed: bytes) -> None:
        self.packed = packed


class UuidArray(BinaryArray):
    __slots__ = ()

    @classmethod
    def of(cls, values: Sequence[bytes]) -> "UuidArray":
        """From 16-byte values."""
        return cls(_header(UUID_OID, len(values)) + b"".join([_UUID_LENGTH + value for value in values]))


class BigintArray(BinaryArray):
    __slots__ = ()

    @classmethod
    def of(cls, values: Sequence[int]) -> "BigintArray":
        return cls(_header(BIGINT_OID, len(values)) + b"".join([_SMALL.get(v) or _BIGINT(8, v) for v in values]))


class TextArray(BinaryArray):
    __slots__ = ()

    @classmethod
    def of(cls, values: Sequence[str]) -> "TextArray":
        known = {value: _element(value.encode()) for value in set(values)}
        return cls(_header(TEXT_OID, len(values)) + b"".join([known[value] for value in values]))


class ByteaArray(BinaryArray):
    __slots__ = ()

    @classmethod
    def of(cls, values: Sequence[bytes]) -> "ByteaArray":
        parts = [b""] * (2 * len(values))
        parts[::2] = [_LENGTH(len(value)) for value in values]
        parts[1::2] = values
        return cls(_header(BYTEA_OID, len(values)) + b"".join(parts))


def _header(element_oid: int, length: int) -> bytes:
    if length == 0:
        return struct.pack("!iii", 0, 0, element_oid)
    return struct.pack("!iiiii", 1, 0, element_oid, length, 1)


def _element(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


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
