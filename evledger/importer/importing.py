"""From a file and its map to messages, and an account of every row."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from evledger.importer.mapping import SessionMap, load_map
from evledger.importer.past_session import PastSession, read_session
from evledger.importer.refusal import Noted, Refusal, RefusedError
from evledger.importer.registers import with_registers, without_duplicates, without_overlaps
from evledger.importer.session_messages import load_tariff, session_messages
from evledger.importer.table import Row, read_rows
from evledger.simulator.record import Message

# What the files do not have and the messages need.
MADE_UP: Final = (
    "Made up: the meters and their registers, one per station and connector, from 0 and counting up"
    " from session to session. No readings between start and end are made up."
)


class Outcome(NamedTuple):
    """What became of the rows: each is used or refused, and `refused` has them by line."""

    rows: int
    used: int
    refused: list[Refusal]
    noted: list[Noted]

    def by_reason(self) -> dict[str, int]:
        """Number of refused rows for each reason that occurs, most frequent first."""
        return dict(Counter(refusal.reason.value for refusal in self.refused).most_common())

    def to_json(self) -> dict[str, object]:
        """The figures as `import-sessions --json` prints them."""
        lines = [{"line": line, "reason": reason, "detail": detail} for line, reason, detail in self.refused]
        notes = [{"line": line, "note": note} for line, note in self.noted]
        return {
            "rows": self.rows,
            "used": self.used,
            "refused": self.by_reason(),
            "lines": lines,
            "noted": dict(Counter(noted.note.value for noted in self.noted).most_common()),
            "notes": notes,
            "made_up": MADE_UP,
        }


class Imported(NamedTuple):
    outcome: Outcome
    messages: Iterator[Message]


def import_file(file: Path, map_path: Path) -> Imported:
    """Read the whole file; the messages are made as they are taken.

    MapError or TableError, each one line, when the map or the file as a whole cannot be used.
    """
    session_map = load_map(map_path)
    tariff = load_tariff(session_map, map_path)
    read = _read(read_rows(file, session_map), session_map)
    distinct, duplicates = without_duplicates(read.sessions)
    kept, overlaps = without_overlaps(distinct)
    refused = sorted([*read.refused, *duplicates, *overlaps])
    outcome = Outcome(read.rows, len(kept), refused, read.noted)
    return Imported(outcome, session_messages(list(with_registers(kept)), session_map, tariff))


class _Read(NamedTuple):
    rows: int
    sessions: list[PastSession]
    refused: list[Refusal]
    noted: list[Noted]


def _read(rows: Iterable[Row], session_map: SessionMap) -> _Read:
    sessions: list[PastSession] = []
    refused: list[Refusal] = []
    noted: list[Noted] = []
    count = 0
    for row in rows:
        count += 1
        try:
            session, notes = read_session(row, session_map)
        except RefusedError as error:
            refused.append(Refusal(row.line, error.reason, error.detail))
            continue
        sessions.append(session)
        noted.extend(Noted(row.line, note) for note in notes)
    return _Read(count, sessions, refused, noted)
