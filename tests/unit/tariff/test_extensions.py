"""What a tariff says beyond OCPI: discounts, grace minutes, mark-up, caps, in the order of evaluation."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ledger.tariff.model import Dimension, Discount, Extensions, MarkUp, PriceLimit
from ledger.tariff.parse import TariffError, parse_tariff
from ledger.tariff.report import Report
from tests.unit.tariff.build import Json, charging, component, element, neither, parking, rated, reserved, tariff

MONDAY = "2026-03-02 10:00"
BASE = element(component("ENERGY", "0.50", "20"), component("TIME", "1", "20"), component("FLAT", "2", "20"))


def extended(*elements: Json, **extensions: Any) -> Json:
    return tariff(*(elements or (BASE,)), ev_extensions=extensions)


def discount(dimension: str, percent: str, *groups: str) -> Json:
    content: Json = {"dimension": dimension, "percent": Decimal(percent)}
    return content | {"groups": list(groups)} if groups else content


def limit(excl: str) -> Json:
    return {"before_taxes": Decimal(excl)}


def graceful(dimension: str, minutes: str) -> Json:
    return tariff(element(component(dimension, "1") | {"grace_minutes": Decimal(minutes)}))


def lines(report: Report, name: str) -> list[tuple[Fraction | None, Fraction | None]]:
    return [(line.excl, line.incl) for line in report.lines if line.dimension == name]


def test_extensions_are_read() -> None:
    content = extended(
        discounts=[discount("TIME", "12.5", "GOLD")],
        mark_up={"percent": 3, "per_session": Decimal("0.35"), "groups": ["ROAMING"]},
        session_cap=limit("30"),
        day_cap={"excl_vat": 50, "incl_vat": 60},
    )
    assert parse_tariff(content).extensions == Extensions(
        discounts=(Discount(Dimension.TIME, Decimal("12.5"), ("GOLD",)),),
        mark_up=MarkUp(Decimal(3), Decimal("0.35"), ("ROAMING",)),
        session_cap=PriceLimit(Decimal(30), None),
        day_cap=PriceLimit(Decimal(50), Decimal(60)),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (extended(discount=[]), "$.ev_extensions.discount: is not known here and could change a price"),
        (tariff(BASE, ev_extensions=[]), "$.ev_extensions: is an array, not an object"),
        (extended(discounts=[{"percent": 1}]), "$.ev_extensions.discounts[0].dimension: is missing"),
        (extended(discounts=[{"dimension": "TIME"}]), "$.ev_extensions.discounts[0].percent: is missing"),
        (extended(discounts=[discount("TIME", "101")]), "discounts[0].percent: 101 is outside of 0 to 100"),
        (extended(discounts=[discount("SOLAR", "1")]), "discounts[0].dimension: 'SOLAR' is none of ENERGY"),
        (extended(discounts=[discount("TIME", "1") | {"group": "A"}]), "discounts[0].group: is not known here"),
        (extended(discounts=[discount("TIME", "1")] * 1001), "discounts: has 1001 discounts, at most 1000 are read"),
        (extended(mark_up={}), "$.ev_extensions.mark_up.percent: is missing, and so is per_session"),
        (extended(mark_up={"percent": 1, "fee": 1}), "$.ev_extensions.mark_up.fee: is not known here"),
        (extended(session_cap={"before_tax": 1}), "$.ev_extensions.session_cap.before_tax: is not known here"),
        (extended(day_cap={}), "$.ev_extensions.day_cap.before_taxes: is missing"),
        (graceful("TIME", "5"), "grace_minutes: has a meaning for PARKING_TIME only, not for TIME"),
        (graceful("PARKING_TIME", "0.5"), "grace_minutes: 0.5 has more than 0 decimals"),
    ],
)
def test_an_error_names_the_path(content: Json, message: str) -> None:
    with pytest.raises(TariffError) as caught:
        parse_tariff(content)
    assert message in str(caught.value)


def test_a_discount_is_taken_off_the_unit_price_of_its_dimension() -> None:
    content = extended(discounts=[discount("ENERGY", "10", "GOLD")])
    flat, energy, time = rated(content, MONDAY, charging(60, "10"), groups=("GOLD",)).lines
    assert (flat.unit_price, energy.unit_price, time.unit_price) == (Decimal(2), Decimal("0.45"), Decimal(1))
    assert (energy.excl, energy.incl) == (Fraction("4.5"), Fraction("5.4"))
    assert energy.because == "element 1: no restrictions; 10 % discount of GOLD on 0.50"


@pytest.mark.parametrize(
    ("groups", "unit_price"),
    [((), "0.50"), (("SILVER",), "0.45"), (("SILVER", "GOLD"), "0.40"), (("BRONZE",), "0.50")],
)
def test_members_have_the_greatest_discount_of_their_groups(groups: tuple[str, ...], unit_price: str) -> None:
    content = extended(discounts=[discount("ENERGY", "10", "SILVER"), discount("ENERGY", "20", "GOLD", "PLATINUM")])
    (line,) = [line for line in rated(content, MONDAY, charging(60, "1"), groups=groups).lines if line.unit == "KWH"]
    assert line.unit_price == Decimal(unit_price)


def test_a_discount_without_groups_is_for_everybody() -> None:
    report = rated(extended(discounts=[discount("FLAT", "100")]), MONDAY, charging(60))
    assert (report.lines[0].excl, report.lines[0].because) == (0, "element 1: no restrictions; 100 % discount on 2")


def test_a_discount_is_exact_to_the_last_digit() -> None:
    """Twelve decimals of a price and six of a percentage are more than a decimal context holds by default."""
    energy = element(component("ENERGY", "123456789.123456789123"))
    report = rated(extended(energy, discounts=[discount("ENERGY", "12.345678")]), MONDAY, charging(60, "1"))
    assert report.excl == Fraction("123456789.123456789123") * (1 - Fraction("12.345678") / 100)


def test_time_and_fee_of_a_reservation_have_discounts_of_their_own() -> None:
    content = extended(
        element(component("TIME", "4"), component("FLAT", "4"), reservation="RESERVATION"),
        element(component("TIME", "1"), component("FLAT", "1")),
        discounts=[discount("RESERVATION_TIME", "50"), discount("RESERVATION_FLAT", "25")],
    )
    report = rated(content, MONDAY, reserved(60), charging(60))
    assert [line.unit_price for line in report.lines] == [3, 2, 1, 1]


GRACE = element(component("TIME", "1"), component("PARKING_TIME", "6", step_size=60) | {"grace_minutes": 10})


@pytest.mark.parametrize(
    ("stretches", "minutes"),
    [
        ((charging(60), parking(10)), []),
        ((charging(60), parking(25)), [15]),
        ((charging(60), parking(6), charging(5), parking(6)), [2]),
        ((charging(60), parking(4), neither(5), parking(4), parking(4)), [2]),
        ((charging(60), parking(12), charging(5), parking(6)), [2, 6]),
    ],
)
def test_the_first_minutes_of_parking_in_a_session_are_free(stretches: tuple[Json, ...], minutes: list[int]) -> None:
    report = rated(tariff(GRACE), MONDAY, *stretches)
    assert [line.quantity * 60 for line in report.lines if line.dimension == "PARKING_TIME"] == minutes


def test_a_fee_for_parking_begins_when_the_grace_is_over() -> None:
    parked = rated(tariff(GRACE), MONDAY, charging(60), parking(25)).lines[1]
    assert (parked.until_us - parked.from_us) == 15 * 60 * 10**6
    assert parked.excl == Fraction(3, 2)


def test_a_step_counts_only_once_the_grace_is_over() -> None:
    """A session that ends within the grace time rounds its charging time."""
    content = tariff(
        element(component("TIME", "1", step_size=3600), component("PARKING_TIME", "6") | {"grace_minutes": 10})
    )
    assert [line.billed_quantity for line in rated(content, MONDAY, charging(30), parking(5)).lines] == [1]
    assert [line.billed_quantity * 60 for line in rated(content, MONDAY, charging(30), parking(15)).lines] == [30, 5]


def test_each_component_has_its_own_grace() -> None:
    def of(minutes: int, **restrictions: Any) -> Json:
        return element(component("PARKING_TIME", "6") | {"grace_minutes": minutes}, **restrictions)

    report = rated(tariff(of(20, end_time="10:30"), of(40)), MONDAY, parking(60))
    assert [(line.element, line.quantity * 60) for line in report.lines] == [(1, 10), (2, 20)]


def test_a_mark_up_keeps_the_share_of_each_tax_rate() -> None:
    content = extended(
        element(component("ENERGY", "1", "20"), component("TIME", "2", "5")), mark_up={"percent": Decimal("10")}
    )
    report = rated(content, MONDAY, charging(60, "10"))
    assert lines(report, "MARK_UP") == [(Fraction(1), Fraction("1.2")), (Fraction("0.2"), Fraction("0.21"))]
    assert [line.vat_percent for line in report.lines] == [20, 5, 20, 5]
    assert (report.excl, report.incl) == (Fraction("13.2"), Fraction("15.51"))
    assert report.lines[-1].because == "mark-up of 10 % on what is taxed alike"


def test_a_mark_up_a_session_is_taxed_like_the_greatest_part() -> None:
    report = rated(extended(mark_up={"per_session": Decimal("0.35")}), MONDAY, charging(60, "10"))
    assert lines(report, "MARK_UP") == [(Fraction("0.35"), Fraction("0.42"))]
    assert report.lines[-1].because == "mark-up of 0.35 a session"


@pytest.mark.parametrize(("tax_included", "sides"), [("YES", ("1/2", "3/5")), ("N/A", ("3/5", None))])
def test_a_mark_up_a_session_is_on_the_side_of_the_prices(tax_included: str, sides: tuple[str, str | None]) -> None:
    content = extended(mark_up={"per_session": Decimal("0.6")}) | {"tax_included": tax_included}
    assert lines(rated(content, MONDAY, charging(60)), "MARK_UP") == [
        tuple(None if side is None else Fraction(side) for side in sides)
    ]


def test_a_mark_up_is_for_its_groups() -> None:
    content = extended(mark_up={"percent": 10, "groups": ["ROAMING"]})
    assert rated(content, MONDAY, charging(60)).excl == 3
    assert rated(content, MONDAY, charging(60), groups=("ROAMING",)).excl == Fraction("3.3")


def test_a_mark_up_a_session_is_due_without_any_line() -> None:
    report = rated(
        extended(element(component("PARKING_TIME", "1", "20")), mark_up={"per_session": 1}), MONDAY, charging(5)
    )
    assert [line.dimension for line in report.lines] == ["MARK_UP"]
    assert (report.excl, report.incl) == (1, None)


def test_a_cap_takes_what_is_above_it() -> None:
    report = rated(extended(session_cap={"excl_vat": Decimal("2.5")}), MONDAY, charging(60))
    assert lines(report, "SESSION_CAP") == [(Fraction("-0.5"), Fraction("-0.6"))]
    assert (report.excl, report.incl) == (Fraction("2.5"), 3)
    assert report.lines[-1].because == "the tariff's cap of a session"


def test_a_cap_after_tax_names_a_tax() -> None:
    content = extended(element(component("TIME", "5")), session_cap={"after_taxes": 4})
    assert rated(content, MONDAY, charging(60)).incl == 4


def test_a_cap_that_is_not_reached_adds_no_line() -> None:
    assert lines(rated(extended(session_cap=limit("3")), MONDAY, charging(60)), "SESSION_CAP") == []


def test_the_order_is_discount_step_bounds_mark_up_cap() -> None:
    """1.2 kWh are billed as 2 at 0.90, raised to 2, marked up to 2.2 and capped at 2.1."""
    content = extended(
        element(component("ENERGY", "1", step_size=1000)),
        discounts=[discount("ENERGY", "10")],
        mark_up={"percent": 10},
        session_cap=limit("2.1"),
    ) | {"min_price": limit("2")}
    report = rated(content, MONDAY, charging(60, "1.2"))
    assert [(str(line.dimension), line.excl) for line in report.lines] == [
        ("ENERGY", Fraction("1.8")),
        ("MIN_PRICE", Fraction("0.2")),
        ("MARK_UP", Fraction("0.2")),
        ("SESSION_CAP", Fraction("-0.1")),
    ]
    assert report.excl == Fraction("2.1")


def test_a_day_cap_is_no_part_of_a_session_s_cost() -> None:
    assert rated(extended(day_cap=limit("1")), MONDAY, charging(60)).excl == 3


def test_the_largest_and_smallest_prices_are_exact() -> None:
    """Up to 1,000,000,000 with twelve decimals, as the README says; a step of OCPI is a watt-hour at least."""
    greatest = rated(tariff(element(component("ENERGY", "1000000000"))), MONDAY, charging(60, "1"))
    assert (greatest.excl, greatest.excl_minor) == (10**9, 10**11)
    least = rated(tariff(element(component("ENERGY", "0.000000000001"))), MONDAY, charging(60, "0.000001"))
    assert least.excl == Fraction(1, 10**15)
