"""The signed value is what is billed: where a message says something else, the session is held."""

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from ledger.meter.ocmf.contents import Reading
from ledger.meter.ocmf.record import Record
from ledger.values.energy import from_milliwh
from ledger.values.exact import Exact
from ledger.values.time import from_instant

SIGNED_VALUE_DIFFERS: Final = "SIGNED_VALUE_DIFFERS"

# Meters sign whole seconds (OCMF writes three decimals, mostly zeros); a station's own stamp has fractions.
_SECOND: Final = timedelta(seconds=1)


class Stated(msgspec.Struct, frozen=True):
    """What a message says of a reading: register in milliwatt-hours, instant, and the meter of its session."""

    register_milliwh: int
    taken_at: datetime
    meter_id: str


class Difference(msgspec.Struct, frozen=True):
    """A field that the message and the signed record do not agree on, both as text."""

    field: Literal["register", "time", "meter"]
    stated: str
    signed: str

    def __str__(self) -> str:
        return f"{self.field} is {self.stated} in the message and {self.signed} in the signed record"


def signed_reading(record: Record, taken_at: datetime) -> Reading | None:
    """The record's reading of the import register that is nearest to an instant: a record often holds begin and end.

    Energy since the begin of the transaction counts only where the record shows no register. None: there is neither.
    """
    registers = [reading for reading in record.readings if reading.is_import_register]
    of_transaction = [reading for reading in record.readings if reading.is_import_of_transaction]
    readable = [r for r in registers or of_transaction if r.taken_at is not None and r.energy_milliwh is not None]
    return min(readable, key=lambda reading: abs((reading.taken_at or taken_at) - taken_at), default=None)


def signed_register(record: Record, taken_at: datetime) -> Exact | None:
    """The signed register in milliwatt-hours, in the record's own unit, whatever unit the sample beside it names.

    A sample without a unit is Wh by OCPP, and some stations mean kWh: the signed record says which.
    """
    reading = signed_reading(record, taken_at)
    return None if reading is None else reading.energy_milliwh


def differences(stated: Stated, record: Record) -> list[Difference]:
    """Where a message differs from RV, TM, MS and GS of its signed record; empty where it agrees."""
    reading = signed_reading(record, stated.taken_at)
    found = [
        _register_difference(stated, reading),
        _time_difference(stated, reading),
        _meter_difference(stated, record),
    ]
    return [difference for difference in found if difference is not None]


def _register_difference(stated: Stated, reading: Reading | None) -> Difference | None:
    signed = None if reading is None else reading.energy_milliwh
    if signed == stated.register_milliwh:
        return None
    return Difference("register", f"{from_milliwh(stated.register_milliwh)} kWh", _value(reading))


def _value(reading: Reading | None) -> str:
    return "missing" if reading is None else f"{reading.value} {reading.unit}"


def _time_difference(stated: Stated, reading: Reading | None) -> Difference | None:
    if reading is None or reading.taken_at is None or abs(reading.taken_at - stated.taken_at) < _SECOND:
        return None
    return Difference("time", from_instant(stated.taken_at), from_instant(reading.taken_at))


def _meter_difference(stated: Stated, record: Record) -> Difference | None:
    """By either serial: the signing part may be the gateway, and the meter known by its own number."""
    if not record.serials or stated.meter_id in record.serials:
        return None
    return Difference("meter", stated.meter_id, " or ".join(record.serials))
