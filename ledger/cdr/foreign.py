"""The CDRs of others: which tariff, which zone, which totals they claim."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple, NoReturn

from ledger.cdr.tariffs import CdrTariffs
from ledger.cdr.totals import PARTIAL_COSTS, QUANTITIES, TOTAL_COST, Side
from ledger.tariff.cdr import CdrError, cdr_time_zone
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.json_fields import Fields
from ledger.tariff.parse import TariffError
from ledger.values.money import UnknownCurrencyError, exponent

# 10**12 of any unit is no charging session, and twelve decimals are what our own results show.
_MAX_TOTAL: Final = 999_999_999_999
_DECIMALS: Final = 12


class Claim(NamedTuple):
    """A total of a CDR: its name, such as "total_cost.excl_vat", and the number as written; no side: a quantity."""

    total: str
    side: Side | None
    name: str
    value: Decimal

    @property
    def is_cost(self) -> bool:
        """Whether it is an amount, not a quantity."""
        return self.side is not None


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
    claims = (*_quantities(fields), *_costs(fields))
    if not any(claim.total == TOTAL_COST for claim in claims):
        fields.refuse(TOTAL_COST, "is missing")
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
            yield Claim(name, None, name, value)


def _costs(fields: Fields) -> Iterator[Claim]:
    for name in (TOTAL_COST, *PARTIAL_COSTS):
        price = fields.object(name)
        if price is not None:
            yield from _sides(name, price)


def _sides(total: str, price: Fields) -> Iterator[Claim]:
    """2.2.1 writes both sides, 2.3.0 the one before tax and the taxes."""
    before = _amount(price, "before_taxes")
    if before is not None:
        yield Claim(total, Side.EXCL, f"{total}.before_taxes", before)
        taxes = [_tax(tax) for tax in price.objects("taxes")]
        if taxes:
            yield Claim(total, Side.INCL, f"{total}.before_taxes + taxes", sum(taxes, before))
        return
    for name, side in (("excl_vat", Side.EXCL), ("incl_vat", Side.INCL)):
        amount = _amount(price, name)
        if amount is not None:
            yield Claim(total, side, f"{total}.{name}", amount)


def _tax(tax: Fields) -> Decimal:
    amount = _amount(tax, "amount")
    if amount is None:
        tax.refuse("amount", "is missing")
    return amount


def _amount(fields: Fields, name: str) -> Decimal | None:
    """An amount may be negative: in Credit CDRs, and where energy has a negative price."""
    value = fields.value(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        fields.refuse(name, "is not a number")
    amount = Decimal(value)
    if abs(amount) > _MAX_TOTAL:
        fields.refuse(name, f"{amount} is outside of -{_MAX_TOTAL} to {_MAX_TOTAL}")
    return amount
