"""The CDRs of others: which tariff, which zone, which totals they claim."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple, NoReturn

from ledger.cdr.tariffs import CdrTariffs
from ledger.tariff.cdr import CdrError, cdr_time_zone
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.json_fields import Fields
from ledger.tariff.parse import TariffError
from ledger.values.money import UnknownCurrencyError, exponent

COSTS: Final = (
    "total_cost",
    "total_fixed_cost",
    "total_energy_cost",
    "total_time_cost",
    "total_parking_cost",
    "total_reservation_cost",
)
QUANTITIES: Final = ("total_energy", "total_time", "total_parking_time")
# 10**12 of any unit is no charging session, and twelve decimals are what our own results show.
_MAX_TOTAL: Final = 999_999_999_999
_DECIMALS: Final = 12


class Claim(NamedTuple):
    """A total of a CDR: its name, such as "total_cost.excl_vat", and the number as written.

    `side` is EXCL or INCL for amounts, "" for quantities.
    """

    total: str
    side: str
    name: str
    value: Decimal


EXCL: Final = "EXCL"
INCL: Final = "INCL"


class ForeignCdr(NamedTuple):
    """A CDR with the tariff that prices it."""

    content: dict[str, Any]
    cdr_id: str
    compiled: CompiledTariff
    claims: tuple[Claim, ...]
    is_credit: bool


def read_foreign(
    content: object, tariffs: CdrTariffs, tariff_given: object = None, time_zone_given: str | None = None
) -> ForeignCdr:
    """A CDR of another party. CdrError, TariffError or UnknownTimeZoneError, each with a JSON path.

    `tariff_given` prices the CDR in place of its own tariffs.
    """
    fields = Fields(content, "$", CdrError)
    _check_currency(fields)
    claims = (*_quantities(fields), *_costs(fields, content))
    if not any(claim.total == "total_cost" for claim in claims):
        fields.refuse("total_cost", "is missing")
    zone = cdr_time_zone(content, time_zone_given)
    compiled = _own_tariff(fields, tariffs, zone) if tariff_given is None else tariffs.of(tariff_given, zone)
    content = content if isinstance(content, dict) else {}
    return ForeignCdr(content, fields.text("id") or "", compiled, claims, content.get("credit") is True)


def _check_currency(fields: Fields) -> None:
    currency = fields.text("currency")
    if currency is None:
        fields.refuse("currency", "is missing")
    try:
        exponent(currency)
    except UnknownCurrencyError as error:
        fields.refuse("currency", str(error))


def _own_tariff(fields: Fields, tariffs: CdrTariffs, zone: str) -> CompiledTariff:
    contents = fields.items("tariffs")
    if not contents:
        fields.refuse("tariffs", "is missing: the tariff must be given")
    place = _place_of_tariff(fields, contents)
    try:
        return tariffs.of(contents[place], zone)
    except TariffError as error:
        problem = str(error).removeprefix(f"{error.path}: ")
        raise TariffError(f"$.tariffs[{place}]{error.path[1:]}", problem) from None


def _place_of_tariff(fields: Fields, contents: list[Any]) -> int:
    """The tariff that the periods name. A period that names none takes the CDR's only one."""
    ids = [_tariff_id(tariff) for tariff in contents]
    chosen: int | None = None
    for period in fields.objects("charging_periods"):
        tariff_id = period.text("tariff_id")
        place = _place(period, ids, tariff_id)
        if chosen is not None and place != chosen:
            period.refuse("tariff_id", f"{tariff_id!r} is another tariff than before: one tariff prices a session")
        chosen = place
    return chosen or 0


def _place(period: Fields, ids: list[str | None], tariff_id: str | None) -> int:
    if tariff_id is None:
        if len(ids) > 1:
            period.refuse("tariff_id", f"is missing, and the CDR has {len(ids)} tariffs")
        return 0
    if tariff_id.lower() in ids:
        return ids.index(tariff_id.lower())
    if ids == [None]:
        return 0
    return _refuse_unknown(period, tariff_id)


def _refuse_unknown(period: Fields, tariff_id: str) -> NoReturn:
    period.refuse("tariff_id", f"{tariff_id[:40]!r} is none of the CDR's tariffs")


def _tariff_id(tariff: object) -> str | None:
    """Ids are compared without regard to case (OCPI CiString)."""
    tariff_id = tariff.get("id") if isinstance(tariff, dict) else None
    return tariff_id.lower() if isinstance(tariff_id, str) else None


def _quantities(fields: Fields) -> Iterator[Claim]:
    for name in QUANTITIES:
        value = fields.number(name, _MAX_TOTAL, _DECIMALS)
        if value is not None:
            yield Claim(name, "", name, value)


def _costs(fields: Fields, content: Any) -> Iterator[Claim]:
    for name in COSTS:
        if fields.object(name) is not None:
            yield from _sides(name, content[name])


def _sides(total: str, price: dict[str, Any]) -> Iterator[Claim]:
    """2.2.1 writes both sides, 2.3.0 the one before tax and the taxes."""
    before = _amount(total, price, "before_taxes")
    if before is None:
        for name, side in (("excl_vat", EXCL), ("incl_vat", INCL)):
            amount = _amount(total, price, name)
            if amount is not None:
                yield Claim(total, side, f"{total}.{name}", amount)
        return
    yield Claim(total, EXCL, f"{total}.before_taxes", before)
    taxes = list(_taxes(total, Fields(price, f"$.{total}", CdrError)))
    if taxes:
        yield Claim(total, INCL, f"{total}.before_taxes + taxes", sum(taxes, before))


def _taxes(total: str, price: Fields) -> Iterator[Decimal]:
    for place, tax in enumerate(price.items("taxes")):
        path = f"{total}.taxes[{place}]"
        if not isinstance(tax, dict):
            raise CdrError(f"$.{path}", "is not an object")
        amount = _amount(path, tax, "amount")
        if amount is None:
            raise CdrError(f"$.{path}.amount", "is missing")
        yield amount


def _amount(path: str, price: dict[str, Any], name: str) -> Decimal | None:
    """An amount may be negative: in Credit CDRs, and where energy has a negative price."""
    value = price.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise CdrError(f"$.{path}.{name}", "is not a number")
    amount = Decimal(value)
    if abs(amount) > _MAX_TOTAL:
        raise CdrError(f"$.{path}.{name}", f"{amount} is outside of -{_MAX_TOTAL} to {_MAX_TOTAL}")
    return amount
