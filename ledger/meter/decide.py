"""What may be said of a meter: refuse, refuse, return the fact."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from ledger.meter.events import KeyRegistered, MeterConfigured, MeterReplaced
from ledger.meter.ocmf.key import KeyUnreadableError, curves_of_key
from ledger.meter.state import Meter
from ledger.store.fact import FromMessage
from ledger.values.refusal import RefusedError, RepeatedError

OCMF: Final = "OCMF"
_MESSAGE: Final = {"source": "", "message_id": "", "topic": "", "partition": 0, "offset": 0}
_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)

FactType = TypeVar("FactType", bound=FromMessage)


def register_key(meter: Meter, key: KeyRegistered) -> KeyRegistered:
    """The key. A key of OCMF that no reading could be verified with is refused; others are kept as they came."""
    if key.encoding == OCMF:
        _refuse_unreadable(key.public_key)
    _refuse_repeat([known for known in meter.keys if known.valid_from == key.valid_from][-1:], key)
    return key


def replace_meter(meter: Meter, replacement: MeterReplaced) -> MeterReplaced:
    """The replacement. A register ends once at an instant; a meter that is gone cannot be replaced again."""
    _refuse_repeat(meter.replacements, replacement)
    for known in meter.replacements:
        if known.at == replacement.at:
            raise RefusedError(f"the meter has another replacement at that instant (message {known.message_id})")
        if known.new_meter_id != known.meter_id and known.at < replacement.at:
            raise RefusedError(f"the meter was replaced by {known.new_meter_id} before (message {known.message_id})")
    return replacement


def configure_meter(meter: Meter, configuration: MeterConfigured) -> MeterConfigured:
    """The configuration; saying again what holds adds nothing."""
    current = [] if meter.configured is None else [meter.configured]
    _refuse_repeat(current, configuration)
    return configuration


def _refuse_unreadable(public_key: str) -> None:
    try:
        curves_of_key(public_key)
    except KeyUnreadableError as error:
        raise RefusedError(str(error)) from None


def _refuse_repeat(known: Sequence[FactType], proposal: FactType) -> None:
    """Said again, under another name or at another time, it is still the same."""
    content = _content(proposal)
    if any(_content(fact) == content for fact in known):
        raise RepeatedError


def _content(fact: FactType) -> FactType:
    return msgspec.structs.replace(fact, **_MESSAGE, occurred_at=_ANY_TIME)
