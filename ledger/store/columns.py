"""Rows turned into the columns that a statement takes with unnest."""

from collections.abc import Iterable
from typing import Any


def columns(rows: Iterable[Iterable[Any]], width: int = 0) -> list[list[Any]]:
    """One list for each column; of no rows so many empty ones."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
