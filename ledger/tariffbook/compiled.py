"""Tariffs made ready for pricing, kept by what they say."""

from collections import OrderedDict
from collections.abc import Collection

import msgspec

from ledger.tariff.compiled import CompiledTariff, compile_tariff
from ledger.tariff.model import Tariff
from ledger.tariff.parse import parse_tariff
from ledger.values.canonical import read_json_decimals

COMPILED_MAX = 1_000  # a compiled tariff takes 10 to 50 kB

_Key = tuple[str, str, frozenset[str]]


class CompiledTariffs:
    """By hash, zone and groups: the same tariff is compiled once, whatever it is called.

    Of the groups only those count that the tariff names, so payers with other memberships share it.
    """

    def __init__(self) -> None:
        self._compiled: OrderedDict[_Key, CompiledTariff] = OrderedDict()
        self._named: OrderedDict[str, frozenset[str]] = OrderedDict()

    def of(self, tariff_hash: str, text: msgspec.Raw, zone: str, groups: Collection[str] = ()) -> CompiledTariff:
        """The compiled tariff of a published text, in a zone, for a member of these groups."""
        key = (tariff_hash, zone, self._relevant(tariff_hash, text, groups))
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = compile_tariff(_parsed(text), zone, key[2])
        self._compiled.move_to_end(key)
        while len(self._compiled) > COMPILED_MAX:
            self._compiled.popitem(last=False)
        return compiled

    def _relevant(self, tariff_hash: str, text: msgspec.Raw, groups: Collection[str]) -> frozenset[str]:
        """Most payers are members of nothing: for them no tariff is looked at."""
        if not groups:
            return frozenset()
        named = self._named.get(tariff_hash)
        if named is None:
            named = self._named[tariff_hash] = named_groups(_parsed(text))
        while len(self._named) > COMPILED_MAX:
            self._named.popitem(last=False)
        return named.intersection(groups)


def named_groups(tariff: Tariff) -> frozenset[str]:
    """The groups whose members a tariff prices in a way of their own."""
    extensions = tariff.extensions
    mark_up = () if extensions.mark_up is None else extensions.mark_up.groups or ()
    return frozenset(mark_up).union(*(discount.groups or () for discount in extensions.discounts))


def _parsed(text: msgspec.Raw) -> Tariff:
    return parse_tariff(read_json_decimals(bytes(text)))
