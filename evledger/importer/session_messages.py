"""Past sessions as messages of the session-event contract: tariff, accounts, then starts and ends by time."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from evledger.importer.cells import to_id
from evledger.importer.mapping import Account, MapError, SessionMap
from evledger.importer.past_session import PastSession
from evledger.importer.registers import Metered
from evledger.simulator.record import ACCOUNTS_TOPIC, SESSIONS_TOPIC, TARIFFS_TOPIC, CloudEvent, Message
from ledger.values.canonical import canonical_json, read_json_decimals, sha256_hex
from ledger.values.energy import from_milliwh
from ledger.values.time import to_us

# A message has at most 256 KiB, with its envelope.
MAX_TARIFF_BYTES: Final = 240 * 1024
_MESSAGE_ID_LENGTH: Final = 32

Tariff = dict[str, Any]


def load_tariff(session_map: SessionMap, map_path: Path) -> Tariff:
    """The OCPI Tariff object that the map names. MapError: no such file, no such object, another currency."""
    path = map_path.parent / session_map.tariff.file
    try:
        content = path.read_bytes()
        tariff = read_json_decimals(content)
    except OSError as error:
        raise MapError(f"{map_path}: tariff.file: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise MapError(f"{map_path}: tariff.file: {path}: {error}") from None
    if len(content) > MAX_TARIFF_BYTES or not isinstance(tariff, dict) or not isinstance(tariff.get("id"), str):
        raise MapError(f"{map_path}: tariff.file: {path} is no OCPI Tariff object with an id")
    if tariff.get("currency") != session_map.account.currency:
        raise MapError(f"{map_path}: account.currency: the tariff's is {tariff.get('currency')!r}")
    return tariff


def session_messages(metered: list[Metered], session_map: SessionMap, tariff: Tariff) -> Iterator[Message]:
    """All messages. Ids are hashes of what they carry, so the same file again says nothing new."""
    yield _published(tariff, session_map).to_message()
    payers = dict.fromkeys(each.session.payer for each in metered)
    for payer in payers:
        yield _opened(payer, session_map).to_message()
    tariff_id = str(tariff["id"])
    for each, is_end in _by_time(metered):
        event = _ended(each, session_map) if is_end else _started(each, session_map, tariff_id)
        yield event.to_message()


def _by_time(metered: list[Metered]) -> list[tuple[Metered, bool]]:
    """Starts and ends by instant; a start stands before its end also where both have the same minute."""
    starts_and_ends = ((each, is_end) for each in metered for is_end in (False, True))
    return sorted(starts_and_ends, key=_instant)


def _instant(start_or_end: tuple[Metered, bool]) -> datetime:
    metered, is_end = start_or_end
    return metered.session.ended_at if is_end else metered.session.started_at


def _published(tariff: Tariff, session_map: SessionMap) -> CloudEvent:
    return _of_map(TARIFFS_TOPIC, "ev.tariff.published.v1", str(tariff["id"]), tariff, session_map)


def _opened(payer: str | None, session_map: SessionMap) -> CloudEvent:
    account = session_map.account
    content = account.model_dump(exclude={"id", "per"}, exclude_none=True)
    if payer is not None:
        content["name"] = f"{account.name}, {payer}"
    account_id = _account_id(payer, account)
    return _of_map(ACCOUNTS_TOPIC, "ev.account.opened.v1", account_id, content, session_map)


def _account_id(payer: str | None, account: Account) -> str:
    return account.id if payer is None else f"{account.id}-{to_id(payer)}"


def _of_map(topic: str, type_: str, subject: str, content: object, session_map: SessionMap) -> CloudEvent:
    at_us = to_us(session_map.tariff.published_at)
    message_id = sha256_hex(canonical_json([type_, subject, at_us, content]))[:_MESSAGE_ID_LENGTH]
    return CloudEvent(topic, type_, subject, _source(session_map), message_id, at_us, content)


def _source(session_map: SessionMap) -> str:
    return f"/imports/{session_map.name}"


def _started(metered: Metered, session_map: SessionMap, tariff_id: str) -> CloudEvent:
    session = metered.session
    content = {
        "location_id": session.location_id,
        "station_id": session.station_id,
        "operator_id": session_map.operator_id,
        "evse_uid": "*".join(session.connector),
        "connector_id": session.connector_id,
        "power_type": session.power_type,
        "max_power_kw": session.max_power_kw,
        "time_zone": session_map.time.zone,
        "country": session_map.country,
        "meter_id": ":".join((session_map.name, *session.connector)),
        "register_kwh": from_milliwh(metered.start_milliwh),
        "account_id": _account_id(session.payer, session_map.account),
        "tariff_id": tariff_id,
    }
    told = {name: value for name, value in content.items() if value is not None}
    return _of_session(session, "started", to_us(session.started_at), told, session_map)


def _ended(metered: Metered, session_map: SessionMap) -> CloudEvent:
    session = metered.session
    content = {"register_kwh": from_milliwh(metered.end_milliwh)}
    return _of_session(session, "ended", to_us(session.ended_at), content, session_map)


def _of_session(
    session: PastSession, verb: str, at_us: int, content: dict[str, str], session_map: SessionMap
) -> CloudEvent:
    message_id = f"{session.fingerprint}-{verb}"
    type_ = f"ev.session.{verb}.v1"
    return CloudEvent(SESSIONS_TOPIC, type_, session.session_id, _source(session_map), message_id, at_us, content)
