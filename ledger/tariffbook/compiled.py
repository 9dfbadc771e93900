"""Tariffs made ready for pricing, kept by what they say."""

from collections import OrderedDict

import msgspec

from ledger.tariff.compiled import CompiledTariff, compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.values.canonical import read_json_decimals

COMPILED_MAX = 1_000  # a compiled tariff takes 10 to 50 kB


class CompiledTariffs:
    """By hash and zone: the same tariff is compiled once, whatever it is called."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[tuple[str, str], CompiledTariff] = OrderedDict()

    def of(self, tariff_hash: str, text: msgspec.Raw, zone: str) -> CompiledTariff:
        """The compiled tariff of a published text, in a zone."""
        key = (tariff_hash, zone)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = compile_tariff(parse_tariff(read_json_decimals(bytes(text))), zone)
        self._compiled.move_to_end(key)
        while len(self._compiled) > COMPILED_MAX:
            self._compiled.popitem(last=False)
        return compiled
