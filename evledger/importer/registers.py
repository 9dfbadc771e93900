"""One register per connector: which rows can share it, and what it shows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from evledger.importer.past_session import PastSession
from evledger.importer.refusal import Reason, Refusal


class Metered(NamedTuple):
    """A session with the register before and after it, which are made up: see `with_registers`."""

    session: PastSession
    start_milliwh: int
    end_milliwh: int


def without_duplicates(sessions: Iterable[PastSession]) -> tuple[list[PastSession], list[Refusal]]:
    """The first of equal rows, and of rows with one session id, stays."""
    by_content: dict[tuple[object, ...], int] = {}
    by_id: dict[str, int] = {}
    kept, refused = [], []
    for session in sessions:
        refusal = _duplicate(session, by_content, by_id)
        if refusal:
            refused.append(refusal)
            continue
        by_content[_content(session)] = by_id[session.session_id] = session.line
        kept.append(session)
    return kept, refused


def _content(session: PastSession) -> tuple[object, ...]:
    return (*session.connector, session.started_at, session.ended_at, session.energy_milliwh)


def _duplicate(
    session: PastSession, by_content: dict[tuple[object, ...], int], by_id: dict[str, int]
) -> Refusal | None:
    line = by_content.get(_content(session))
    if line is not None:
        detail = f"connector, times and energy are those of line {line}"
        return Refusal(session.line, Reason.DUPLICATE_ROW, detail)
    line = by_id.get(session.session_id)
    if line is not None:
        return Refusal(session.line, Reason.DUPLICATE_SESSION_ID, f"line {line} has the same id")
    return None


def without_overlaps(sessions: Iterable[PastSession]) -> tuple[list[PastSession], list[Refusal]]:
    """As many sessions of each connector as can follow one another, in that order; the rest is refused.

    A register cannot run for two sessions at once, and the file does not say which row is wrong. Taking
    the earliest end first keeps the most rows: one with an end noted days late does not cost all those
    that it covers.
    """
    by_connector: defaultdict[tuple[str, str], list[PastSession]] = defaultdict(list)
    for session in sessions:
        by_connector[session.connector].append(session)
    kept: list[PastSession] = []
    refused: list[Refusal] = []
    for connector in sorted(by_connector):
        _keep_most(by_connector[connector], kept, refused)
    return kept, refused


def _keep_most(sessions: list[PastSession], kept: list[PastSession], refused: list[Refusal]) -> None:
    last: PastSession | None = None
    for session in sorted(sessions, key=lambda each: (each.ended_at, each.started_at, each.line)):
        if last is not None and session.started_at < last.ended_at:
            detail = f"overlaps line {last.line} on connector {'*'.join(session.connector)}"
            refused.append(Refusal(session.line, Reason.OVERLAP, detail))
            continue
        kept.append(session)
        last = session


def with_registers(sessions: Sequence[PastSession]) -> Iterator[Metered]:
    """Registers that start at 0 for each connector and count up through its sessions, in their order.

    The sessions of a connector come in time order.
    """
    registers: defaultdict[tuple[str, str], int] = defaultdict(int)
    for session in sessions:
        start_milliwh = registers[session.connector]
        end_milliwh = registers[session.connector] = start_milliwh + session.energy_milliwh
        yield Metered(session, start_milliwh, end_milliwh)
