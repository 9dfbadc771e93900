"""A meter: its keys, where its register broke off, and how it is configured."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ledger.meter.events import KeyRegistered, MeterConfigured, MeterReplaced
from ledger.store.fact import Fact


class Meter:
    """Keys, replacements and configurations in the order in which they were stored."""

    __slots__ = ("configurations", "keys", "replacements")

    def __init__(self) -> None:
        self.keys: list[KeyRegistered] = []
        self.replacements: list[MeterReplaced] = []
        self.configurations: list[MeterConfigured] = []

    @property
    def configured(self) -> MeterConfigured | None:
        """The configuration that holds now."""
        return self.configurations[-1] if self.configurations else None

    def configured_at(self, instant: datetime) -> MeterConfigured | None:
        """The configuration that held at an instant, as far as is known now."""
        return next((each for each in reversed(self.configurations) if each.occurred_at <= instant), None)

    def key_at(self, instant: datetime) -> KeyRegistered | None:
        """The key that signs at an instant: the latest that is valid by then, of equal ones the last stored."""
        known = [(key.valid_from, number) for number, key in enumerate(self.keys) if key.valid_from <= instant]
        return self.keys[max(known)[1]] if known else None

    def replaced_at(self, instant: datetime) -> MeterReplaced | None:
        """The first replacement at or after an instant: it says where a register that began before it ended."""
        return min((each for each in self.replacements if each.at >= instant), key=lambda each: each.at, default=None)


def _registered(meter: Meter, fact: KeyRegistered) -> None:
    meter.keys.append(fact)


def _replaced(meter: Meter, fact: MeterReplaced) -> None:
    meter.replacements.append(fact)


def _configured(meter: Meter, fact: MeterConfigured) -> None:
    meter.configurations.append(fact)


FOLDS: dict[type[Fact], Callable[[Meter, Any], None]] = {
    KeyRegistered: _registered,
    MeterReplaced: _replaced,
    MeterConfigured: _configured,
}


def evolve(meter: Meter, fact: Fact) -> None:
    """Fold a fact of the meter's stream. Raises KeyError on any other fact."""
    FOLDS[type(fact)](meter, fact)
