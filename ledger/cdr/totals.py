"""The totals of a CDR, and the lines that each of them sums (OCPI, CDR object)."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from ledger.tariff.model import Dimension
from ledger.tariff.report import Line


class Side(StrEnum):
    """An amount before or after tax."""

    EXCL = "EXCL"
    INCL = "INCL"


TOTAL_COST: Final = "total_cost"
# Bounds, mark-up and cap belong to total_cost alone.
_DIMENSIONS_OF: Final = {
    "total_fixed_cost": (Dimension.FLAT,),
    "total_energy_cost": (Dimension.ENERGY,),
    "total_time_cost": (Dimension.TIME,),
    "total_parking_cost": (Dimension.PARKING_TIME,),
    "total_reservation_cost": (Dimension.RESERVATION_TIME, Dimension.RESERVATION_FLAT),
}
PARTIAL_COSTS: Final = tuple(_DIMENSIONS_OF)
QUANTITIES: Final = ("total_energy", "total_time", "total_parking_time")


def lines_of_total(total: str, lines: Iterable[Line]) -> list[Line]:
    """The lines that a cost sums; of `total_cost` all."""
    return [line for line in lines if total == TOTAL_COST or line.dimension in _DIMENSIONS_OF[total]]
