"""Blocks between two processes: the other side gets the same bytes, in order, or learns that this one has gone."""

import os
from collections.abc import Iterator
from itertools import pairwise

import pytest

from consumers.blocks import Blocks, memory_file

MORE_THAN_A_PIPE_HOLDS = b"\x00\xff" * 1024 * 1024


@pytest.fixture
def sides() -> Iterator[tuple[Blocks, Blocks]]:
    """What is put into the first is taken from the second; two blocks may wait."""
    files = [memory_file("test") for _ in range(2)]
    taking, putting = os.pipe()
    with os.fdopen(putting, "wb") as pipe_in, os.fdopen(taking, "rb") as pipe_out:
        yield Blocks(pipe_in, files), Blocks(pipe_out, files)
    for file in files:
        os.close(file)


def test_blocks_arrive_in_order_whatever_their_size(sides: tuple[Blocks, Blocks]) -> None:
    here, there = sides
    blocks = [b"", b"a", MORE_THAN_A_PIPE_HOLDS, b"b", b"", MORE_THAN_A_PIPE_HOLDS[:-1], b"c" * 5]
    for first, second in pairwise(blocks):
        here.put(first)
        here.put(second)
        assert [there.take(), there.take()] == [first, second]


def test_who_is_left_alone_learns_it() -> None:
    taking, putting = os.pipe()
    os.close(putting)
    with os.fdopen(taking, "rb") as pipe:
        assert Blocks(pipe, [memory_file("test")]).take() is None


def test_putting_to_nobody_fails() -> None:
    taking, putting = os.pipe()
    os.close(taking)
    pipe = os.fdopen(putting, "wb", buffering=0)
    with pytest.raises(OSError, match="Broken pipe"):
        Blocks(pipe, [memory_file("test")]).put(b"a")
    pipe.close()
