"""Sampled values to samples: units, multipliers, defaults, phases, locations; one sample an instant and context."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from consumers.messages.faults import UnreadableError, shown
from consumers.messages.ocpp.events import Phase, Sample, Signed
from consumers.messages.ocpp.fields import milli_of, text_of
from consumers.messages.ocpp.signed import register_in, unit_in

IMPORT_REGISTER: Final = "Energy.Active.Import.Register"
IMPORT_POWER: Final = "Power.Active.Import"
IMPORT_CURRENT: Final = "Current.Import"
STATE_OF_CHARGE: Final = "SoC"
MEASURANDS: Final = frozenset({IMPORT_REGISTER, IMPORT_POWER, IMPORT_CURRENT, STATE_OF_CHARGE})
DEFAULT_CONTEXT: Final = "Sample.Periodic"

# Powers of ten to the integer units of a sample: mWh, mW, µA.
_ENERGY_EXPONENTS: Final = {"wh": 3, "kwh": 6}
_POWER_EXPONENTS: Final = {"w": 3, "kw": 6}
_CURRENT_EXPONENTS: Final = {"a": 6}
# A signed value without a unit is in kWh, whatever the default of unsigned ones is (seen: KEBA P30).
_SIGNED_UNIT: Final = "kWh"

_PHASES: Final = {"L1": "L1", "L1-N": "L1", "L2": "L2", "L2-N": "L2", "L3": "L3", "L3-N": "L3"}
# Where a value was measured: the outlet is what a driver pays for, and OCPP's default.
_LOCATIONS: Final = ("Outlet", "Cable", "EV", "Body", "Inlet")

# 1.6 and 2.0.1 say percent as they like; more than a full battery is a fault of the vehicle.
_PERCENT_MAX: Final = 100


class Sampled(NamedTuple):
    """One sampled value in the terms of both versions; `value` is None where only a signed record was sent."""

    value: Decimal | None
    context: str | None = None
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    unit: str | None = None
    multiplier: int = 0
    signed: Signed | None = None


class MeterValue(NamedTuple):
    """The sampled values of one instant; `path` is where they stand in the payload."""

    path: str
    at: datetime
    sampled: tuple[Sampled, ...]


class _Draft:
    """A sample in the making: values by measurand, location and phase."""

    def __init__(self, at: datetime, context: str) -> None:
        self._at = at
        self._context = context
        self._values: dict[str, dict[str, dict[Phase, int]]] = {}
        self._soc: Decimal | None = None
        self._signed: tuple[Signed, int | None] | None = None

    def takes(self, measurand: str, location: str, phase: Phase, value: int) -> bool:
        """Keep a value. False when another value is in its place already: that is another sample."""
        return self._values.setdefault(measurand, {}).setdefault(location, {}).setdefault(phase, value) == value

    def takes_signed(self, signed: Signed, register_milliwh: int | None) -> bool:
        """Keep a signed record, with the register that it came with."""
        if self._signed is None:
            self._signed = signed, register_milliwh
        return self._signed[0] == signed

    def takes_soc(self, soc_percent: Decimal) -> bool:
        self._soc = soc_percent
        return True

    def to_sample(self) -> Sample:
        signed, signed_milliwh = self._signed or (None, None)
        register = self._at_best_location(IMPORT_REGISTER)
        if not register and signed_milliwh is not None:
            register = {None: signed_milliwh}
        return Sample(
            at=self._at,
            context=self._context,
            register_milliwh=register,
            power_milliw=self._at_best_location(IMPORT_POWER),
            current_microa=self._at_best_location(IMPORT_CURRENT),
            soc_percent=self._soc,
            signed=signed,
        )

    def _at_best_location(self, measurand: str) -> dict[Phase, int]:
        by_location = self._values.get(measurand, {})
        return next((by_location[name] for name in _LOCATIONS if name in by_location), {})


def to_samples(meter_values: Iterable[MeterValue]) -> tuple[Sample, ...]:
    """Samples in the order of their instants. Raises UnreadableError for a register that cannot be read.

    Other measurands are for information: one that cannot be read is left out.
    """
    drafts: dict[tuple[datetime, str], list[_Draft]] = {}
    for meter_value in meter_values:
        for place, sampled in enumerate(meter_value.sampled):
            context = text_of(f"{meter_value.path}.context", sampled.context or DEFAULT_CONTEXT)
            of_kind = drafts.setdefault((meter_value.at, context), [])
            _put(f"{meter_value.path}.sampledValue[{place}]", meter_value.at, context, sampled, of_kind)
    samples = (draft.to_sample() for of_kind in drafts.values() for draft in of_kind)
    return tuple(sorted(samples, key=_instant))


def _instant(sample: Sample) -> datetime:
    return sample.at


def _put(path: str, at: datetime, context: str, sampled: Sampled, drafts: list[_Draft]) -> None:
    """Into the first sample that has room for the value, or into a new one."""
    for draft in _and_new(drafts, at, context):
        if _is_taken(path, sampled, draft):
            return


def _and_new(drafts: list[_Draft], at: datetime, context: str) -> Iterator[_Draft]:
    yield from drafts
    drafts.append(_Draft(at, context))
    yield drafts[-1]


def _is_taken(path: str, sampled: Sampled, draft: _Draft) -> bool:
    measurand = sampled.measurand or IMPORT_REGISTER
    if measurand == IMPORT_REGISTER:
        return _register_is_taken(path, sampled, draft)
    if sampled.value is None or not sampled.value.is_finite():
        return True
    if measurand == STATE_OF_CHARGE:
        return draft.takes_soc(sampled.value) if 0 <= sampled.value <= _PERCENT_MAX else True
    if measurand == IMPORT_POWER:
        return _is_value_taken(path, sampled, draft, sampled.unit or "W", _POWER_EXPONENTS)
    if measurand == IMPORT_CURRENT:
        return _is_value_taken(path, sampled, draft, sampled.unit or "A", _CURRENT_EXPONENTS)
    return True


def _register_is_taken(path: str, sampled: Sampled, draft: _Draft) -> bool:
    if sampled.signed is not None:
        return draft.takes_signed(sampled.signed, _signed_register_milliwh(path, sampled, sampled.signed))
    if sampled.value is None:
        return True
    return _keep(path, sampled, draft, _milliwh(path, sampled.value, sampled.unit or "Wh", sampled.multiplier))


def _signed_register_milliwh(path: str, sampled: Sampled, signed: Signed) -> int | None:
    """The register beside a signed record; without one, the register inside of it."""
    if sampled.value is not None:
        unit = sampled.unit or unit_in(signed) or _SIGNED_UNIT
        return _milliwh(path, sampled.value, unit, sampled.multiplier)
    found = register_in(signed)
    return None if found is None else _milliwh(path, *found, 0)


def _milliwh(path: str, value: Decimal, unit: str, multiplier: int) -> int:
    exponent = _ENERGY_EXPONENTS.get(unit.lower())
    if exponent is None:
        raise UnreadableError(f"{path}: {shown(unit)} is no unit of a register: Wh or kWh")
    return milli_of(f"{path}.value", value, exponent + multiplier)


def _is_value_taken(path: str, sampled: Sampled, draft: _Draft, unit: str, exponents: dict[str, int]) -> bool:
    exponent = exponents.get(unit.lower())
    if exponent is None or sampled.value is None or sampled.value < 0:
        return True
    return _keep(path, sampled, draft, milli_of(f"{path}.value", sampled.value, exponent + sampled.multiplier))


def _keep(path: str, sampled: Sampled, draft: _Draft, value: int) -> bool:
    """Values of the neutral conductor, and between two phases, are no part of a sum."""
    if sampled.phase is not None and sampled.phase not in _PHASES:
        return True
    location = sampled.location or "Outlet"
    if location not in _LOCATIONS:
        raise UnreadableError(f"{path}.location: {shown(location)} is no location of OCPP")
    phase = None if sampled.phase is None else _PHASES[sampled.phase]
    return draft.takes(sampled.measurand or IMPORT_REGISTER, location, phase, value)


def to_text(value: msgspec.Raw) -> str | None:
    """The text of a value that is a JSON string; None for anything else."""
    try:
        return msgspec.json.decode(value, type=str)
    except msgspec.DecodeError:
        return None


def to_decimal(path: str, value: msgspec.Raw) -> Decimal:
    """A value that is a JSON number, or a text with one, digit by digit. Raises UnreadableError."""
    try:
        return msgspec.json.decode(value, type=Decimal, strict=False)
    except msgspec.DecodeError:
        raise UnreadableError(f"{path}: must be a number") from None
