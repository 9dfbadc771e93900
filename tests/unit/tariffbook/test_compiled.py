"""Which sessions share a compiled tariff."""

import msgspec

from ledger.tariffbook.compiled import CompiledTariffs
from tests.building import to_json

CONTENT = {
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 1}]}],
    "ev_extensions": {
        "discounts": [{"dimension": "ENERGY", "percent": 10, "groups": ["GOLD"]}],
        "mark_up": {"percent": 5, "groups": ["ROAMING"]},
    },
}
TEXT = msgspec.Raw(to_json(CONTENT))


def test_payers_share_a_tariff_that_does_not_tell_their_groups_apart() -> None:
    tariffs = CompiledTariffs()
    plain = tariffs.of("hash", TEXT, "Europe/Berlin")
    assert tariffs.of("hash", TEXT, "Europe/Berlin", ("SILVER",)) is plain
    gold = tariffs.of("hash", TEXT, "Europe/Berlin", ("GOLD", "SILVER"))
    assert gold is tariffs.of("hash", TEXT, "Europe/Berlin", ("GOLD",))
    assert (plain.groups, gold.groups) == (frozenset(), {"GOLD"})


def test_groups_of_discounts_and_of_the_mark_up_count() -> None:
    compiled = CompiledTariffs().of("hash", TEXT, "Europe/Berlin", ("ROAMING", "GOLD"))
    assert compiled.groups == {"ROAMING", "GOLD"}
    assert compiled.mark_up is not None


def test_a_tariff_is_compiled_for_each_zone() -> None:
    tariffs = CompiledTariffs()
    assert tariffs.of("hash", TEXT, "Europe/Berlin") is not tariffs.of("hash", TEXT, "Europe/London")
