from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.values.money import (
    UnknownCurrencyError,
    exact_from_text,
    exact_to_text,
    exponent,
    fraction_to_text,
    largest_remainder,
    minor_to_exact,
    minor_to_text,
    round_to_minor,
)

FRACTIONS = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**9)


def test_the_minor_unit_depends_on_the_currency() -> None:
    assert [exponent(code) for code in ("EUR", "JPY", "BHD", "CLF")] == [2, 0, 3, 4]


@pytest.mark.parametrize("code", ["XYZ", "eur", "", "EURO"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrencyError):
        exponent(code)


def test_halves_go_up_away_from_zero() -> None:
    assert round_to_minor(Fraction("12.375"), "EUR") == 1238
    assert round_to_minor(Fraction("-12.375"), "EUR") == -1238
    assert round_to_minor(Fraction("12.3749"), "EUR") == 1237
    assert round_to_minor(Fraction("0.5"), "JPY") == 1


def test_half_even_is_another_mode() -> None:
    assert round_to_minor(Fraction("12.365"), "EUR", "HALF_EVEN") == 1236
    assert round_to_minor(Fraction("12.375"), "EUR", "HALF_EVEN") == 1238


def test_minor_units_are_written_with_all_their_decimals() -> None:
    assert minor_to_text(5, "EUR") == "0.05"
    assert minor_to_text(-1234, "EUR") == "-12.34"
    assert minor_to_text(500, "JPY") == "500"
    assert minor_to_text(1, "BHD") == "0.001"
    assert minor_to_exact(1234, "EUR") == Fraction("12.34")


def test_the_largest_remainder_gets_the_cent() -> None:
    assert largest_remainder(100, [Fraction(1), Fraction(1), Fraction(1)]) == [34, 33, 33]
    assert largest_remainder(10, [Fraction(1), Fraction(2)]) == [3, 7]


def test_a_reduction_takes_its_share() -> None:
    assert largest_remainder(1000, [Fraction("0.5"), Fraction("12.5"), Fraction(-3)]) == [50, 1250, -300]


def test_shares_that_cancel_out_cannot_carry_a_total() -> None:
    assert largest_remainder(0, [Fraction(1), Fraction(-1)]) == [0, 0]
    with pytest.raises(ValueError, match="add up to zero"):
        largest_remainder(1, [Fraction(1), Fraction(-1)])


@given(st.integers(-(10**6), 10**6), st.lists(st.fractions(min_value=0, max_value=10**6), min_size=1, max_size=20))
def test_parts_add_up_and_are_a_unit_off_at_most(total: int, shares: list[Fraction]) -> None:
    shares[0] += 1
    parts = largest_remainder(total, shares)
    assert sum(parts) == total
    weight = sum(shares)
    assert all(abs(part - share * total / weight) < 1 for part, share in zip(parts, shares, strict=True))


@given(st.integers(-(10**6), 10**6), st.lists(FRACTIONS, min_size=1, max_size=20))
def test_parts_of_mixed_signs_add_up(total: int, shares: list[Fraction]) -> None:
    if sum(shares):
        assert sum(largest_remainder(total, shares)) == total


def test_a_fraction_is_written_half_up_with_twelve_decimals() -> None:
    assert fraction_to_text(Fraction(61, 60)) == "1.016666666667"
    assert fraction_to_text(Fraction(9), min_places=4) == "9.0000"
    assert fraction_to_text(Fraction("2.0125"), min_places=2) == "2.0125"
    assert fraction_to_text(Fraction(-1, 10**14)) == "0"
    assert fraction_to_text(Fraction(5, 2), places=0) == "3"


@given(FRACTIONS)
def test_an_exact_amount_survives_its_text(amount: Fraction) -> None:
    assert exact_from_text(exact_to_text(amount)) == amount


def test_an_exact_amount_is_decimal_where_it_can_be() -> None:
    assert exact_to_text(Fraction("-2.0125")) == "-2.0125"
    assert exact_to_text(Fraction(61, 60)) == "61/60"


@pytest.mark.parametrize("text", ["", "1/0", "1e5", "１", " 1", "0x1", "1/-2", "1" * 2000])
def test_other_text_is_no_exact_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"exact amount|divides by zero"):
        exact_from_text(text)
