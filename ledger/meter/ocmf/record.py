"""An OCMF record as its meter said it. Names in the comments are the keys of the format (OCMF 1.2, tables 1 to 8)."""

import re
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from ledger.values.energy import MILLIWH_PER_KWH, MILLIWH_PER_WH
from ledger.values.exact import Exact, simplified

_MILLIWH_PER: Final = {"kWh": MILLIWH_PER_KWH, "Wh": MILLIWH_PER_WH}

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
_KEYS_OF_SIGNATURE: Final = {"algorithm": "SA", "data": "SD", "encoding": "SE", "media_type": "SM"}


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


class Signature(msgspec.Struct, frozen=True, gc=False, rename=_KEYS_OF_SIGNATURE):
    """The signature section."""

    algorithm: str | None = None
    """SA; DEFAULT_ALGORITHM where absent."""
    data: str | None = None
    """SD as text."""
    encoding: str | None = None
    """SE: hex where absent."""
    media_type: str | None = None
    """SM: DER where absent."""


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


class Record(RecordTexts, frozen=True, kw_only=True, gc=False):
    """One signed record. `payload` are the bytes that were signed, white space and all.

    `faults` names the fields that could not be read, in one line each: such a field is None here, and its bytes are
    signed all the same.
    """

    payload: bytes
    signature: Signature
    pagination: Pagination | None = None
    is_identified: bool | None = None
    """IS: whether the meter was told who charges."""
    identification_flags: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def meter_serial(self) -> str | None:
        """MS; GS where the meter is known by its signing part alone (OCMF 1.2, meter identification)."""
        return self.own_meter_serial or self.gateway_serial
