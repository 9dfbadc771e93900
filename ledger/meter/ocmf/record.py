"""An OCMF record: what was signed, and the signature."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import msgspec

from ledger.meter.ocmf.contents import Contents, Pagination, Reading, read_contents

_KEYS_OF_SIGNATURE: Final = {"algorithm": "SA", "data": "SD", "encoding": "SE", "media_type": "SM"}


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


class Record(msgspec.Struct, frozen=True, dict=True):
    """One signed record. `payload` are the bytes that were signed, white space and all; `said` is their JSON.

    The contents are read when they are first asked for: whether the signature verifies does not depend on them.
    """

    payload: bytes
    said: Mapping[str, Any]
    signature: Signature
    signature_faults: tuple[str, ...] = ()

    @cached_property
    def contents(self) -> Contents:
        """All that the payload says."""
        return read_contents(self.said)

    @property
    def pagination(self) -> Pagination | None:
        return self.contents.pagination

    @property
    def readings(self) -> tuple[Reading, ...]:
        return self.contents.readings

    @property
    def faults(self) -> tuple[str, ...]:
        """The fields that could not be read, of the payload and of the signature section."""
        return self.contents.faults + self.signature_faults

    @property
    def serials(self) -> tuple[str, ...]:
        """MS and GS, as far as they are given: the meter may be known by either (OCMF 1.2, meter identification)."""
        given = (self.contents.own_meter_serial, self.contents.gateway_serial)
        return tuple(serial for serial in given if serial)

    @property
    def meter_serial(self) -> str | None:
        """MS; GS where the meter is known by its signing part alone."""
        return next(iter(self.serials), None)
