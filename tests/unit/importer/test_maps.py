"""A wrong map is one line that names the file and the key."""

from pathlib import Path

import pytest

from evledger.importer import MapError, import_file
from evledger.importer.mapping import MAX_MAP_BYTES, load_map
from evledger.importer.session_messages import load_tariff
from tests.unit.importer.files import GOOD, TARIFF, write_csv, write_map

EXAMPLES = Path(__file__).parents[3] / "examples" / "import"

WRONG: list[tuple[str, str, str]] = [
    ('name = "old"', "", "name: is missing"),
    ('name = "old"', 'name = "old sessions"', "name: String should match pattern"),
    ('name = "old"', 'name = "old"\ncolour = "red"', "colour: unknown key"),
    ('unit = "kWh"', 'unit = "MWh"', "energy.unit: Input should be 'kWh' or 'Wh'"),
    ('zone = "Europe/London"', 'zone = "Europe/Londen"', "time.zone: 'Europe/Londen' is no IANA time zone"),
    ('zone = "Europe/London"', 'zone = "../etc/passwd"', "time.zone: '../etc/passwd' is no IANA time zone"),
    ('format = "%Y-%m-%d %H:%M"', 'format = "%Y-%m-%d"', "start.format: '%Y-%m-%d' does not carry"),
    ('format = "%Y-%m-%d %H:%M"', 'format = "%Q"', "start.format: '%Q' does not carry"),
    ('column = "Start"', 'column = "Start"\ndate = "Day"', "start: give column, or date and time, not both"),
    ('column = "Start"', 'date = "Day"', "start: give column, or date and time"),
    ('station = { column = "Station" }', "", "session.station: is missing"),
    ('station = { column = "Station" }', "station = {}", "session.station: give either column or value"),
    (
        'station = { column = "Station" }',
        'station = { value = "S", values = { a = "b" } }',
        "session.station: values translates a column",
    ),
    ("2018-01-01T00:00:00Z", "2018-01-01T00:00:00", "tariff.published_at: Input should have timezone"),
    ("2018-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "tariff.published_at: must be in the years 2000 to 2100"),
    ('billing = "MONTHLY"', 'billing = "YEARLY"', "account.billing: Input should be 'PER_SESSION'"),
    ('currency = "GBP"', 'currency = "EUR"', "account.currency: the tariff's is 'GBP'"),
    ('file = "tariff.json"', 'file = "none.json"', "none.json cannot be read: No such file"),
    ("[energy]", "[energy", "is no TOML"),
]


@pytest.mark.parametrize(("before", "after", "told"), WRONG)
def test_a_wrong_map_names_the_key(before: str, after: str, told: str, tmp_path: Path) -> None:
    map_path = write_map(tmp_path, {before: after})
    with pytest.raises(MapError) as error:
        import_file(write_csv(tmp_path, GOOD), map_path)
    assert told in str(error.value)
    assert str(map_path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("tariff", "told"),
    [
        ("{", "tariff.file"),
        ("[]", "is no OCPI Tariff object with an id"),
        ('{"currency": "GBP"}', "is no OCPI Tariff object with an id"),
        (TARIFF.replace("0.30", "NaN"), "NaN is no JSON number"),
        (TARIFF.replace("T-1", "x" * 250_000), "is no OCPI Tariff object with an id"),
    ],
)
def test_a_wrong_tariff_is_named(tariff: str, told: str, tmp_path: Path) -> None:
    map_path = write_map(tmp_path)
    (tmp_path / "tariff.json").write_text(tariff)
    with pytest.raises(MapError, match=r"tariff\.json") as error:
        import_file(write_csv(tmp_path, GOOD), map_path)
    assert told in str(error.value)


def test_maps_that_are_no_text_or_too_large_or_not_there(tmp_path: Path) -> None:
    for content, told in ((b"\xff", "is not UTF-8"), (b"#" * (MAX_MAP_BYTES + 1), "is larger than")):
        path = tmp_path / "m.toml"
        path.write_bytes(content)
        with pytest.raises(MapError, match=told):
            load_map(path)
    with pytest.raises(MapError, match="cannot be read"):
        load_map(tmp_path / "none.toml")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_maps_that_we_ship_are_valid(path: Path) -> None:
    session_map = load_map(path)
    tariff = load_tariff(session_map, path)
    vat = {component["vat"] for e in tariff["elements"] for component in e["price_components"]}
    assert len(vat) == 1
    assert session_map.country == session_map.account.country == tariff["country_code"]


def test_three_maps_are_shipped() -> None:
    assert len(list(EXAMPLES.glob("*.toml"))) == 3
