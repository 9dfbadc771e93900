"""The fields that OCPI requires of a CDR, and how long they may be: what is missing or too long is named.

Source: OCPI 2.2.1 and 2.3.0, modules CDRs, Tariffs and types. Fields of the two versions that differ only by name
stand in `_PRICE`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from ledger.cdr.version import OcpiVersion


class Field(NamedTuple):
    """A field of an object: its longest text, its own fields where it is an object, whether it is a list."""

    name: str
    is_required: bool = True
    length_max: int | None = None
    fields: "tuple[Field, ...]" = ()
    is_list: bool = False
    choices: tuple[str, ...] = ()


ID_LENGTH_MAX: Final = 36
CDR_ID_LENGTH_MAX: Final = 36
CREDIT_ID_LENGTH_MAX: Final = 39
_COUNTRY: Final = Field("country_code", length_max=2)
_PARTY: Final = Field("party_id", length_max=3)

_AUTH_METHODS: Final = ("AUTH_REQUEST", "COMMAND", "WHITELIST")
_TOKEN: Final = (
    _COUNTRY,
    _PARTY,
    Field("uid", length_max=ID_LENGTH_MAX),
    Field("type", choices=("AD_HOC_USER", "APP_USER", "EMAID", "OTHER", "RFID")),
    Field("contract_id", length_max=ID_LENGTH_MAX),
)
_LOCATION: Final = (
    Field("id", length_max=ID_LENGTH_MAX),
    Field("name", is_required=False, length_max=255),
    Field("address", length_max=45),
    Field("city", length_max=45),
    Field("postal_code", is_required=False, length_max=10),
    Field("state", is_required=False, length_max=20),
    Field("country", length_max=3),
    Field("coordinates", fields=(Field("latitude", length_max=10), Field("longitude", length_max=11))),
    Field("evse_uid", length_max=ID_LENGTH_MAX),
    Field("evse_id", length_max=48),
    Field("connector_id", length_max=ID_LENGTH_MAX),
    Field("connector_standard"),
    Field("connector_format", choices=("SOCKET", "CABLE")),
    Field(
        "connector_power_type",
        choices=("AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"),
    ),
)
_PRICE: Final = {
    OcpiVersion.V2_2_1: (Field("excl_vat"),),
    OcpiVersion.V2_3_0: (Field("before_taxes"),),
}
_ELEMENT: Final = (Field("price_components", is_list=True, fields=(Field("type"), Field("price"), Field("step_size"))),)
_SIGNED: Final = (
    Field("encoding_method", length_max=36),
    Field("public_key", is_required=False, length_max=512),
    Field(
        "signed_values",
        is_list=True,
        fields=(
            Field("nature", length_max=32),
            Field("plain_data", length_max=512),
            Field("signed_data", length_max=5_000),
        ),
    ),
)


def _tariff(version: OcpiVersion) -> tuple[Field, ...]:
    return (
        _COUNTRY,
        _PARTY,
        Field("id", length_max=ID_LENGTH_MAX),
        Field("currency", length_max=3),
        Field("min_price", is_required=False, fields=_PRICE[version]),
        Field("max_price", is_required=False, fields=_PRICE[version]),
        Field("elements", is_list=True, fields=_ELEMENT),
        Field("tax_included", is_required=version is OcpiVersion.V2_3_0, choices=("YES", "NO", "N/A")),
        Field("last_updated"),
    )


def _cdr(version: OcpiVersion) -> tuple[Field, ...]:
    price = _PRICE[version]
    return (
        _COUNTRY,
        _PARTY,
        Field("id", length_max=CDR_ID_LENGTH_MAX),
        Field("session_id", is_required=False, length_max=ID_LENGTH_MAX),
        Field("cdr_token", fields=_TOKEN),
        Field("auth_method", choices=_AUTH_METHODS),
        Field("cdr_location", fields=_LOCATION),
        Field("meter_id", is_required=False, length_max=255),
        Field("currency", length_max=3),
        Field("tariffs", is_list=True, fields=_tariff(version)),
        Field(
            "charging_periods", is_list=True, fields=(Field("tariff_id", is_required=False, length_max=ID_LENGTH_MAX),)
        ),
        Field("signed_data", is_required=False, fields=_SIGNED),
        Field("total_cost", fields=price),
        Field("total_energy"),
        Field("total_time"),
        Field("last_updated"),
    )


_CDR: Final = {version: _cdr(version) for version in OcpiVersion}


def faults(cdr: Mapping[str, Any], version: OcpiVersion) -> list[str]:
    """What keeps a CDR from being valid OCPI, such as "cdr_location.city is missing"; empty for a valid one."""
    return list(_faults(cdr, _CDR[version], ""))


def _faults(content: Mapping[str, Any], fields: tuple[Field, ...], path: str) -> Iterator[str]:
    for field in fields:
        value, name = content.get(field.name), path + field.name
        if value is None or value in ("", [], {}):
            if field.is_required:
                yield f"{name} is missing"
        elif field.is_list:
            yield from _faults_of_list(value, field, name)
        else:
            yield from _faults_of_value(value, field, name)


def _faults_of_list(values: list[Any], field: Field, name: str) -> Iterator[str]:
    """Of a list, only the first item with faults: hundreds of periods would say the same."""
    for place, value in enumerate(values):
        found = list(_faults_of_value(value, field, f"{name}[{place}]"))
        if found:
            yield from found
            return


def _faults_of_value(value: Any, field: Field, name: str) -> Iterator[str]:
    if field.fields:
        if isinstance(value, Mapping):
            yield from _faults(value, field.fields, f"{name}.")
        else:
            yield f"{name} is not an object"
    elif field.choices and value not in field.choices:
        yield f"{name} {str(value)[:40]!r} is none of {', '.join(field.choices)}"
    elif field.length_max is not None and not isinstance(value, str):
        yield f"{name} is not a text"
    elif field.length_max is not None and len(value) > field.length_max:
        yield f"{name} has {len(value)} characters, OCPI takes {field.length_max}"
