"""Messages about spot prices, as facts."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec
from pydantic import Field
from typing_extensions import TypedDict

from consumers.messages.attributes import Attributes
from consumers.messages.faults import UnreadableError
from consumers.messages.fields import Currency, InstantText, SignedQuantity
from consumers.messages.origin import instant_at, origin_of, tenant_of
from ledger.intake.message import Record
from ledger.tariffbook.events import PricePublished, PriceSlot
from ledger.values.canonical import decimal_text, sha256_hex

# An auction of a day has 96 quarter hours, the long day 100; this is ten days of them, and well within a record's size.
MAX_SLOTS: Final = 1_000

SlotData = TypedDict("SlotData", {"from": InstantText, "until": InstantText, "per_kwh": SignedQuantity})


class PriceData(TypedDict):
    """Prices of a series per kWh, in the currency of the tariffs that follow it: in order of time, not overlapping."""

    currency: Currency
    slots: Annotated[list[SlotData], Field(fail_fast=True, min_length=1, max_length=MAX_SLOTS)]


class PricePublishedEvent(Attributes):
    type: Literal["ev.price.published.v1"]
    data: PriceData


def to_price_published(record: Record, attributes: Attributes, data: PriceData) -> PricePublished:
    """Raises UnreadableError, with the JSON path, for slots without a length, out of order, or overlapping."""
    slots = tuple(_to_slot(place, slot) for place, slot in enumerate(data["slots"]))
    for place, (before, after) in enumerate(pairwise(slots), 1):
        if after.from_ < before.until:
            raise UnreadableError(f"$.data.slots[{place}].from: is before the end of the slot before it")
    return PricePublished(
        **origin_of(record, attributes),
        tenant=tenant_of(attributes),
        series=attributes["subject"],
        currency=data["currency"],
        slots_sha256=sha256_hex(msgspec.json.encode(slots)),
        slots=slots,
    )


def _to_slot(place: int, data: SlotData) -> PriceSlot:
    path = f"$.data.slots[{place}]"
    slot = PriceSlot(
        from_=instant_at(f"{path}.from", data["from"]),
        until=instant_at(f"{path}.until", data["until"]),
        per_kwh=decimal_text(Decimal(data["per_kwh"])),
    )
    if slot.until <= slot.from_:
        raise UnreadableError(f"{path}.until: is not after {path}.from")
    return slot
