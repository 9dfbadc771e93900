"""step_size: the rules of OCPI's PriceComponent."""

from decimal import Decimal
from fractions import Fraction

from tests.unit.tariff.build import charging, component, element, lines_of, parking, rated, tariff

MONDAY = "2026-03-02 10:00"


def energy(unit_price: str, step_wh: int) -> dict[str, object]:
    return component("ENERGY", unit_price, step_size=step_wh)


def test_energy_rounds_up_once_for_the_session() -> None:
    content = tariff(element(energy("1", 500)))
    assert lines_of(rated(content, MONDAY, charging(10, "0.3"), charging(10, "0.3"))) == [
        ("ENERGY", 1, Decimal(1)),
    ]


def test_a_multiple_is_not_rounded() -> None:
    assert lines_of(rated(tariff(element(energy("1", 500))), MONDAY, charging(10, "1.5"))) == [
        ("ENERGY", 1, Decimal("1.5"))
    ]


def test_the_surplus_is_billed_at_the_last_price() -> None:
    content = tariff(element(energy("1", 7), end_time="10:10"), element(energy("2", 1000)))
    report = rated(content, MONDAY, charging(20, "1.2"))
    assert lines_of(report) == [("ENERGY", 1, Decimal("0.6")), ("ENERGY", 2, Decimal("1.4"))]
    assert report.excl == Fraction("3.4")


def test_a_price_that_has_no_energy_any_more_rounds_nothing() -> None:
    content = tariff(element(energy("1", 1000), end_time="10:10"), element(energy("2", 5000)))
    report = rated(content, MONDAY, charging(10, "0.5"), parking(10))
    assert lines_of(report) == [("ENERGY", 1, Decimal(1))]


def test_charging_and_parking_round_together_at_the_last_of_them() -> None:
    content = tariff(element(component("TIME", "1", step_size=600), component("PARKING_TIME", "2", step_size=600)))
    report = rated(content, MONDAY, charging(21), parking(16))
    assert [line.billed_quantity * 60 for line in report.lines] == [21, 20]
    assert report.excl == Fraction(21, 60) + Fraction(40, 60)


def test_where_charging_follows_parking_the_last_component_counts() -> None:
    content = tariff(element(component("TIME", "1", step_size=600), component("PARKING_TIME", "2", step_size=600)))
    report = rated(content, MONDAY, charging(10), parking(16), charging(11))
    assert [(str(line.dimension), line.billed_quantity * 60) for line in report.lines] == [
        ("TIME", 10),
        ("PARKING_TIME", 16),
        ("TIME", 20),
    ]


def test_what_is_rounded_is_the_total_of_the_last_dimension() -> None:
    """25 minutes at 1.20 and 10 at 2.40, step 15 minutes: 35 become 45."""
    content = tariff(
        element(component("TIME", "1.2", step_size=1800), end_time="10:25"),
        element(component("TIME", "2.4", step_size=900)),
    )
    report = rated(content, MONDAY, charging(35))
    assert [line.billed_quantity * 60 for line in report.lines] == [25, 20]
    assert report.excl == Fraction("1.30")


def test_a_free_end_puts_the_surplus_on_the_last_period_with_a_price() -> None:
    content = tariff(element(component("PARKING_TIME", "1", step_size=900), end_time="10:08"))
    report = rated(content, MONDAY, parking(20))
    assert [line.billed_quantity * 60 for line in report.lines] == [15]


def test_a_component_at_price_zero_takes_the_surplus() -> None:
    content = tariff(
        element(component("TIME", "1", step_size=60), end_time="10:08"), element(component("TIME", "0", step_size=3600))
    )
    report = rated(content, MONDAY, charging(20))
    assert [(line.billed_quantity * 60, line.excl) for line in report.lines] == [(8, Fraction(8, 60)), (52, 0)]


def test_a_total_without_finite_decimals_is_not_a_step_too_long() -> None:
    """150 minutes in 150 periods of a minute are 150 minutes, not 151 steps."""
    content = tariff(element(component("TIME", "1", step_size=1800)))
    report = rated(content, MONDAY, *[charging(1) for _ in range(150)])
    assert [line.billed_quantity for line in report.lines] == [Fraction(5, 2)]


def test_thirds_of_a_step_add_up_to_it() -> None:
    """Energy limits cut the hour at thirds of a minute; together they are one hour still."""
    content = tariff(
        element(component("TIME", "1", step_size=60), max_kwh=1),
        element(component("TIME", "1", step_size=60), max_kwh=2),
        element(component("TIME", "1", step_size=60)),
    )
    report = rated(content, MONDAY, charging(1, "3"))
    assert sum(line.billed_quantity for line in report.lines) == Fraction(1, 60)


def test_a_line_with_a_surplus_says_so() -> None:
    (line,) = rated(tariff(element(energy("1", 500))), MONDAY, charging(10, "0.3")).lines
    assert line.because == "element 1: no restrictions; rounded up to a multiple of 500 Wh"
