"""Tariffs of CDRs, read and compiled once however many CDRs carry them."""

from collections import OrderedDict
from typing import Final

from ledger.tariff.compiled import CompiledTariff, compile_tariff
from ledger.tariff.parse import parse_tariff, tariff_hash

# A compiled tariff takes 10 to 50 kB; the CDRs of one partner carry a handful.
_KEPT: Final = 1_000


class CdrTariffs:
    """Compiled tariffs by what they say and by zone."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[tuple[str, str], CompiledTariff] = OrderedDict()

    def of(self, content: object, time_zone: str) -> CompiledTariff:
        """The Tariff object, compiled for a zone. TariffError names the JSON path, UnknownTimeZoneError the zone."""
        key = (tariff_hash(content), time_zone)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = compile_tariff(parse_tariff(content), time_zone)
        self._compiled.move_to_end(key)
        while len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return compiled
