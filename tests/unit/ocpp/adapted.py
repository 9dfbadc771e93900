"""Lines through the adapter, as the command does it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from consumers.messages.account import AccountDefaults
from consumers.messages.reader import MessageReader
from consumers.ocpp.files import FileAdapter, Listed

READER = MessageReader(AccountDefaults("EVL", "Europe/Amsterdam"))


class Adapted(NamedTuple):
    """What came of a file: CloudEvents, counts, and the lines that are listed."""

    events: list[dict[str, Any]]
    counts: dict[str, int]
    listed: list[Listed]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of all messages of a kind, such as `metered`."""
        return [event["data"] for event in self.events if event["type"] == f"ev.session.{kind}.v1"]


def adapted(folder: Path, lines: Iterable[str | bytes]) -> Adapted:
    """The messages of these lines."""
    path = folder / "frames.jsonl"
    path.write_bytes(b"".join((text.encode() if isinstance(text, str) else text) + b"\n" for text in lines))
    adapter = FileAdapter(READER, "default")
    events = [json.loads(message.to_value()) for message in adapter.adapt(path)]
    return Adapted(events, adapter.counts(), adapter.listed())
