"""Arrays in PostgreSQL's binary format, as psycopg itself would have read them."""

from uuid import UUID

import pytest
from psycopg.adapt import Transformer
from psycopg.pq import Format

from ledger.store.arrays import (
    BIGINT_ARRAY_OID,
    BYTEA_ARRAY_OID,
    TEXT_ARRAY_OID,
    UUID_ARRAY_OID,
    BigintArray,
    BinaryArray,
    ByteaArray,
    TextArray,
    UuidArray,
)
from ledger.store.parking import pack_headers, unpack_headers

UUIDS = [UUID(int=0), UUID(int=2**128 - 1)]


def read(array: BinaryArray, oid: int) -> object:
    return Transformer().get_loader(oid, Format.BINARY).load(array.packed)


@pytest.mark.parametrize("values", [[], [0], [-(2**63), 2**63 - 1, -1]])
def test_integers(values: list[int]) -> None:
    assert read(BigintArray.of(values), BIGINT_ARRAY_OID) == values


@pytest.mark.parametrize("values", [[], [""], ["a", "é😀", "a", ' "quoted", {}\\ ']])
def test_texts(values: list[str]) -> None:
    assert read(TextArray.of(values), TEXT_ARRAY_OID) == values


@pytest.mark.parametrize("values", [[], [b""], [b"\x00\xff", b"a" * 70_000]])
def test_bytes(values: list[bytes]) -> None:
    assert read(ByteaArray.of(values), BYTEA_ARRAY_OID) == values


@pytest.mark.parametrize("values", [[], UUIDS])
def test_uuids(values: list[UUID]) -> None:
    assert read(UuidArray.of([value.bytes for value in values]), UUID_ARRAY_OID) == values


@pytest.mark.parametrize("headers", [(), (("a", b""),), (("ce_id", b"\xff\x00"), ("ce_id", b"x"), ("é", b"y"))])
def test_headers_are_kept_byte_for_byte(headers: tuple[tuple[str, bytes], ...]) -> None:
    assert unpack_headers(pack_headers(headers)) == headers
