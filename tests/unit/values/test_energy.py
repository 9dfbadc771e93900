import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.values.energy import from_milliwh, to_milliwh
from ledger.values.quantity import from_microampere, from_milliwatt, to_microampere, to_milliwatt


@pytest.mark.parametrize(
    ("kwh", "milliwh"),
    [("0", 0), ("1237.250", 1_237_250_000), ("5", 5_000_000), ("0.000001", 1), ("999999999999.999999", 10**18 - 1)],
)
def test_six_decimals_of_a_kilowatt_hour_are_exact(kwh: str, milliwh: int) -> None:
    assert to_milliwh(kwh) == milliwh


@pytest.mark.parametrize(
    ("milliwh", "kwh"),
    [(0, "0.000"), (21_500_000, "21.500"), (1, "0.000001"), (1_234_500, "1.2345"), (-1_500_000, "-1.500")],
)
def test_energy_is_written_with_three_to_six_decimals(milliwh: int, kwh: str) -> None:
    assert from_milliwh(milliwh) == kwh


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_energy_survives_its_text(milliwh: int) -> None:
    assert to_milliwh(from_milliwh(milliwh)) == milliwh


def test_power_and_current_keep_six_decimals() -> None:
    assert (to_milliwatt("11.0"), from_milliwatt(11_000_001)) == (11_000_000, "11.000001")
    assert (to_microampere("16.5"), from_microampere(16_500_000)) == (16_500_000, "16.500")
