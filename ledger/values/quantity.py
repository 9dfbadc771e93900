"""Power as integer milliwatts and current as integer microamperes: six decimals of kW and A, exactly."""

from typing import Final

from ledger.values.energy import from_milliwh, to_milliwh

MILLIWATT_PER_KW: Final = 1_000_000
MICROAMPERE_PER_A: Final = 1_000_000


def to_milliwatt(power_kw: str) -> int:
    """Milliwatts of a text in kW with at most six decimals, for example "11.0" -> 11_000_000."""
    return to_milliwh(power_kw)


def from_milliwatt(power_milliwatt: int) -> str:
    """Text in kW with three to six decimals."""
    return from_milliwh(power_milliwatt)


def to_microampere(current_a: str) -> int:
    """Microamperes of a text in A with at most six decimals, for example "16.0" -> 16_000_000."""
    return to_milliwh(current_a)


def from_microampere(current_microampere: int) -> str:
    """Text in A with three to six decimals."""
    return from_milliwh(current_microampere)
