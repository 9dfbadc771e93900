"""A row read: one past session, or the reason why not."""

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from evledger.importer.cells import read_energy_milliwh, read_local, read_text, to_id, to_utc
from evledger.importer.mapping import SessionMap, Source
from evledger.importer.refusal import Note, Reason, RefusedError
from evledger.importer.table import Row
from ledger.values.canonical import canonical_json, sha256_hex
from ledger.values.time import from_instant

_QUANTITY: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_FINGERPRINT_LENGTH: Final = 32


class PastSession(NamedTuple):
    """What a row says, with instants in UTC and energy in milliwatt-hours.

    `fingerprint` is a hash of all of it; `payer` is the value of the account's column, if the map has one.
    """

    line: int
    session_id: str
    station_id: str
    connector_id: str
    location_id: str
    started_at: datetime
    ended_at: datetime
    energy_milliwh: int
    power_type: str | None
    max_power_kw: str | None
    payer: str | None
    fingerprint: str

    @property
    def connector(self) -> tuple[str, str]:
        """The key of the register."""
        return self.station_id, self.connector_id


class _Times(NamedTuple):
    started_at: datetime
    ended_at: datetime
    notes: list[Note]


def read_session(row: Row, session_map: SessionMap) -> tuple[PastSession, list[Note]]:
    """The session in a row, and what was decided about it. RefusedError says why it cannot be used."""
    if row.cells is None:
        raise RefusedError(Reason.WRONG_NUMBER_OF_FIELDS, "it has not as many fields as the header")
    times = _read_times(row, session_map)
    energy_milliwh, notes = read_energy_milliwh(row, session_map.energy)
    texts = _read_texts(row, session_map)
    fingerprint = _fingerprint(texts, times, energy_milliwh)
    session = PastSession(
        line=row.line,
        session_id=f"{session_map.name}:{texts['id'] or fingerprint}",
        station_id=to_id(texts["station"] or ""),
        connector_id=to_id(texts["connector"] or ""),
        location_id=to_id(texts["location"] or ""),
        started_at=times.started_at,
        ended_at=times.ended_at,
        energy_milliwh=energy_milliwh,
        power_type=texts["power_type"],
        max_power_kw=texts["max_power_kw"],
        payer=texts["payer"],
        fingerprint=fingerprint,
    )
    return session, times.notes + notes


def _read_times(row: Row, session_map: SessionMap) -> _Times:
    rules = session_map.time
    start_local = read_local(row, session_map.start, Reason.MISSING_START)
    end_local = read_local(row, session_map.end, Reason.MISSING_END)
    started_at, of_start = to_utc(start_local, rules, "start")
    ended_at, of_end = to_utc(end_local, rules, "end")
    if started_at < session_map.tariff.published_at:
        raise RefusedError(Reason.BEFORE_TARIFF, f"{from_instant(started_at)} is before tariff.published_at")
    if ended_at < started_at:
        raise RefusedError(Reason.END_BEFORE_START, f"it ends {started_at - ended_at} before its start")
    if ended_at - started_at > timedelta(hours=rules.max_stay_h):
        raise RefusedError(Reason.STAY_TOO_LONG, f"{ended_at - started_at} is more than {rules.max_stay_h} hours")
    return _Times(started_at, ended_at, of_start + of_end)


def _read_texts(row: Row, session_map: SessionMap) -> dict[str, str | None]:
    columns = session_map.session
    sources = {name: getattr(columns, name) for name in type(columns).model_fields}
    texts = {name: read_text(row, source) if source else None for name, source in sources.items()}
    if texts["id"] is not None:
        texts["id"] = to_id(texts["id"])
    power = texts["max_power_kw"]
    if power is not None and not _QUANTITY.fullmatch(power):
        raise RefusedError(Reason.UNREADABLE_POWER, f"max_power_kw is {power!r}")
    payer = session_map.account.per
    texts["payer"] = read_text(row, Source(column=payer)) if payer else None
    return texts


def _fingerprint(texts: dict[str, str | None], times: _Times, energy_milliwh: int) -> str:
    instants = [from_instant(times.started_at), from_instant(times.ended_at)]
    content = canonical_json([texts, instants, energy_milliwh])
    return sha256_hex(content)[:_FINGERPRINT_LENGTH]
