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


class Pagination(msgspec.Struct, frozen=True):
    """PG: context T (transaction) or F (fiscal), and the number that each record counts up by one in its context."""

    context: str
    number: int

    def __str__(self) -> str:
        return f"{self.context}{self.number}"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of RD, with what it takes over from the reading before it. None: not said, or not readable."""

    taken_at: datetime | None = None
    """TM as an instant in UTC."""
    time_status: str | None = None
    """The letter behind TM: U unknown, I informative, S synchronised, R relative."""
    transaction: str | None = None
    """TX: B begin, C charging, X exception, S suspended, T tariff change; E, L, R, A, P end."""
    value: Decimal | None = None
    """RV with all the decimals it was written with, in `unit`."""
    identification: str | None = None
    """RI: the OBIS code of what was read."""
    unit: str | None = None
    """RU: kWh or Wh for energy."""
    current_type: str | None = None
    """RT: AC or DC."""
    cumulated_loss: Decimal | None = None
    """CL in `unit`."""
    error_flags: str = ""
    """EF: E, energy is not usable; t, time is not usable."""
    status: str | None = None
    """ST: G is good."""

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


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """The signature section."""

    algorithm: str
    """SA, or the format's default."""
    data: str | None
    """SD as text."""
    encoding: str | None = None
    """SE: hex where absent."""
    media_type: str | None = None
    """SM: DER where absent."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One signed record. `payload` are the bytes that were signed, white space and all.

    `faults` names the fields that could not be read, in one line each: such a field is None here, and its bytes are
    signed all the same.
    """

    payload: bytes
    signature: Signature
    pagination: Pagination | None = None
    format_version: str | None = None
    gateway_identification: str | None = None
    gateway_serial: str | None = None
    gateway_version: str | None = None
    meter_vendor: str | None = None
    meter_model: str | None = None
    meter_firmware: str | None = None
    own_meter_serial: str | None = None
    is_identified: bool | None = None
    """IS: whether the meter was told who charges."""
    identification_level: str | None = None
    identification_flags: tuple[str, ...] = ()
    identification_type: str | None = None
    identification_data: str | None = None
    """ID: personal."""
    tariff_text: str | None = None
    charge_point_type: str | None = None
    charge_point: str | None = None
    readings: tuple[Reading, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def meter_serial(self) -> str | None:
        """MS; GS where the meter is known by its signing part alone (OCMF 1.2, meter identification)."""
        return self.own_meter_serial or self.gateway_serial
