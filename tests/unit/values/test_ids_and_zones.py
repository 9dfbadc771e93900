import pytest

from ledger.values.country_zones import zone_of_country
from ledger.values.ids import stream_id
from ledger.values.zones import UnknownTimeZoneError, time_zone


def test_the_same_key_is_the_same_stream() -> None:
    assert stream_id("default", "session", "S-1") == stream_id("default", "session", "S-1")


def test_keys_that_only_look_alike_are_different_streams() -> None:
    keys = [("a", "b", "c"), ("a", "b,c"), ("a", "bc"), ("ab", "c"), ("a", "b", "c", ""), ('a","b', "c")]
    assert len({stream_id(*key) for key in keys}) == len(keys)


def test_a_stream_keeps_its_identity_for_ever() -> None:
    assert str(stream_id("default", "session", "S-1")) == "511ffe9f-f622-5381-b472-36fe7df961fb"


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../etc/passwd", "/etc/localtime", "Europe", "CET ", "x\0y"])
def test_a_name_that_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError):
        time_zone(name)


def test_a_zone_knows_its_name() -> None:
    assert time_zone("Europe/Amsterdam").key == "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("country", "zone"),
    [
        ("NLD", "Europe/Amsterdam"),
        ("NL", "Europe/Amsterdam"),
        ("DEU", "Europe/Berlin"),
        ("BEL", "Europe/Brussels"),
        ("ESP", None),
        ("USA", None),
        ("XXX", None),
        ("", None),
    ],
)
def test_a_country_with_one_zone_tells_it(country: str, zone: str | None) -> None:
    assert zone_of_country(country) == zone
