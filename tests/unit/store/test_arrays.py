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
    bigint_elements,
    bytea_element,
    text_element,
    uuid_element,
)
from ledger.store.parking import pack_headers, unpack_headers

UUIDS = [UUID(int=0), UUID(int=2**128 - 1)]


def read(array: BinaryArray, oid: int) -> object:
    return Transformer().get_loader(oid, Format.BINARY).load(array.packed)


@pytest.mark.parametrize(
    ("first", "count"),
    [(1, 0), (0, 1), (0, 1_000), (998, 2), (998, 3), (1_000, 2), (-(2**63), 2), (2**63 - 2, 2), (-1, 2)],
)
def test_integers_that_follow_each_other(first: int, count: int) -> None:
    assert read(BigintArray(count, [bigint_elements(first, count)]), BIGINT_ARRAY_OID) == [*range(first, first + count)]


@pytest.mark.parametrize("values", [[], [""], ["a", "é😀", "a", ' "quoted", {}\\ ']])
def test_texts(values: list[str]) -> None:
    assert read(TextArray(len(values), [*map(text_element, values)]), TEXT_ARRAY_OID) == values


@pytest.mark.parametrize("values", [[], [b""], [b"\x00\xff", b"a" * 70_000]])
def test_bytes(values: list[bytes]) -> None:
    assert read(ByteaArray(len(values), [*map(bytea_element, values)]), BYTEA_ARRAY_OID) == values


@pytest.mark.parametrize("values", [[], UUIDS])
def test_uuids(values: list[UUID]) -> None:
    assert read(UuidArray(len(values), [uuid_element(value.bytes) for value in values]), UUID_ARRAY_OID) == values


def test_a_part_may_hold_several_elements() -> None:
    assert read(TextArray(3, [text_element("a") * 2, text_element("b")]), TEXT_ARRAY_OID) == ["a", "a", "b"]


@pytest.mark.parametrize("headers", [(), (("a", b""),), (("ce_id", b"\xff\x00"), ("ce_id", b"x"), ("é", b"y"))])
def test_headers_are_kept_byte_for_byte(headers: tuple[tuple[str, bytes], ...]) -> None:
    assert unpack_headers(pack_headers(headers)) == headers
