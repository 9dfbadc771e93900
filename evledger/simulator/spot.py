"""A day-ahead market: prices by quarter hour, published at noon of the day before; on one day they come late."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final

from evledger.simulator.record import PRICES_TOPIC, CloudEvent
from evledger.simulator.session import Visit
from evledger.simulator.timeline import Batch, Scheduled
from ledger.values.time import US_PER_S, from_instant, to_us

SERIES: Final = "NL-DA"
TARIFF_ID: Final = "NL-AC-SPOT"
# Whose sites have the spot tariff instead.
IN_PLACE_OF: Final = "NL-AC-FLAT"
SOURCE: Final = "/simulator/market"

# The day whose prices come only when it is over, so that its sessions wait for them.
LATE_DAY: Final = 13
_LATE_BY: Final = timedelta(hours=37)
# A session may begin in the evening before the first day in UTC, and end days after the last one began.
_DAYS_BEFORE, _DAYS_AFTER = 1, 4

_QUARTER: Final = timedelta(minutes=15)
_QUARTERS: Final = 96
# Ten-thousandths of a euro per kWh for every three hours of a day: cheap at night, at noon the sun gives it away.
_SHAPE: Final = (520, 610, 1_240, 380, -120, 340, 1_890, 970)
_NOISE: Final = 160
_PARTS: Final = 10_000


def under_spot(visit: Visit) -> Visit:
    """The visit under the spot tariff, where the site has it."""
    return replace(visit, tariff_id=TARIFF_ID) if visit.tariff_id == IN_PLACE_OF else visit


def publications(first_day: date, days: int, rng: Random) -> Iterator[Batch]:
    """The prices of each day in which a session can be, in the order in which they are made."""
    for number in range(-_DAYS_BEFORE, days + _DAYS_AFTER):
        begins = datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC) + timedelta(days=number)
        made = begins - timedelta(hours=12)
        late = _LATE_BY if number == LATE_DAY else timedelta()
        event = _published(begins, made, rng)
        yield Batch(_second(made), [Scheduled(_second(made + late), event)])


def _published(begins: datetime, made: datetime, rng: Random) -> CloudEvent:
    slots = [_slot(begins, quarter, rng) for quarter in range(_QUARTERS)]
    data = {"currency": "EUR", "slots": slots}
    name = f"{SERIES}-{begins:%Y-%m-%d}"
    return CloudEvent(PRICES_TOPIC, "ev.price.published.v1", SERIES, SOURCE, name, to_us(made), data)


def _slot(begins: datetime, quarter: int, rng: Random) -> dict[str, str]:
    from_ = begins + quarter * _QUARTER
    parts = _SHAPE[quarter * len(_SHAPE) // _QUARTERS] + rng.randint(-_NOISE, _NOISE)
    sign, parts = "-" if parts < 0 else "", abs(parts)
    return {
        "from": from_instant(from_),
        "until": from_instant(from_ + _QUARTER),
        "per_kwh": f"{sign}{parts // _PARTS}.{parts % _PARTS:04d}",
    }


def _second(instant: datetime) -> int:
    return to_us(instant) // US_PER_S
