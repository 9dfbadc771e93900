"""The simulated payers: consumers, fleets with sub-accounts, prepaid cards, a roaming partner."""

from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

from evledger.simulator.record import ACCOUNTS_TOPIC, CloudEvent

SOURCE: Final = "/simulator/accounts"

# Enough for every kind of payer in a demo of 200 sessions; the rest grows with the sessions.
_FEWEST: Final = 4
_SESSIONS_PER_PAYER: Final = 12
# The list of payers is kept for the whole run, so it has an end.
MAX_PAYERS: Final = 2_000

_FIRST_NAMES: Final = ("Anna", "Bram", "Clara", "Daan", "Emma", "Finn", "Greta", "Hugo", "Ida", "Jonas", "Zoë")
_LAST_NAMES: Final = ("Bakker", "Peeters", "Schmidt", "de Vries", "Müller", "Janssens", "Visser", "Weber")
_COMPANIES: Final = ("Fietskoerier", "Grünwald Logistik", "Bouwbedrijf Noord", "Pflegedienst Isar", "Drukkerij Maas")
_TOWNS: Final = {
    "NL": (("Damrak 1", "1012 LG", "Amsterdam"), ("Oudegracht 20", "3511 AP", "Utrecht")),
    "DE": (("Lindenallee 4", "80331", "München"), ("Hafenstraße 11", "20457", "Hamburg")),
    "BE": (("Meir 30", "2000", "Antwerpen"), ("Korenmarkt 7", "9000", "Gent")),
}
_TIME_ZONES: Final = {"NL": "Europe/Amsterdam", "DE": "Europe/Berlin", "BE": "Europe/Brussels"}
_LANGUAGES: Final = {"NL": "nl", "DE": "de", "BE": "nl"}


class Kind(NamedTuple):
    """A kind of payer and how many sessions it has compared with a driver who pays for each."""

    kind: str
    billing: str
    weight: int
    is_sub_account: bool = False


_PER_SESSION: Final = Kind("CONSUMER", "PER_SESSION", 2)
_MONTHLY: Final = Kind("CONSUMER", "MONTHLY", 2)
_FLEET: Final = Kind("BUSINESS", "MONTHLY", 4)
_DEPARTMENT: Final = Kind("BUSINESS", "MONTHLY", 2, is_sub_account=True)
_PREPAID: Final = Kind("CONSUMER", "PREPAID", 1)
_ROAMING: Final = Kind("RESELLER", "MONTHLY", 3)
# Twenty payers in a row have this mix; the first four stand for the common kinds.
_MIX: Final = (
    *(_PER_SESSION, _MONTHLY, _FLEET, _DEPARTMENT, _PREPAID),
    *(_PER_SESSION, _PER_SESSION, _MONTHLY, _ROAMING, _PER_SESSION),
    *(_PER_SESSION, _PER_SESSION, _MONTHLY, _FLEET, _PER_SESSION),
    *(_PER_SESSION, _PER_SESSION, _MONTHLY, _PER_SESSION, _MONTHLY),
)


class Payer(NamedTuple):
    account_id: str
    token_uid: str
    content: dict[str, object]
    weight: int


class Payers:
    """All payers, drawn by how much they charge."""

    def __init__(self, sessions: int, rng: Random) -> None:
        count = min(MAX_PAYERS, _FEWEST + sessions // _SESSIONS_PER_PAYER)
        self.all: Sequence[Payer] = [_payer(number, _MIX[number % len(_MIX)], rng) for number in range(count)]
        self._weights = list(accumulate(payer.weight for payer in self.all))

    def draw(self, rng: Random) -> Payer:
        return rng.choices(self.all, cum_weights=self._weights)[0]


def opened(payer: Payer, at_us: int) -> CloudEvent:
    """The message that opens an account."""
    return _event("opened", payer, at_us)


def moved(payer: Payer, at_us: int) -> CloudEvent:
    """The message of a payer who moved house and was given more time to pay: the full new state."""
    country = str(payer.content["country"])
    content = {**payer.content, "address": _address(country, 1), "payment_terms_days": 30}
    return _event("changed", payer._replace(content=content), at_us)


def newcomer(number: int, rng: Random) -> Payer:
    """A payer of one session only, whom the fault injection makes known late."""
    payer = _payer(number, _PER_SESSION, rng)
    return payer._replace(account_id=f"ACC-NEW-{number:06d}", token_uid=f"09{number:08d}")


def _event(verb: str, payer: Payer, at_us: int) -> CloudEvent:
    type_ = f"ev.account.{verb}.v1"
    message_id = f"{payer.account_id}-{verb}-{at_us}"
    return CloudEvent(ACCOUNTS_TOPIC, type_, payer.account_id, SOURCE, message_id, at_us, payer.content)


def _payer(number: int, kind: Kind, rng: Random) -> Payer:
    token_uid = f"04{number:08d}"
    content = _person(number, rng) if kind.kind == "CONSUMER" else _company(number, kind, rng)
    country = str(content["country"])
    terms = {
        "kind": kind.kind,
        "currency": "EUR",
        "billing": kind.billing,
        "time_zone": _TIME_ZONES[country],
        "language": _LANGUAGES[country],
        "payment_terms_days": 14,
        "tokens": [token_uid],
    }
    return Payer(f"ACC-{number:05d}", token_uid, {**content, **terms}, kind.weight)


def _person(number: int, rng: Random) -> dict[str, object]:
    country = rng.choice(("NL", "NL", "DE", "BE"))
    return {
        "name": f"{rng.choice(_FIRST_NAMES)} {rng.choice(_LAST_NAMES)}",
        "country": country,
        "email": f"driver{number}@mail.example",
        "address": _address(country, rng.randrange(2)),
    }


def _company(number: int, kind: Kind, rng: Random) -> dict[str, object]:
    country = rng.choice(("NL", "DE", "BE"))
    content: dict[str, object] = {
        "name": f"{rng.choice(_COMPANIES)} {number}",
        "country": country,
        "vat_id": _vat_id(country, number),
        "email": f"invoices@fleet{number}.example",
        "address": _address(country, rng.randrange(2)),
    }
    if kind.is_sub_account:
        # The fleet stands right before its department in the mix.
        content |= {"parent_account_id": f"ACC-{number - 1:05d}", "cost_centre": f"CC-{number}"}
    return content


def _address(country: str, town: int) -> dict[str, str]:
    line1, postcode, city = _TOWNS[country][town]
    return {"line1": line1, "postcode": postcode, "city": city, "country": country}


def _vat_id(country: str, number: int) -> str:
    """A VAT id with the check digits of its country, of nobody in particular."""
    return {"NL": _vat_id_nl, "DE": _vat_id_de, "BE": _vat_id_be}[country](number)


def _vat_id_nl(number: int) -> str:
    digits = 10_000_000 + 10 * number
    while (check := _weighted_nl(digits)) == 10:
        digits += 1
    return f"NL{digits:08d}{check}B01"


def _weighted_nl(digits: int) -> int:
    return sum(int(digit) * weight for digit, weight in zip(f"{digits:08d}", range(9, 1, -1), strict=True)) % 11


def _vat_id_de(number: int) -> str:
    """ISO 7064, MOD 11,10."""
    digits = f"{10_000_000 + number:08d}"
    product = 10
    for digit in digits:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return f"DE{digits}{(11 - product) % 10}"


def _vat_id_be(number: int) -> str:
    digits = 4_000_000 + number
    return f"BE0{digits:07d}{97 - digits % 97:02d}"
