"""The tariff of a session as the Tariff object of its CDR."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger.cdr.decimals import instant_text
from ledger.cdr.party import Party
from ledger.cdr.version import OcpiVersion
from ledger.tariff.model import TaxIncluded
from ledger.values.time import to_us

# What chooses a tariff is no business of a partner.
_OURS: Final = frozenset({"valid_for", "priority"})
_BOUNDS: Final = {"min_price": max, "max_price": min}
_BOUND_NAMES: Final = {
    OcpiVersion.V2_2_1: {"before_taxes": "excl_vat", "after_taxes": "incl_vat"},
    OcpiVersion.V2_3_0: {"excl_vat": "before_taxes", "incl_vat": "after_taxes"},
}


class Published(NamedTuple):
    """A tariff as it was published, and the groups whose member the session's payer is."""

    content: dict[str, Any]
    tariff_id: str
    published_at: datetime
    groups: Collection[str] = ()


def cdr_tariff(published: Published, party: Party, version: OcpiVersion) -> dict[str, Any]:
    """The published object with the fields that OCPI requires and a publisher may leave out, in a version's names."""
    content = published.content
    head = {"country_code": party.country_code, "party_id": party.party_id, **content, "id": published.tariff_id}
    given = {name: value for name, value in head.items() if name not in _OURS and value is not None}
    tariff = {"last_updated": instant_text(to_us(published.published_at)), **given}
    tariff["elements"] = [_with_steps(element) for element in content["elements"]]
    for name in _BOUNDS:
        if name in tariff:
            tariff[name] = {_BOUND_NAMES[version].get(side, side): amount for side, amount in tariff[name].items()}
    if "ev_extensions" in tariff:
        tariff["ev_extensions"] = _for_groups(tariff["ev_extensions"], published.groups)
    return _with_tax(tariff, version)


def _for_groups(extensions: dict[str, Any], groups: Collection[str]) -> dict[str, Any]:
    """The extensions that apply to a member of these groups, said for everybody: groups are nobody else's business.

    The cap of a day is no part of a session's cost.
    """
    discounts = [
        _without(discount, "groups") for discount in extensions.get("discounts") or () if _is_for(discount, groups)
    ]
    mark_up, session_cap = extensions.get("mark_up"), extensions.get("session_cap")
    applied = {
        "discounts": discounts,
        "mark_up": _without(mark_up, "groups") if mark_up and _is_for(mark_up, groups) else None,
        "session_cap": session_cap,
    }
    return {name: value for name, value in applied.items() if value}


def _is_for(extension: dict[str, Any], groups: Collection[str]) -> bool:
    wanted = extension.get("groups")
    return wanted is None or any(group in wanted for group in groups)


def _with_steps(element: dict[str, Any]) -> dict[str, Any]:
    """A component without `step_size` rounds as 1 does, and OCPI requires the field."""
    components = [_with_step(component) for component in element["price_components"]]
    return {**element, "price_components": components}


def _with_step(component: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in component.items() if value is not None}
    return known if "step_size" in known else {**known, "step_size": 1}


def _with_tax(tariff: dict[str, Any], version: OcpiVersion) -> dict[str, Any]:
    """2.3.0 always says whether prices include tax. 2.2.1 knows only prices before tax: NO is understood there."""
    if version is OcpiVersion.V2_3_0:
        return {**tariff, "tax_included": tariff.get("tax_included") or TaxIncluded.NO.value}
    match tariff.get("tax_included"):
        case TaxIncluded.NO | None:
            return _without(tariff, "tax_included")
        case TaxIncluded.NOT_APPLICABLE:
            return _untaxed(_without(tariff, "tax_included"))
    return tariff


def _untaxed(tariff: dict[str, Any]) -> dict[str, Any]:
    """Where no tax applies, rates mean nothing and the stricter side of a bound holds: 2.2.1 says so by naming one."""
    for name, stricter in _BOUNDS.items():
        if name in tariff:
            given = [amount for amount in tariff[name].values() if amount is not None]
            tariff[name] = {"excl_vat": stricter(given)}
    tariff["elements"] = [
        {**element, "price_components": [_without(component, "vat") for component in element["price_components"]]}
        for element in tariff["elements"]
    ]
    return tariff


def _without(content: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != key}
