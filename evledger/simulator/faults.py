"""What goes wrong between a station and the ledger, in small shares, so that most sessions still bill."""

from collections.abc import Callable
from random import Random
from typing import Final

from evledger.simulator import payers, tariffs
from evledger.simulator.garbage import GARBAGE
from evledger.simulator.record import CloudEvent
from evledger.simulator.session import ENDED, METERED, Data, Occurrence, Visit
from evledger.simulator.timeline import Delivery, Scheduled
from ledger.values.energy import MILLIWH_PER_KWH, from_milliwh, to_milliwh
from ledger.values.time import US_PER_S

# Of a thousand messages: sent again within minutes (a producer's retry), or days later (a queue's).
REPEATED_SOON_PERMILLE: Final = 10
REPEATED_LATE_PERMILLE: Final = 3
_SOON_S: Final = (1, 180)
_LATE_S: Final = (2 * 3_600, 72 * 3_600)

Sent = list[Occurrence]
Fault = Callable[[Sent, Random], Sent]


def swapped(sent: Sent, rng: Random) -> Sent:
    """Two neighbours change places."""
    place = rng.randrange(1, len(sent) - 1)
    first, second = sent[place], sent[place + 1]
    deliver_s = max(first.deliver_s, second.deliver_s)
    both = [second._replace(deliver_s=deliver_s), first._replace(deliver_s=deliver_s)]
    return sent[:place] + both + sent[place + 2 :]


def start_after_readings(sent: Sent, rng: Random) -> Sent:
    """Some readings overtake their session's start."""
    place = min(rng.randint(1, 4), len(sent) - 1)
    start = sent[0]._replace(deliver_s=sent[place].deliver_s)
    return [*sent[1 : place + 1], start, *sent[place + 1 :]]


def reading_after_end(sent: Sent, rng: Random) -> Sent:
    """A reading waits in the station for longer than the session lasts."""
    place = _some_reading(sent, rng)
    late = sent[place]._replace(deliver_s=_end(sent).deliver_s + rng.randint(60, 3 * 3_600))
    return [*sent[:place], *sent[place + 1 :], late]


def register_backwards(sent: Sent, rng: Random) -> Sent:
    """One reading is below the one before it."""
    return _with_register(sent, _some_reading(sent, rng), -rng.randint(1, 40) * MILLIWH_PER_KWH)


def end_below_start(sent: Sent, rng: Random) -> Sent:
    """The last register is less than the first one."""
    start_milliwh = to_milliwh(str(sent[0].data["register_kwh"]))
    register = from_milliwh(max(0, start_milliwh - rng.randint(1, 9) * MILLIWH_PER_KWH))
    return [_with_data(each, register_kwh=register) if each.type == ENDED else each for each in sent]


def end_missing(sent: Sent, _: Random) -> Sent:
    """The station fell silent."""
    return [each for each in sent if each.type != ENDED]


def creep_after_end(sent: Sent, rng: Random) -> Sent:
    """The meter counts a few watt-hours more after the end."""
    end = _end(sent)
    at_s = end.at_s + rng.randint(30, 600)
    register = from_milliwh(to_milliwh(str(end.data["register_kwh"])) + rng.randint(1, 9) * 1_000)
    data: Data = {"register_kwh": register, "context": "Sample.Clock"}
    creep = end._replace(deliver_s=at_s, at_s=at_s, type=METERED, id=f"{end.id}-creep", data=data)
    return [*sent, creep]


def conflict(sent: Sent, rng: Random) -> Sent:
    """The same message id again with another register."""
    place = _some_reading(sent, rng)
    other = _with_register(sent, place, MILLIWH_PER_KWH)[place]
    return [*sent, other._replace(deliver_s=other.deliver_s + rng.randint(1, 600))]


def second_end(sent: Sent, rng: Random) -> Sent:
    """The end again under another id: equal data, or another register."""
    end = _end(sent)
    again = end._replace(id=f"{end.id}-2", deliver_s=end.deliver_s + rng.randint(1, 600))
    if rng.randrange(2):
        again = _with_register([again], 0, MILLIWH_PER_KWH)[0]
    return [*sent, again]


def wrong_key(sent: Sent, rng: Random) -> Sent:
    """A record whose key is another session's."""
    place = _some_reading(sent, rng)
    stray = sent[place]._replace(key=f"{sent[place].session_id}-X")
    return [*sent[:place], stray, *sent[place + 1 :]]


def garbage(sent: Sent, rng: Random) -> Sent:
    """A broken producer writes a few unreadable values in a row."""
    place = _some_reading(sent, rng)
    first = rng.randrange(len(GARBAGE))
    noise = [_noise(sent[place], first + more) for more in range(_NOISE_IN_A_ROW)]
    return [*sent[: place + 1], *noise, *sent[place + 1 :]]


def _noise(occurrence: Occurrence, number: int) -> Occurrence:
    good = occurrence._replace(id=f"{occurrence.id}-noise-{number}")
    damage = GARBAGE[number % len(GARBAGE)]
    return good._replace(raw=damage(good.to_message().value))


# Each of these damages so many of a thousand sessions, independently of the others.
SESSION_FAULTS_PERMILLE: Final[tuple[tuple[int, Fault], ...]] = (
    (20, swapped),
    (8, start_after_readings),
    (12, reading_after_end),
    (6, register_backwards),
    (3, end_below_start),
    (5, creep_after_end),
    (4, conflict),
    (4, second_end),
    (4, wrong_key),
    (8, garbage),
    (6, end_missing),
)
# A session whose tariff or payer becomes known only after its start; some payers never do.
LATE_TARIFF_PERMILLE: Final = 4
LATE_PAYER_PERMILLE: Final = 4
_UNKNOWN_FOR_EVER_PERCENT: Final = 25
_KNOWN_AFTER_S: Final = (600, 12 * 3_600)
_DATED_BEFORE_S: Final = 60
_NOISE_IN_A_ROW: Final = 3


class Faults:
    """Damages sessions with a random source of its own: the sessions themselves stay as they are."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def applied(self, visit: Visit, sent: Sent) -> list[Delivery]:
        """What reaches Kafka of these messages, and what else comes because of it."""
        start, *others = sent
        start, late_tariffs = self._of_late_tariff(visit, start)
        start, late_payers = self._of_late_payer(visit, start)
        sent = [start, *others]
        for permille, fault in SESSION_FAULTS_PERMILLE:
            if self._happens(permille):
                sent = fault(sent, self._rng)
        return [*sent, *self._repeated(sent), *late_tariffs, *late_payers]

    def _happens(self, permille: int) -> bool:
        return self._rng.randrange(1_000) < permille

    def _repeated(self, sent: Sent) -> list[Delivery]:
        return [
            *self._again(sent, REPEATED_SOON_PERMILLE, _SOON_S),
            *self._again(sent, REPEATED_LATE_PERMILLE, _LATE_S),
        ]

    def _again(self, sent: Sent, permille: int, after_s: tuple[int, int]) -> Sent:
        return [
            each._replace(deliver_s=each.deliver_s + self._rng.randint(*after_s))
            for each in sent
            if self._happens(permille)
        ]

    def _of_late_tariff(self, visit: Visit, start: Occurrence) -> tuple[Occurrence, list[Delivery]]:
        if not self._happens(LATE_TARIFF_PERMILLE):
            return start, []
        tariff = tariffs.special_offer(visit.number)
        event = tariffs.published(tariff, (start.at_s - _DATED_BEFORE_S) * US_PER_S)
        return _with_data(start, tariff_id=tariff["id"]), [self._late(event, start)]

    def _of_late_payer(self, visit: Visit, start: Occurrence) -> tuple[Occurrence, list[Delivery]]:
        if not self._happens(LATE_PAYER_PERMILLE):
            return start, []
        payer = payers.newcomer(visit.number, self._rng)
        unknown = _with_data(start, account_id=payer.account_id, token_uid=payer.token_uid)
        if self._rng.randrange(100) < _UNKNOWN_FOR_EVER_PERCENT:
            return unknown, []
        event = payers.opened(payer, (start.at_s - _DATED_BEFORE_S) * US_PER_S)
        return unknown, [self._late(event, start)]

    def _late(self, event: CloudEvent, start: Occurrence) -> Scheduled:
        return Scheduled(start.at_s + self._rng.randint(*_KNOWN_AFTER_S), event)


def _some_reading(sent: Sent, rng: Random) -> int:
    return rng.choice([place for place, each in enumerate(sent) if each.type == METERED and each.raw is None])


def _end(sent: Sent) -> Occurrence:
    return next(each for each in sent if each.type == ENDED)


def _with_data(occurrence: Occurrence, **data: object) -> Occurrence:
    return occurrence._replace(data={**occurrence.data, **data})


def _with_register(sent: Sent, place: int, difference_milliwh: int) -> Sent:
    register_milliwh = to_milliwh(str(sent[place].data["register_kwh"])) + difference_milliwh
    changed = _with_data(sent[place], register_kwh=from_milliwh(max(0, register_milliwh)))
    return [*sent[:place], changed, *sent[place + 1 :]]
