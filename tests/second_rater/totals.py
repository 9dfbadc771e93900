"""From amounts to a total: tax, and the two bounds each of the least and the greatest price."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tests.second_rater.restrictions import Json

# Decimals of a currency (ISO 4217).
EXPONENTS = {"EUR": 2, "JPY": 0, "BHD": 3}
NAMES = {"excl": ("excl_vat", "before_taxes"), "incl": ("incl_vat", "after_taxes")}


class Amount(NamedTuple):
    """Part of a dimension's cost, as the tariff's price gives it."""

    dimension: str
    amount: Fraction
    vat: Decimal | int | None


@dataclass
class Category:
    """All that is taxed at one rate; a component that names none stands apart from rate 0."""

    vat: Decimal | int | None
    excl: Fraction | None

    @property
    def factor(self) -> Fraction:
        return 1 + Fraction(self.vat or 0) / 100

    @property
    def rank(self) -> tuple[Fraction, Fraction]:
        """The greatest net first, of equal ones the higher rate."""
        return self.excl or Fraction(0), Fraction(-1 if self.vat is None else self.vat)


@dataclass
class Total:
    """Exact sums; a side that is not known is None. `dimensions` are before tax, or with it where prices are."""

    excl: Fraction | None
    incl: Fraction | None
    dimensions: dict[str, Fraction] = field(default_factory=dict)
    bound: set[str] = field(default_factory=set)


def total_of(tariff: Json, amounts: list[Amount], *, with_bounds: bool = True) -> Total:
    """Sums before the bounds, then the least price, then the greatest."""
    total = taxed(tariff, amounts)
    for amount in amounts:
        total.dimensions[amount.dimension] = total.dimensions.get(amount.dimension, Fraction(0)) + amount.amount
    if with_bounds:
        for name in ("min_price", "max_price"):
            apply_bound(name, tariff, amounts, total)
    return total


def taxed(tariff: Json, amounts: list[Amount]) -> Total:
    """YES: prices are with tax. N/A: there is none. Else tax is added where a component names it."""
    plain, kind = sum((each.amount for each in amounts), Fraction(0)), tariff.get("tax_included") or "NO"
    if kind == "YES":
        known = all(each.vat is not None for each in amounts)
        return Total(sum((net_of(each, kind) for each in amounts), Fraction(0)) if known else None, plain)
    with_tax = sum((each.amount * (1 + Fraction(each.vat or 0) / 100) for each in amounts), Fraction(0))
    named = any(each.vat is not None for each in amounts) or bounds_name_a_tax(tariff)
    return Total(plain, with_tax if named and kind == "NO" else None)


def net_of(each: Amount, kind: str) -> Fraction:
    return each.amount / (1 + Fraction(each.vat or 0) / 100) if kind == "YES" else each.amount


def bounds_name_a_tax(tariff: Json) -> bool:
    return any(side(tariff, name, "incl") is not None for name in ("min_price", "max_price"))


def side(tariff: Json, name: str, which: str) -> Fraction | None:
    """One side of a bound under the names of either version."""
    given = [(tariff.get(name) or {}).get(spelt) for spelt in NAMES[which]]
    return next((Fraction(each) for each in given if each is not None), None)


def apply_bound(name: str, tariff: Json, amounts: list[Amount], total: Total) -> None:
    """Each side has its own bound; a side without one moves with the other."""
    excl_limit, incl_limit = side(tariff, name, "excl"), side(tariff, name, "incl")
    if tariff.get("tax_included") == "N/A":
        given = [each for each in (excl_limit, incl_limit) if each is not None]
        excl_limit, incl_limit = (max if name == "min_price" else min)(given, default=None), None
    excl, incl = beyond(name, total.excl, excl_limit), beyond(name, total.incl, incl_limit)
    excl_binds, incl_binds = bool(excl), bool(incl)
    bearer = category(tariff, amounts)
    if excl_limit is None and total.excl is not None:
        excl = incl / bearer.factor
    if incl_limit is None and total.incl is not None:
        incl = excl * bearer.factor
    total.bound |= {f"{name} {which}" for which, binds in (("excl", excl_binds), ("incl", incl_binds)) if binds}
    total.excl = None if total.excl is None else total.excl + excl
    total.incl = None if total.incl is None else total.incl + incl


def beyond(name: str, value: Fraction | None, limit: Fraction | None) -> Fraction:
    """What must be added, or with the greatest price taken, to keep a bound."""
    if value is None or limit is None:
        return Fraction(0)
    return max(limit - value, Fraction(0)) if name == "min_price" else min(limit - value, Fraction(0))


def category(tariff: Json, amounts: list[Amount]) -> Category:
    """Which rate a bound is taxed at: that of the greatest net, or the tariff's first one where nothing is paid."""
    if not amounts:
        rates = [part.get("vat") for element in tariff["elements"] for part in element["price_components"]]
        return Category(next((rate for rate in rates if rate is not None), None), None)
    kind = tariff.get("tax_included") or "NO"
    found: dict[Decimal | int | None, Category] = {}
    for each in amounts:
        bearer = found.setdefault(each.vat, Category(each.vat, Fraction(0)))
        assert bearer.excl is not None
        bearer.excl += net_of(each, kind)
    return max(found.values(), key=lambda bearer: bearer.rank)


def minor(amount: Fraction | None, tariff: Json, rounding: str) -> int | None:
    """Minor units of the currency: halves away from zero, or to the even one."""
    if amount is None:
        return None
    doubled, rest = divmod(abs(amount) * 10 ** EXPONENTS[tariff["currency"]] * 2, 1)
    whole, is_upper_half = divmod(int(doubled), 2)
    is_half = bool(is_upper_half) and rest == 0
    rounded = whole + (whole % 2 if is_half and rounding == "half_even_total" else is_upper_half)
    return rounded if amount >= 0 else -rounded
