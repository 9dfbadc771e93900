"""Small files of past sessions and maps for them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from evledger.importer import Imported, import_file

HEADER: Final = ("Id", "Station", "Connector", "Site", "Start", "End", "kWh")
GOOD: Final = ("1", "S1", "1", "High Street", "2018-05-01 10:00", "2018-05-01 11:00", "7.5")

MAP: Final = """
name = "old"
country = "GB"
operator_id = "GB*ABC"
[session]
id = { column = "Id" }
station = { column = "Station" }
connector = { column = "Connector" }
location = { column = "Site" }
[start]
column = "Start"
format = "%Y-%m-%d %H:%M"
[end]
column = "End"
format = "%Y-%m-%d %H:%M"
[time]
zone = "Europe/London"
[energy]
column = "kWh"
unit = "kWh"
[account]
id = "OLD"
name = "Old sessions"
kind = "BUSINESS"
country = "GB"
currency = "GBP"
billing = "MONTHLY"
[tariff]
file = "tariff.json"
published_at = 2018-01-01T00:00:00Z
"""

TARIFF: Final = (
    '{"id": "T-1", "currency": "GBP", "elements": [{"price_components": [{"type": "ENERGY", "price": 0.30}]}]}'
)


def write_map(folder: Path, changes: Mapping[str, str] | None = None) -> Path:
    """The map above with pieces of its text replaced, and its tariff beside it."""
    text = MAP
    for before, after in (changes or {}).items():
        assert before in text
        text = text.replace(before, after)
    (folder / "tariff.json").write_text(TARIFF)
    path = folder / "map.toml"
    path.write_text(text)
    return path


def write_csv(folder: Path, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> Path:
    path = folder / "old.csv"
    path.write_text("".join(",".join(fields) + "\n" for fields in (header, *rows)))
    return path


def row(**cells: str) -> tuple[str, ...]:
    """The good row with some cells changed."""
    return tuple(cells.get(name, good) for name, good in zip(HEADER, GOOD, strict=True))


def imported(folder: Path, *rows: tuple[str, ...], changes: Mapping[str, str] | None = None) -> Imported:
    return import_file(write_csv(folder, *rows), write_map(folder, changes))


def verdicts(folder: Path, *rows: tuple[str, ...], changes: Mapping[str, str] | None = None) -> list[tuple[int, str]]:
    """(line, reason) of every refused row."""
    return [(each.line, each.reason.value) for each in imported(folder, *rows, changes=changes).outcome.refused]


def events(of_import: Imported) -> list[dict[str, Any]]:
    return [json.loads(message.value) for message in of_import.messages]


def of_sessions(of_import: Imported) -> list[dict[str, Any]]:
    return [event for event in events(of_import) if event["type"].startswith("ev.session")]
