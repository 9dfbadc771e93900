"""What a record's payload says. Names in the comments are the keys of the format (OCMF 1.2, tables 1 to 7)."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from ledger.meter.ocmf.fields import Fields
from ledger.values.energy import MILLIWH_PER_KWH, MILLIWH_PER_WH
from ledger.values.exact import Exact, simplified

_MILLIWH_PER: Final = {"kWh": MILLIWH_PER_KWH, "Wh": MILLIWH_PER_WH}

_PAGINATION: Final = re.compile(r"([TF])(0|[1-9][0-9]{0,18})")

# OBIS (IEC 62056-6-1): value group C says what is measured, group D 8 that it is summed up over time.
_OBIS: Final = re.compile(r"(?:[0-9A-Fa-f]{1,3}-[0-9A-Fa-f]{1,3}:)?0*([0-9A-Fa-f]{1,3})\.0*8\.")
# 1 is active energy in; of OCMF's own codes B0 and B1 are registers of the meter, B2 and B3 of the transaction.
_IMPORT_REGISTERS: Final = {"1", "B0", "B1"}
_IMPORT_OF_TRANSACTION: Final = {"B2", "B3"}


class Pagination(msgspec.Struct, frozen=True, gc=False):
    """PG: context T (transaction) or F (fiscal), and the number that each record counts up by one in its context."""

    context: str
    number: int

    def __str__(self) -> str:
        return f"{self.context}{self.number}"


_KEYS_OF_READING: Final = {
    "transaction": "TX",
    "identification": "RI",
    "unit": "RU",
    "current_type": "RT",
    "error_flags": "EF",
    "status": "ST",
}
_KEYS_OF_RECORD: Final = {
    "format_version": "FV",
    "gateway_identification": "GI",
    "gateway_serial": "GS",
    "gateway_version": "GV",
    "meter_vendor": "MV",
    "meter_model": "MM",
    "own_meter_serial": "MS",
    "meter_firmware": "MF",
    "identification_level": "IL",
    "identification_type": "IT",
    "identification_data": "ID",
    "tariff_text": "TT",
    "charge_point_type": "CT",
    "charge_point": "CI",
}


class ReadingTexts(msgspec.Struct, frozen=True, gc=False, rename=_KEYS_OF_READING):
    """The texts of a reading. None: not said, or not readable."""

    transaction: str | None = None
    """TX: B begin, C charging, X exception, S suspended, T tariff change; E, L, R, A, P end."""
    identification: str | None = None
    """RI: the OBIS code of what was read."""
    unit: str | None = None
    """RU: kWh or Wh for energy."""
    current_type: str | None = None
    """RT: AC or DC."""
    error_flags: str | None = None
    """EF: E, energy is not usable; t, time is not usable."""
    status: str | None = None
    """ST: G is good."""


class Reading(ReadingTexts, frozen=True, kw_only=True, gc=False):
    """One reading of RD, with what it takes over from the reading before it. None: not said, or not readable."""

    taken_at: datetime | None = None
    """TM as an instant in UTC."""
    time_status: str | None = None
    """The letter behind TM: U unknown, I informative, S synchronised, R relative."""
    value: Decimal | None = None
    """RV with all the decimals it was written with, in `unit`."""
    cumulated_loss: Decimal | None = None
    """CL in `unit`."""

    @property
    def energy_milliwh(self) -> Exact | None:
        """RV in milliwatt-hours by its own unit, exactly; a fraction where the meter shows more than six decimals of
        a kWh. None without a value, or in a unit that is none of energy.
        """
        if self.value is None or self.unit not in _MILLIWH_PER:
            return None
        return simplified(Fraction(self.value) * _MILLIWH_PER[self.unit])

    @property
    def is_import_register(self) -> bool:
        """Whether it is the meter's register of energy taken from the grid; one that names no code counts as such."""
        return self.identification is None or self._measured in _IMPORT_REGISTERS

    @property
    def is_import_of_transaction(self) -> bool:
        """Whether it is the energy taken since the transaction began: no register of the meter."""
        return self._measured in _IMPORT_OF_TRANSACTION

    @property
    def _measured(self) -> str | None:
        found = _OBIS.match(self.identification or "")
        return found[1].upper() if found else None


class RecordTexts(msgspec.Struct, frozen=True, gc=False, rename=_KEYS_OF_RECORD):
    """Who signed, what measured, who charged and where, as texts. None: not said, or not readable."""

    format_version: str | None = None
    gateway_identification: str | None = None
    gateway_serial: str | None = None
    gateway_version: str | None = None
    meter_vendor: str | None = None
    meter_model: str | None = None
    own_meter_serial: str | None = None
    meter_firmware: str | None = None
    identification_level: str | None = None
    identification_type: str | None = None
    identification_data: str | None = None
    """ID: personal."""
    tariff_text: str | None = None
    charge_point_type: str | None = None
    charge_point: str | None = None


class Contents(RecordTexts, frozen=True, kw_only=True, gc=False):
    """All that a payload says. `faults` names the fields that could not be read, in one line each: such a field is
    None here, and its bytes are signed all the same.
    """

    pagination: Pagination | None = None
    is_identified: bool | None = None
    """IS: whether the meter was told who charges."""
    identification_flags: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    faults: tuple[str, ...] = ()


def read_contents(payload: Mapping[str, Any]) -> Contents:
    """The fields of a payload's JSON; what is missing or odd stops nothing, and stands in `faults`."""
    faults: list[str] = []
    said = Fields(payload, "", faults)
    return Contents(
        *astuple(said.texts_of(RecordTexts)),
        pagination=_pagination(said),
        is_identified=said.flag("IS"),
        identification_flags=said.texts("IF"),
        readings=tuple(_readings(said)),
        faults=tuple(faults),
    )


def _pagination(said: Fields) -> Pagination | None:
    found = said.matched("PG", _PAGINATION, "a context T or F and a number")
    if found is None:
        said.miss("PG")
        return None
    return Pagination(found[1], int(found[2]))


def _readings(said: Fields) -> Iterator[Reading]:
    """What a reading leaves out is as in the reading before it (OCMF 1.2, readings)."""
    known: dict[str, Any] = {}
    for number, own in enumerate(said.objects("RD"), 1):
        known = known | own
        yield _reading(said.part(known, f"reading {number} "))


def _reading(said: Fields) -> Reading:
    taken_at, time_status = said.time("TM")
    return Reading(
        *astuple(said.texts_of(ReadingTexts)),
        taken_at=taken_at,
        time_status=time_status,
        value=said.number("RV"),
        cumulated_loss=said.number("CL"),
    )
