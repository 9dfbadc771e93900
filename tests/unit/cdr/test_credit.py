"""Credit CDRs: all data of the original, and only its cost negated."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ledger.cdr.credit import credit_cdr
from tests.unit.cdr.building import Json, cdr_of, ended, rated
from tests.unit.tariff.build import component, element, tariff

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
CHANGED = {"id", "credit", "credit_reference_id", "total_cost", "last_updated"}


def original(version: str = "2.2.1") -> Json:
    content = tariff(element(component("ENERGY", "0.30", "21"), component("FLAT", "1", "6")))
    return cdr_of(rated(content, ended(60, "10")), version).content


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_a_credit_cdr_is_the_original_with_its_cost_negated(version: str) -> None:
    cdr = original(version)
    credit = credit_cdr(cdr, AT)
    assert {name for name in credit if credit[name] != cdr.get(name)} == CHANGED
    assert (credit["id"], credit["credit"], credit["credit_reference_id"]) == ("S-1-C", True, "S-1")
    assert credit["last_updated"] == "2026-11-01T12:00:00Z"


def test_both_sides_of_tax_are_negated() -> None:
    assert credit_cdr(original(), AT)["total_cost"] == {"excl_vat": Decimal("-4.00"), "incl_vat": Decimal("-4.69")}


def test_of_a_tax_the_amount_is_negated_and_the_percentage_is_not() -> None:
    price = credit_cdr(original("2.3.0"), AT)["total_cost"]
    assert price["before_taxes"] == Decimal("-4.00")
    assert [(tax["percentage"], tax["amount"]) for tax in price["taxes"]] == [
        (Decimal(6), Decimal("-0.06")),
        (Decimal(21), Decimal("-0.63")),
    ]


def test_nothing_has_no_sign() -> None:
    cdr = {"id": "S", "total_cost": {"excl_vat": Decimal("0.00")}}
    assert str(credit_cdr(cdr, AT)["total_cost"]["excl_vat"]) == "0.00"


def test_a_credit_cdr_cannot_be_credited() -> None:
    with pytest.raises(ValueError, match="S-1-C is a Credit CDR"):
        credit_cdr(credit_cdr(original(), AT), AT)


def test_the_longest_id_of_a_cdr_leaves_room_for_the_suffix() -> None:
    assert len(credit_cdr({"id": "S" * 36, "total_cost": {}}, AT)["id"]) == 38
    with pytest.raises(ValueError, match="longer than the 39 characters"):
        credit_cdr({"id": "S" * 38, "total_cost": {}}, AT)
