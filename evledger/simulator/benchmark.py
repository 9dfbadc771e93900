"""The fixed mix that speed is measured with, made from templates so that making it costs little.

Every session has a start, 48 readings and an end; two of a hundred messages come a second time.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Final, NamedTuple

from evledger.simulator import tariffs
from evledger.simulator.payers import Payer, Payers, opened
from evledger.simulator.record import SESSIONS_TOPIC, Message
from evledger.simulator.session import ENDED, METERED, STARTED
from evledger.simulator.simulation import FIRST_DAY, MAX_SESSIONS, seeded
from ledger.values.quantity import from_milliwatt
from ledger.values.time import US_PER_S, from_us, to_instant, to_us

READINGS_PER_SESSION: Final = 48
MESSAGES_PER_SESSION: Final = READINGS_PER_SESSION + 2
# One of fifty messages is repeated.
MESSAGES_PER_DUPLICATE: Final = 50
# A busy consumer has about this many sessions open per partition.
OPEN_SESSIONS: Final = 500

# A repeated message is one of the last so many: some of them stand in the same batch, some do not.
_REPEATED_WITHIN: Final = 2_000
_READING_INTERVAL: Final = timedelta(minutes=5)
_READINGS_PER_HOUR: Final = 12
_PAYERS_FOR_SESSIONS: Final = 60
_FIRST_REGISTER_WH: Final = 1_000_000
# 210 to 909 Wh in five minutes: between 2.5 and 11 kW.
_WH_PER_READING_MIN: Final = 210
_WH_PER_READING_SPREAD: Final = 700


def benchmark_messages(sessions: int, seed: int) -> Iterator[Message]:
    """One tariff of two elements and a few accounts, then 51 messages per session, interleaved.

    The same for the same arguments. Kept in memory: the last two thousand messages, nothing per session.
    """
    if not 1 <= sessions <= MAX_SESSIONS:
        raise ValueError(f"sessions must be 1 to {MAX_SESSIONS}, not {sessions}")
    rng = seeded(f"{seed} benchmark")
    begin_us = to_us(to_instant(f"{FIRST_DAY.isoformat()}T00:00:00Z"))
    # Nobody prepaid: all sessions of the mix can be billed.
    payers = [payer for payer in Payers(_PAYERS_FOR_SESSIONS, rng).all if payer.content["billing"] != "PREPAID"]
    yield tariffs.published(tariffs.day_night("0.42", "0.29"), begin_us - US_PER_S).to_message()
    for payer in payers:
        yield opened(payer, begin_us - US_PER_S).to_message()
    yield from _with_duplicates(_interleaved(sessions, begin_us, payers, rng), rng)


def _with_duplicates(messages: Iterator[Message], rng: Random) -> Iterator[Message]:
    recent: deque[Message] = deque(maxlen=_REPEATED_WITHIN)
    for number, message in enumerate(messages):
        if number % MESSAGES_PER_DUPLICATE == 0:
            repeat_at = number + rng.randrange(MESSAGES_PER_DUPLICATE)
        yield message
        recent.append(message)
        if number == repeat_at:
            yield recent[rng.randrange(len(recent))]


class _Place(NamedTuple):
    """A connector: what its messages have in common, as text."""

    source: str
    start: str
    energy_wh: int
    power_kw: str


def _interleaved(sessions: int, begin_us: int, payers: Sequence[Payer], rng: Random) -> Iterator[Message]:
    """Every round brings one message of each place, and each place is at another step of its session."""
    places = [_place(number, rng) for number in range(min(OPEN_SESSIONS, sessions))]
    waves = -(-sessions // len(places))
    for round_ in range((waves + 1) * MESSAGES_PER_SESSION):
        at = from_us(begin_us) + round_ * _READING_INTERVAL
        minute = at.strftime("%Y-%m-%dT%H:%M:")
        for offset, place in enumerate(places):
            wave, step = divmod(round_ - offset % MESSAGES_PER_SESSION, MESSAGES_PER_SESSION)
            number = wave * len(places) + offset
            if wave >= 0 and number < sessions:
                payer = payers[number % len(payers)]
                yield _message(place, number, wave, step, f"{minute}{offset % 60:02d}Z", payer)


def _place(number: int, rng: Random) -> _Place:
    energy_wh = _WH_PER_READING_MIN + rng.randrange(_WH_PER_READING_SPREAD)
    power_kw = from_milliwatt(energy_wh * _READINGS_PER_HOUR * 1_000)
    return _Place(f"/stations/NL*ABC*S{number:04d}", _START.format(number=number), energy_wh, power_kw)


def _message(  # noqa: PLR0913, PLR0917 - on the hot path of every benchmark: no object in between
    place: _Place, number: int, wave: int, step: int, time: str, payer: Payer
) -> Message:
    session_id = f"NL-ABC-2026-{number:08d}"
    type_, data = _data(place, wave, step, payer)
    value = (
        f'{{"specversion":"1.0","id":"{number:08d}-{step:02d}","source":"{place.source}",'
        f'"type":"{type_}","subject":"{session_id}","time":"{time}",'
        f'"datacontenttype":"application/json","partitionkey":"{session_id}","data":{{{data}}}}}'
    )
    return Message(SESSIONS_TOPIC, session_id, value.encode())


def _data(place: _Place, wave: int, step: int, payer: Payer) -> tuple[str, str]:
    """The end of a session is one more step of the register, and the next session starts from there."""
    register_wh = str(_FIRST_REGISTER_WH + (wave * (MESSAGES_PER_SESSION - 1) + step) * place.energy_wh)
    common = f'"register_kwh":"{register_wh[:-3]}.{register_wh[-3:]}","seq_no":{step}'
    if step == 0:
        payer_text = f'"account_id":"{payer.account_id}","token_uid":"{payer.token_uid}"'
        return STARTED, f"{place.start},{payer_text},{common}"
    if step <= READINGS_PER_SESSION:
        return METERED, f'{common},"power_kw":"{place.power_kw}","context":"Sample.Periodic"'
    return ENDED, f'{common},"reason":"EVDisconnected"'


_START: Final = (
    '"location_id":"NL-AMS-{number:04d}","station_id":"NL*ABC*S{number:04d}","operator_id":"NL*ABC",'
    '"evse_uid":"NL*ABC*E{number:04d}*1","connector_id":"1","power_type":"AC_3_PHASE","max_power_kw":"11",'
    '"time_zone":"Europe/Amsterdam","country":"NL","meter_id":"M-{number:04d}","auth_method":"WHITELIST",'
    '"tariff_id":"NL-AC-DAY-NIGHT"'
)
