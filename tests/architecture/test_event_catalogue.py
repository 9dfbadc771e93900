"""docs/events.md says what is stored: every topic, its version and its fields, and nothing that is not."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import NamedTuple

import pytest

import ledger
from ledger.store.fact import CLASS_OF, FromMessage, version_of

CATALOGUE = Path(__file__).parent.parent.parent / "docs" / "events.md"

# A row of the tables: topic, version, what happened, fields.
ROW = re.compile(r"\| `([a-z]+\.[A-Za-z]+)` \| ([0-9]+) \| ([^|]+) \| ([^|]+) \|")
NAME = re.compile(r"`([a-z0-9_]+)`")

# What stands for the fields of the message that led to a fact.
MESSAGE = "*message*"


class Entry(NamedTuple):
    """What the page says of one topic."""

    topic: str
    version: int
    fields: list[str]


def entries() -> list[Entry]:
    rows = (ROW.fullmatch(line) for line in CATALOGUE.read_text(encoding="utf-8").splitlines())
    return [Entry(row[1], int(row[2]), fields(row[4])) for row in rows if row is not None]


def fields(cell: str) -> list[str]:
    message = list(FromMessage.__struct_fields__) if MESSAGE in cell else []
    return sorted([*message, *NAME.findall(cell)])


def registered() -> list[Entry]:
    """Topics are registered when their module is imported: all modules are."""
    for module in pkgutil.walk_packages(ledger.__path__, "ledger."):
        importlib.import_module(module.name)
    return [
        Entry(topic, version_of(cls), sorted(cls.__struct_fields__))
        for topic, cls in CLASS_OF.items()
        if cls.__module__.startswith("ledger.")
    ]


def test_every_topic_stands_in_the_catalogue_once_and_no_other() -> None:
    assert sorted(entry.topic for entry in entries()) == sorted(entry.topic for entry in registered())


@pytest.mark.parametrize("entry", registered(), ids=lambda entry: entry.topic)
def test_the_catalogue_names_version_and_fields(entry: Entry) -> None:
    assert [said for said in entries() if said.topic == entry.topic] == [entry]


def test_a_line_that_is_no_row_is_not_taken_for_one() -> None:
    assert ROW.fullmatch("| topic | version | what happened | fields |") is None
    assert ROW.fullmatch("| `session.SessionStarted` | 1 | It began | `tenant` |") is not None
