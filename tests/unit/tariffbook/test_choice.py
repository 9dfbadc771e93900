"""Which tariff a start gets that names none: every rule of the choice, from published messages."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.tariff.compiled import compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.tariffbook.catalogue import Catalogue
from ledger.tariffbook.choice import ChargeStart, Choice, Offer, choose, offer_of
from ledger.values.canonical import read_json_decimals
from ledger.values.time import to_us
from tests.building import fact_of, minute, tariff

GOLD_AT_LOC1 = ChargeStart("LOC1", "E1", "DC", ("GOLD",), to_us(minute(0)))
GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "tariffs").glob("**/tariff*.json"))
EVERYWHERE: dict[str, Any] = {}


def offers(tariff_id: str, *versions: dict[str, Any], minutes: tuple[int, ...] = (-10, -9, -8)) -> list[Offer]:
    """The versions of one tariff, each with these fields of its own."""
    published = zip(versions or (EVERYWHERE,), minutes, strict=False)
    return [
        offer_of(fact_of(tariff(tariff_id, minutes=at, **fields)), number)
        for number, (fields, at) in enumerate(published, 1)
    ]


def valid_for(**keys: list[str]) -> dict[str, Any]:
    return {"valid_for": keys}


def chosen(*tariffs: list[Offer], start: ChargeStart = GOLD_AT_LOC1) -> str | None:
    choice = choose(tariffs, start)
    return None if choice is None else choice.offer.tariff_id


@pytest.mark.parametrize("key", ["location_ids", "evse_uids", "groups", "power_types"])
def test_a_key_fits_where_it_names_the_start_s_own(key: str) -> None:
    own = {"location_ids": "LOC1", "evse_uids": "E1", "groups": "GOLD", "power_types": "DC"}[key]
    assert chosen(offers("T", valid_for(**{key: ["other", own]}))) == "T"
    assert chosen(offers("T", valid_for(**{key: ["other"]}))) is None
    assert chosen(offers("T", valid_for(**{key: []}))) is None


def test_of_several_keys_all_must_fit() -> None:
    assert chosen(offers("T", valid_for(location_ids=["LOC1"], groups=["GOLD"]))) == "T"
    assert chosen(offers("T", valid_for(location_ids=["LOC1"], groups=["SILVER"]))) is None


def test_an_absent_key_excludes_nothing() -> None:
    assert chosen(offers("T")) == "T"
    assert chosen(offers("T", {"valid_for": None})) == "T"
    assert chosen(offers("T", valid_for())) == "T"


def test_a_start_without_a_power_type_fits_no_tariff_that_asks_for_one() -> None:
    assert chosen(offers("T", valid_for(power_types=["DC"])), start=GOLD_AT_LOC1._replace(power_type=None)) is None


def test_the_higher_priority_wins_and_at_a_tie_the_greater_id() -> None:
    low, high = offers("Z", {"priority": 1}), offers("A", {"priority": 2})
    assert chosen(low, high) == chosen(high, low) == "A"
    assert chosen(offers("A"), offers("B")) == chosen(offers("B"), offers("A")) == "B"
    assert chosen(offers("A", {"priority": -1}), offers("B", {"priority": -2})) == "A"


@pytest.mark.parametrize(
    ("dates", "fits"),
    [
        ({"start_date_time": "2026-11-02T08:00:00Z"}, True),
        ({"start_date_time": "2026-11-02T08:00:01Z"}, False),
        ({"end_date_time": "2026-11-02T08:00:00"}, False),
        ({"end_date_time": "2026-11-02T08:00:01"}, True),
        ({"start_date_time": "2026-11-01T00:00:00Z", "end_date_time": "2026-11-03T00:00:00Z"}, True),
    ],
)
def test_a_tariff_is_chosen_from_its_start_date_until_before_its_end_date(dates: dict[str, str], fits: bool) -> None:
    assert (chosen(offers("T", dates)) == "T") is fits


def test_the_version_in_force_is_the_one_that_is_asked() -> None:
    """A version that does not fit does not fall back on the one before it."""
    here, elsewhere = valid_for(location_ids=["LOC1"]), valid_for(location_ids=["LOC2"])
    assert chosen(offers("T", here, elsewhere)) is None
    assert chosen(offers("T", elsewhere, here)) == "T"
    assert chosen(offers("T", here, elsewhere, minutes=(-10, 1))) == "T"


def test_a_tariff_that_begins_later_is_no_candidate() -> None:
    assert chosen(offers("T", minutes=(1,))) is None
    assert chosen(offers("T", minutes=(0,))) == "T"


def test_the_choice_says_what_fitted_and_how_many_were_passed_over() -> None:
    best = offers(
        "T", {**valid_for(location_ids=["LOC1"], groups=["GOLD"]), "priority": 5}, {"priority": 5}, minutes=(-10, 1)
    )
    choice = choose([offers("A"), best, offers("B"), offers("C", valid_for(groups=["SILVER"]))], GOLD_AT_LOC1)
    assert choice == Choice(best[0], ("location_ids", "groups"), 2)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_an_offer_says_what_rating_reads(path: Path) -> None:
    """The outline and the whole tariff are read by two readers, which must agree."""
    text = path.read_bytes()
    parsed = parse_tariff(read_json_decimals(text))
    published = msgspec.structs.replace(fact_of(tariff("T")), tariff=msgspec.Raw(text))
    offer = offer_of(published, 1)
    assert (offer.valid_for, offer.priority) == (parsed.valid_for, parsed.priority)
    assert (offer.from_us, offer.until_us) == (parsed.valid_from_us, parsed.valid_until_us)
    assert offer.series == compile_tariff(parsed, "UTC").series


def test_the_catalogue_knows_tariffs_by_tenant_and_place() -> None:
    catalogue = Catalogue()
    for position, (tariff_id, locations) in enumerate([("A", None), ("B", ["LOC1"]), ("C", ["LOC2"])], 1):
        fields = {} if locations is None else valid_for(location_ids=locations)
        catalogue.publish(position, 1, fact_of(tariff(tariff_id, **fields)))
    assert sorted(versions[0].tariff_id for versions in catalogue.versions("default", "LOC1")) == ["A", "B"]
    assert list(catalogue.versions("other", "LOC1")) == []
    assert catalogue.position == 3


def test_too_large_a_catalogue_is_forgotten_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.tariffbook.catalogue.OFFERS_MAX", 1)
    catalogue = Catalogue()
    catalogue.publish(7, 1, fact_of(tariff("A")))
    catalogue.trim()
    assert catalogue.position == 7
    catalogue.publish(8, 2, fact_of(tariff("A")))
    catalogue.trim()
    assert (catalogue.position, list(catalogue.versions("default", "LOC1"))) == (0, [])
