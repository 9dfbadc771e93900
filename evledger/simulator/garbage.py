"""Values that no reader of the message contract accepts, each made from a good one."""

from collections.abc import Callable
from typing import Final

import msgspec

Damage = Callable[[bytes], bytes]

_DEPTH: Final = 5_000


def _without(name: str) -> Damage:
    def damage(value: bytes) -> bytes:
        event = msgspec.json.decode(value)
        return msgspec.json.encode({key: content for key, content in event.items() if key != name})

    return damage


def _with(name: str, content: object) -> Damage:
    return lambda value: msgspec.json.encode({**msgspec.json.decode(value), name: content})


def _with_data(name: str, content: object) -> Damage:
    def damage(value: bytes) -> bytes:
        event = msgspec.json.decode(value)
        return msgspec.json.encode({**event, "data": {**event["data"], name: content}})

    return damage


GARBAGE: Final[tuple[Damage, ...]] = (
    lambda _: b"",
    lambda _: b"\xff\xfe\x00garbage",
    lambda value: value[: len(value) // 2],
    lambda value: b"[" + value + b"]",
    lambda value: value.replace(b'"specversion"', b'"specversi\xe9on"'),
    lambda _: b"[" * _DEPTH + b"]" * _DEPTH,
    lambda _: b"NaN",
    _without("id"),
    _without("data"),
    _with("time", "2026-10-05T08:00:00"),
    _with("time", "1700000000"),
    _with("time", "0001-01-01T00:00:00Z"),
    _with("type", "ev.session.teleported.v1"),
    _with("specversion", "0.3"),
    _with_data("register_kwh", 1234),
    _with_data("register_kwh", "1e400"),
    _with_data("register_kwh", "-5"),
    _with_data("register_kwh", "１２３４"),
)
