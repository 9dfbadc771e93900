"""The cap of a day is stored with the cost of a session, and changes none."""

from decimal import Decimal
from typing import Any

import pytest

from ledger.session.consequences import consequences
from ledger.session.events import Cost, SessionRated
from tests.building import ENERGY, end, fact_of
from tests.unit.session.build import compiled, cost_in, given, started


def rated(**tariff: Any) -> SessionRated:
    return cost_in(consequences(given(started(), fact_of(end("S"))), compiled(ENERGY, **tariff)).facts)


def capped(**day_cap: str) -> dict[str, Any]:
    return {"ev_extensions": {"day_cap": {side: Decimal(amount) for side, amount in day_cap.items()}}}


@pytest.mark.parametrize(
    ("tariff", "stored"),
    [
        (capped(before_taxes="50", after_taxes="60"), Cost(excl_minor=5000, incl_minor=6000)),
        (capped(incl_vat="60"), Cost(incl_minor=6000)),
        (capped(excl_vat="0"), Cost(excl_minor=0)),
        ({}, None),
    ],
)
def test_the_sides_that_the_tariff_names_are_stored(tariff: dict[str, Any], stored: Cost | None) -> None:
    assert rated(**tariff).day_cap == stored


@pytest.mark.parametrize(("currency", "stored"), [("EUR", 6099), ("JPY", 60), ("BHD", 60999)])
def test_a_cap_is_whole_minor_units_rounded_down(currency: str, stored: int) -> None:
    assert rated(currency=currency, **capped(before_taxes="60.9999")).day_cap == Cost(excl_minor=stored)


def test_it_changes_no_cost() -> None:
    one = rated(**capped(before_taxes="1"))
    assert (one.amount_minor, one.lines) == (rated().amount_minor, rated().lines)
