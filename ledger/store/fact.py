"""What a fact is: a frozen struct with an explicit topic and a version number inside."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import msgspec

Upcaster = Callable[[dict[str, object]], dict[str, object]]


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="v", tag=1):
    """Something that happened. Stored as JSON whose first field `v` is the version of the class.

    Subclasses are frozen and hold only frozen values, so a fact can be shared and remembered.
    """


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A part of a fact; never stored alone."""


class FromMessage(Fact, frozen=True, kw_only=True):
    """A fact that a message led to: the message's name, and where it was read."""

    source: str
    message_id: str
    topic: str
    partition: int
    offset: int
    occurred_at: datetime


FactType = TypeVar("FactType", bound=type[Fact])

TOPIC_OF: dict[type[Fact], str] = {}
CLASS_OF: dict[str, type[Fact]] = {}
UPCASTERS: dict[str, dict[int, Upcaster]] = {}


def topic(name: str, upcasters: dict[int, Upcaster] | None = None) -> Callable[[FactType], FactType]:
    """Register a fact class under the topic it is stored with.

    `upcasters` maps an old version number to the function that turns its JSON object into that of the next
    version. Raises ValueError when the topic is taken.
    """

    def register(cls: FactType) -> FactType:
        if name in CLASS_OF:
            raise ValueError(f"topic {name} is already taken by {CLASS_OF[name].__name__}")
        TOPIC_OF[cls] = name
        CLASS_OF[name] = cls
        UPCASTERS[name] = upcasters or {}
        return cls

    return register


def version_of(cls: type[Fact]) -> int:
    """The version number that new facts of this class carry."""
    tag = cls.__struct_config__.tag
    if not isinstance(tag, int):
        raise TypeError(f"{cls.__name__} has no integer version tag")
    return tag
