"""The tariff of a session as the Tariff object of its CDR."""

from datetime import datetime
from typing import Any, Final

from ledger.cdr.decimals import instant_text
from ledger.cdr.party import Party
from ledger.cdr.version import OcpiVersion
from ledger.tariff.model import TaxIncluded
from ledger.values.time import to_us

# What chooses a tariff is no business of a partner.
_OURS: Final = frozenset({"valid_for", "priority"})
_BOUND_NAMES: Final = {
    OcpiVersion.V2_2_1: {"before_taxes": "excl_vat", "after_taxes": "incl_vat"},
    OcpiVersion.V2_3_0: {"excl_vat": "before_taxes", "incl_vat": "after_taxes"},
}


def cdr_tariff(
    content: dict[str, Any], tariff_id: str, party: Party, published_at: datetime, version: OcpiVersion
) -> dict[str, Any]:
    """The published object with the fields that OCPI requires and a publisher may leave out, in a version's names."""
    given = {name: value for name, value in content.items() if name not in _OURS}
    required = {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "last_updated": instant_text(to_us(published_at)),
    }
    tariff = {**{name: value for name, value in required.items() if value is not None}, **given, "id": tariff_id}
    tariff["elements"] = [_with_steps(element) for element in content["elements"]]
    for name in ("min_price", "max_price"):
        if tariff.get(name) is not None:
            tariff[name] = {_BOUND_NAMES[version].get(side, side): amount for side, amount in tariff[name].items()}
    return _with_tax(tariff, version)


def _with_steps(element: dict[str, Any]) -> dict[str, Any]:
    """A component without `step_size` rounds as 1 does, and OCPI requires the field."""
    components = [{"step_size": 1, **_known(component)} for component in element["price_components"]]
    return {**element, "price_components": components}


def _known(component: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in component.items() if value is not None}


def _with_tax(tariff: dict[str, Any], version: OcpiVersion) -> dict[str, Any]:
    """2.3.0 always says whether prices include tax. 2.2.1 knows only prices before tax: NO is understood there."""
    if version is OcpiVersion.V2_3_0:
        return {**tariff, "tax_included": tariff.get("tax_included") or TaxIncluded.NO}
    match tariff.get("tax_included"):
        case TaxIncluded.NO | None:
            return _without(tariff, "tax_included")
        case TaxIncluded.NOT_APPLICABLE:
            return _untaxed(_without(tariff, "tax_included"))
    return tariff


def _untaxed(tariff: dict[str, Any]) -> dict[str, Any]:
    """Where no tax applies, rates mean nothing and a bound after tax is one before it: 2.2.1 says so by naming none."""
    for name in ("min_price", "max_price"):
        if tariff.get(name) is not None:
            sides = tariff[name]
            tariff[name] = {"excl_vat": sides["incl_vat"] if sides.get("excl_vat") is None else sides["excl_vat"]}
    tariff["elements"] = [
        {**element, "price_components": [_without(component, "vat") for component in element["price_components"]]}
        for element in tariff["elements"]
    ]
    return tariff


def _without(content: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != key}
