"""Which tariff a session has whose start names none: pure, from what published tariffs say about themselves."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

import msgspec

from ledger.session.events import TariffPin
from ledger.tariff.instants import instant_us_or_none
from ledger.tariff.json_fields import FieldError, Fields
from ledger.tariff.model import ValidFor
from ledger.tariffbook.events import TariffPublished
from ledger.values.time import to_us

Instant = TypeVar("Instant", int, datetime)

_DATES: Final = ("start_date_time", "end_date_time")


class ChargeStart(NamedTuple):
    """What a tariff is chosen by: where, when (microseconds since 1970), and for a member of which groups."""

    location_id: str
    evse_uid: str
    power_type: str | None
    groups: tuple[str, ...]
    at_us: int


class Offer(msgspec.Struct, frozen=True, gc=False):
    """What a version of a tariff says about where, when and for whom it may be chosen; its prices are not in here.

    `series`: the spot prices that it follows.
    """

    tariff_id: str
    tariff_version: int
    tariff_hash: str
    published_us: int
    valid_for: ValidFor
    priority: int
    from_us: int | None
    until_us: int | None
    series: tuple[str, ...]

    @property
    def pin(self) -> TariffPin:
        """The version, as a session is pinned to it."""
        return TariffPin(tariff_id=self.tariff_id, tariff_version=self.tariff_version, tariff_hash=self.tariff_hash)


class Choice(NamedTuple):
    """The offer that was chosen: the keys of its `valid_for` that fitted, and how many others fitted too."""

    offer: Offer
    matched: tuple[str, ...]
    passed_over: int


class _Spot(msgspec.Struct):
    series: str


class _Component(msgspec.Struct):
    spot: _Spot | None = None


class _Element(msgspec.Struct):
    price_components: list[_Component]


class _Outline(msgspec.Struct):
    """The part of a Tariff object that choosing reads."""

    elements: list[_Element]

    valid_for: ValidFor | None = None
    priority: int | None = None
    start_date_time: str | None = None
    end_date_time: str | None = None


_decode: Final = msgspec.json.Decoder(_Outline).decode


def offer_of(published: TariffPublished, version: int) -> Offer:
    """What a published version offers."""
    outline = _decode(published.tariff)
    dates = Fields({name: getattr(outline, name) for name in _DATES}, "$", FieldError)
    return Offer(
        tariff_id=published.tariff_id,
        tariff_version=version,
        tariff_hash=published.tariff_hash,
        published_us=to_us(published.occurred_at),
        valid_for=outline.valid_for or ValidFor(),
        priority=outline.priority or 0,
        from_us=instant_us_or_none(dates, "start_date_time"),
        until_us=instant_us_or_none(dates, "end_date_time"),
        series=tuple(sorted({part.spot.series for e in outline.elements for part in e.price_components if part.spot})),
    )


def in_force(versions: Sequence[Offer], at_us: int) -> Offer | None:
    """Of one tariff's versions, in the order of the log, the latest by its time; of equal times the last stored."""
    place = latest_begun([offer.published_us for offer in versions], at_us)
    return None if place is None else versions[place]


def latest_begun(begins: Sequence[Instant], at: Instant) -> int | None:
    """The place of the latest of these instants that is not after `at`, of equal ones the last; None for none."""
    begun = [place for place, begin in enumerate(begins) if begin <= at]
    return max(begun, key=lambda place: (begins[place], place), default=None)


def choose(tariffs: Iterable[Sequence[Offer]], start: ChargeStart) -> Choice | None:
    """Of each tariff's versions the one in force; of those that fit the highest priority, then the greatest tariff id.

    All keys of `valid_for` must fit; one that is absent excludes nothing. None where no offer fits.
    """
    offers = (in_force(versions, start.at_us) for versions in tariffs)
    fitting = [offer for offer in offers if offer is not None and fits(offer, start)]
    if not fitting:
        return None
    best = max(fitting, key=lambda offer: (offer.priority, offer.tariff_id))
    return Choice(best, _stated(best.valid_for), len(fitting) - 1)


def fits(offer: Offer, start: ChargeStart) -> bool:
    """Whether the offer may be chosen for the start."""
    return fits_place(offer, start) and _is_for(offer.valid_for.groups, start.groups)


def fits_place(offer: Offer, start: ChargeStart) -> bool:
    """Whether the offer may be chosen for a start at this place and time, whoever pays.

    From its first instant, until before its last one. A start without a power type fits no offer that asks for one.
    """
    if offer.from_us is not None and start.at_us < offer.from_us:
        return False
    if offer.until_us is not None and start.at_us >= offer.until_us:
        return False
    valid_for = offer.valid_for
    return (
        _has(valid_for.location_ids, start.location_id)
        and _has(valid_for.evse_uids, start.evse_uid)
        and _has(valid_for.power_types, start.power_type)
    )


def _has(names: tuple[str, ...] | None, name: str | None) -> bool:
    return names is None or name in names


def _is_for(groups: tuple[str, ...] | None, memberships: tuple[str, ...]) -> bool:
    return groups is None or not set(memberships).isdisjoint(groups)


def _stated(valid_for: ValidFor) -> tuple[str, ...]:
    return tuple(name for name, names in msgspec.structs.asdict(valid_for).items() if names is not None)
