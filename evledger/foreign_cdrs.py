"""CDRs of others, read from a file and compared one by one."""

from pathlib import Path
from typing import NamedTuple

from evledger.json_items import Item, JsonFileError, json_items
from ledger.cdr.comparing import Comparison, compare
from ledger.cdr.foreign import read_foreign
from ledger.cdr.tariffs import CdrTariffs
from ledger.tariff.json_fields import FieldError
from ledger.tariff.parse import parse_tariff
from ledger.values.zones import time_zone as zone_of


class Checked(NamedTuple):
    """What came of one CDR: a comparison, or one line about what cannot be priced."""

    place: str
    comparison: Comparison | None
    error: str


class ForeignTariffs(NamedTuple):
    """What prices CDRs: their own tariffs, or one for all; the zone where it was given."""

    compiled: CdrTariffs
    given: object
    time_zone: str | None

    @classmethod
    def of(cls, path: Path | None, time_zone: str | None) -> "ForeignTariffs":
        """ValueError for a file that is no tariff, UnknownTimeZoneError, OSError."""
        if time_zone is not None:
            zone_of(time_zone)
        return cls(CdrTariffs(), None if path is None else _read_tariff(path), time_zone)


def check(item: Item, tariffs: ForeignTariffs) -> Checked:
    """Price and compare one CDR of a file."""
    try:
        cdr = read_foreign(item.read(), tariffs.compiled, tariffs.given, tariffs.time_zone)
        return Checked(item.place, compare(cdr), "")
    except FieldError as error:
        return Checked(item.place, None, item.at(str(error)))
    except ValueError as error:
        return Checked(item.place, None, item.at(f"$: {error}"))


def _read_tariff(path: Path) -> object:
    items = list(json_items(path))
    if len(items) != 1:
        raise JsonFileError(f"holds {len(items)} tariffs, one is needed")
    content = items[0].read()
    parse_tariff(content)
    return content
